import { randomUUID } from 'node:crypto';
import { AppError, type Actor, type ProjectRole } from '@codex-k8s/domain';
import {
  createProject,
  deleteProject,
  findUserByEmail,
  getProject,
  listMembers,
  listProjects,
  recordEvent,
  removeMember,
  setLearningMode,
  updateProject,
  upsertMember,
  type Member,
  type ProjectSettings,
  type ProjectView,
} from '@codex-k8s/store';
import type { Context } from './context.ts';

function human(actor: Actor): { type: 'human'; id: string } {
  return { type: 'human', id: actor.email };
}

export async function listVisibleProjects({ store }: Context, actor: Actor): Promise<ProjectView[]> {
  return listProjects(store.db, { actor });
}

export async function showProject({ store }: Context, { actor, projectId }: { actor: Actor; projectId: string }): Promise<ProjectView> {
  const [project] = await listProjects(store.db, { actor, id: projectId });
  if (!project) throw new AppError('project.not_found', 'There is no such project.');
  return project;
}

export async function addProject(
  context: Context,
  { actor, slug, name }: { actor: Actor; slug: string; name: string },
): Promise<ProjectView> {
  const project = await createProject(context.store.db, { slug, name });
  if (!project) throw new AppError('project.slug_taken', 'Another project has this slug or name.', { field: 'body.slug' });
  await recordEvent(context.store.db, {
    type: 'project.created',
    correlationId: randomUUID(),
    projectId: project.id,
    actor: human(actor),
    payload: { slug, name },
  });
  return showProject(context, { actor, projectId: project.id });
}

export async function changeProject(
  context: Context,
  {
    actor,
    projectId,
    name,
    settings,
  }: { actor: Actor; projectId: string; name: string | undefined; settings: ProjectSettings | undefined },
): Promise<ProjectView> {
  const changed = await updateProject(context.store.db, { id: projectId, name, settings });
  if (changed === 'taken') throw new AppError('project.slug_taken', 'Another project has this name.', { field: 'body.name' });
  await recordEvent(context.store.db, {
    type: 'project.updated',
    correlationId: randomUUID(),
    projectId,
    actor: human(actor),
    payload: { name, settings },
  });
  return showProject(context, { actor, projectId });
}

export async function removeProject({ store }: Context, { actor, projectId }: { actor: Actor; projectId: string }): Promise<void> {
  const project = await getProject(store.db, projectId);
  if (project?.isProtected) throw new AppError('project.protected', 'The platform project cannot be deleted.');
  if (!(await deleteProject(store.db, projectId))) {
    throw new AppError('run.illegal_move', 'Runs of this project are active; cancel them first.');
  }
  await recordEvent(store.db, {
    type: 'project.deleted',
    correlationId: randomUUID(),
    projectId,
    actor: human(actor),
    payload: { slug: project?.slug },
  });
}

export async function listProjectMembers({ store }: Context, projectId: string): Promise<Member[]> {
  return listMembers(store.db, projectId);
}

export async function setProjectMember(
  { store }: Context,
  { actor, projectId, email, role }: { actor: Actor; projectId: string; email: string; role: ProjectRole },
): Promise<Member> {
  const user = await findUserByEmail(store.db, email);
  if (!user)
    throw new AppError('user.not_found', 'There is no user with this e-mail; a platform admin must add it first.', { field: 'body.email' });
  await upsertMember(store.db, { projectId, userId: user.id, role });
  await recordEvent(store.db, {
    type: 'member.changed',
    correlationId: randomUUID(),
    projectId,
    actor: human(actor),
    payload: { user_id: user.id, role },
  });
  const member = (await listMembers(store.db, projectId)).find(({ userId }) => userId === user.id);
  if (!member) throw new AppError('user.not_found', 'The member was removed at the same moment.');
  return member;
}

export async function removeProjectMember(
  { store }: Context,
  { actor, projectId, userId }: { actor: Actor; projectId: string; userId: string },
): Promise<void> {
  if (!(await removeMember(store.db, { projectId, userId }))) throw new AppError('user.not_found', 'There is no such member.');
  await recordEvent(store.db, {
    type: 'member.removed',
    correlationId: randomUUID(),
    projectId,
    actor: human(actor),
    payload: { user_id: userId },
  });
}

export async function setMemberLearning(
  { store }: Context,
  { actor, projectId, userId, enabled }: { actor: Actor; projectId: string; userId: string; enabled: boolean | null },
): Promise<void> {
  if (!(await setLearningMode(store.db, { projectId, userId, enabled }))) throw new AppError('user.not_found', 'There is no such member.');
  await recordEvent(store.db, {
    type: 'member.changed',
    correlationId: randomUUID(),
    projectId,
    actor: human(actor),
    payload: { user_id: userId, learning_mode_override: enabled },
  });
}
