import { AppError, roleIncludes, type Actor, type ProjectRole } from '@codex-k8s/domain';
import { getActionRequest, getProject, getRun, getUser, projectRole } from '@codex-k8s/store';
import type { Context } from './context.ts';

/** The person behind a verified session token; `auth.unauthorized` once the access was withdrawn (FR-018). */
export async function loadActor({ store }: Context, userId: string): Promise<Actor> {
  const user = await getUser(store.db, userId);
  if (!user) throw new AppError('auth.unauthorized', 'Your access was withdrawn.');
  const { id, email, githubLogin, isPlatformAdmin, isPlatformOwner } = user;
  return { userId: id, email, githubLogin: githubLogin ?? undefined, isPlatformAdmin, isPlatformOwner };
}

export function isAdmin(actor: Actor): boolean {
  return actor.isPlatformAdmin || actor.isPlatformOwner;
}

export interface ProjectPath {
  readonly project_id?: string;
  readonly run_id?: string;
  readonly approval_id?: number;
}

/**
 * May the actor do what needs `role` in the project the path leads to? A project, run or request that the actor may not even read answers
 * as if it were not there; a right that is too small is `auth.forbidden`.
 */
export async function authorizeProject(
  context: Context,
  { actor, path, role }: { actor: Actor; path: ProjectPath; role: ProjectRole },
): Promise<void> {
  const found = await locate(context, path);
  const held = found && (await heldRole(context, { actor, projectId: found.projectId }));
  if (!found || !held) throw notThere(path);
  if (!roleIncludes(held, role)) throw new AppError('auth.forbidden', `This needs the role ${role}; yours is ${held}.`);
}

async function heldRole({ store }: Context, { actor, projectId }: { actor: Actor; projectId: string }): Promise<ProjectRole | undefined> {
  return isAdmin(actor) ? 'admin' : projectRole(store.db, { projectId, userId: actor.userId });
}

async function locate({ store }: Context, { project_id, run_id, approval_id }: ProjectPath): Promise<{ projectId: string } | undefined> {
  if (run_id !== undefined) return getRun(store.db, run_id);
  if (approval_id !== undefined) return getActionRequest(store.db, approval_id);
  const project = project_id === undefined ? undefined : await getProject(store.db, project_id);
  return project && { projectId: project.id };
}

function notThere({ run_id, approval_id }: ProjectPath): AppError {
  if (run_id !== undefined) return new AppError('run.not_found', 'There is no such run.');
  if (approval_id !== undefined) return new AppError('approval.not_found', 'There is no such request.');
  return new AppError('project.not_found', 'There is no such project.');
}

/** May the actor change things in the project the path leads to? */
export async function mayWrite(context: Context, { actor, path }: { actor: Actor; path: ProjectPath }): Promise<boolean> {
  const found = await locate(context, path);
  const held = found && (await heldRole(context, { actor, projectId: found.projectId }));
  return held !== undefined && roleIncludes(held, 'read_write');
}
