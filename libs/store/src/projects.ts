import type { Actor, ClusterControl, ProjectRole } from '@codex-k8s/domain';
import { sql, type Selectable } from 'kysely';
import { asJson } from './json.ts';
import { isUniqueViolation, type Db, type Tx } from './store.ts';
import type { CoreProjects } from './tables.gen.ts';

/** What a project may set; absent means the platform's default. */
export interface ProjectSettings {
  readonly locale?: 'en' | 'ru';
  readonly learning_mode_default?: boolean;
  readonly max_parallel_runs?: number;
  readonly direct_dev?: boolean;
  readonly profile?: 'quick-fix' | 'feature' | 'new-service';
  readonly required_controls?: ClusterControl[];
}

export type Project = Omit<Selectable<CoreProjects>, 'settings'> & { readonly settings: ProjectSettings };
export type ProjectView = Project & { readonly role: ProjectRole; readonly repositoryCount: number; readonly activeRunCount: number };

export async function getProject(db: Db | Tx, id: string): Promise<Project | undefined> {
  const row = await db.selectFrom('core.projects').selectAll().where('id', '=', id).executeTakeFirst();
  return row as Project | undefined; // settings are written through ProjectSettings only
}

export async function findProjectBySlug(db: Db | Tx, slug: string): Promise<Project | undefined> {
  const row = await db.selectFrom('core.projects').selectAll().where('slug', '=', slug).executeTakeFirst();
  return row as Project | undefined; // settings are written through ProjectSettings only
}

/** Projects the actor may see, with what the actor may do there; an admin of the platform is admin everywhere. */
export async function listProjects(db: Db, { actor, id }: { actor: Actor; id?: string }): Promise<ProjectView[]> {
  const isAdmin = actor.isPlatformAdmin || actor.isPlatformOwner;
  const { rows } = await sql<ProjectView>`
    select p.*, case when ${isAdmin} then 'admin' else m.role end as role,
      (select count(*) from core.repositories r where r.project_id = p.id)::int as repository_count,
      (select count(*) from core.agent_runs r where r.project_id = p.id and r.status in ('pending', 'running', 'waiting_mcp'))::int as active_run_count
    from core.projects p left join core.project_members m on m.project_id = p.id and m.user_id = ${actor.userId}
    where (${isAdmin} or m.role is not null) and (${id ?? null}::uuid is null or p.id = ${id ?? null}::uuid)
    order by p.name`.execute(db);
  return rows;
}

/** Undefined: the slug or name is taken. */
export async function createProject(
  db: Db | Tx,
  { slug, name, settings = {}, isProtected = false }: { slug: string; name: string; settings?: ProjectSettings; isProtected?: boolean },
): Promise<Project | undefined> {
  const row = await db
    .insertInto('core.projects')
    .values({ slug, name, settings: asJson(settings), isProtected })
    .onConflict((conflict) => conflict.doNothing())
    .returningAll()
    .executeTakeFirst();
  return row as Project | undefined; // settings are written through ProjectSettings only
}

/** Settings are merged over the stored ones. Undefined: no such project. `'taken'`: another project has the name. */
export async function updateProject(
  db: Db,
  { id, name, settings }: { id: string; name?: string | undefined; settings?: ProjectSettings | undefined },
): Promise<Project | 'taken' | undefined> {
  try {
    const row = await db
      .updateTable('core.projects')
      .set({
        ...(name !== undefined && { name }),
        ...(settings && { settings: sql<string>`settings || ${asJson(settings)}` }),
        updatedAt: sql<Date>`now()`,
      })
      .where('id', '=', id)
      .returningAll()
      .executeTakeFirst();
    return row as Project | undefined; // settings are written through ProjectSettings only
  } catch (error) {
    if (isUniqueViolation(error)) return 'taken';
    throw error;
  }
}

/** False: runs are active, the project is protected, or it is gone. */
export async function deleteProject(db: Db, id: string): Promise<boolean> {
  const result = await db
    .deleteFrom('core.projects as p')
    .where('p.id', '=', id)
    .where('p.isProtected', '=', false)
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('core.agentRuns as r')
            .select('r.id')
            .whereRef('r.projectId', '=', 'p.id')
            .where('r.status', 'in', ['pending', 'running', 'waiting_mcp']),
        ),
      ),
    )
    .executeTakeFirst();
  return result.numDeletedRows > 0n;
}

export async function projectRole(
  db: Db | Tx,
  { projectId, userId }: { projectId: string; userId: string },
): Promise<ProjectRole | undefined> {
  const row = await db
    .selectFrom('core.projectMembers')
    .select('role')
    .where('projectId', '=', projectId)
    .where('userId', '=', userId)
    .executeTakeFirst();
  return row?.role as ProjectRole | undefined; // the check constraint holds the roles
}

export interface Member {
  readonly userId: string;
  readonly email: string;
  readonly githubLogin: string | null;
  readonly role: ProjectRole;
  readonly learningModeOverride: boolean | null;
}

export async function listMembers(db: Db, projectId: string): Promise<Member[]> {
  const rows = await db
    .selectFrom('core.projectMembers as m')
    .innerJoin('core.users as u', 'u.id', 'm.userId')
    .select(['m.userId', 'u.email', 'u.githubLogin', 'm.role', 'm.learningModeOverride'])
    .where('m.projectId', '=', projectId)
    .orderBy('u.email')
    .execute();
  return rows as Member[]; // the check constraint holds the roles
}

export async function upsertMember(
  db: Db | Tx,
  { projectId, userId, role }: { projectId: string; userId: string; role: ProjectRole },
): Promise<void> {
  await db
    .insertInto('core.projectMembers')
    .values({ projectId, userId, role })
    .onConflict((conflict) => conflict.columns(['projectId', 'userId']).doUpdateSet({ role }))
    .execute();
}

export async function removeMember(db: Db, { projectId, userId }: { projectId: string; userId: string }): Promise<boolean> {
  const result = await db
    .deleteFrom('core.projectMembers')
    .where('projectId', '=', projectId)
    .where('userId', '=', userId)
    .executeTakeFirst();
  return result.numDeletedRows > 0n;
}

export async function setLearningMode(
  db: Db,
  { projectId, userId, enabled }: { projectId: string; userId: string; enabled: boolean | null },
): Promise<boolean> {
  const result = await db
    .updateTable('core.projectMembers')
    .set({ learningModeOverride: enabled })
    .where('projectId', '=', projectId)
    .where('userId', '=', userId)
    .executeTakeFirst();
  return result.numUpdatedRows > 0n;
}
