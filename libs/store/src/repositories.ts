import { sql, type Selectable } from 'kysely';
import { repositoryByExternalId } from './sql-parts.ts';
import { isUniqueViolation, type Db, type Tx } from './store.ts';
import type { CoreRepositories } from './tables.gen.ts';

export type Repository = Selectable<CoreRepositories>;

/** What a repository's stored token is bound to: it opens in this row only. */
export function repositoryTokenContext(repositoryId: string): string {
  return `repositories/${repositoryId}/token`;
}

export interface NewRepository {
  readonly id: string;
  readonly projectId: string;
  readonly provider: 'github';
  readonly externalId: number;
  readonly owner: string;
  readonly name: string;
  readonly defaultBranch: string;
  readonly htmlUrl: string;
  readonly cloneUrl: string;
  readonly tokenEncrypted: Buffer;
  readonly servicesYamlPath: string;
}

export async function listRepositories(db: Db, projectId?: string): Promise<Repository[]> {
  return db
    .selectFrom('core.repositories')
    .selectAll()
    .$if(projectId !== undefined, (query) => query.where('projectId', '=', projectId ?? ''))
    .orderBy('owner')
    .orderBy('name')
    .execute();
}

export async function getRepository(db: Db | Tx, id: string): Promise<Repository | undefined> {
  return db.selectFrom('core.repositories').selectAll().where('id', '=', id).executeTakeFirst();
}

export async function findRepositoryByExternalId(db: Db | Tx, externalId: number): Promise<Repository | undefined> {
  const { rows } = await sql<Repository>`${repositoryByExternalId(externalId)}`.execute(db);
  return rows[0];
}

/** Undefined: another project has bound the repository. */
export async function createRepository(db: Db, repository: NewRepository): Promise<Repository | undefined> {
  try {
    return await db.insertInto('core.repositories').values(repository).returningAll().executeTakeFirstOrThrow();
  } catch (error) {
    if (isUniqueViolation(error)) return undefined;
    throw error;
  }
}

export async function updateRepository(
  db: Db,
  {
    id,
    ...set
  }: { id: string } & Partial<
    Pick<NewRepository, 'tokenEncrypted' | 'defaultBranch' | 'servicesYamlPath' | 'owner' | 'name' | 'htmlUrl' | 'cloneUrl'>
  > & { hookId?: number },
): Promise<Repository | undefined> {
  const repository = await db
    .updateTable('core.repositories')
    .set({ ...set, updatedAt: sql<Date>`now()` })
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirst();
  if (repository && set.tokenEncrypted) await retrySoon(db, id);
  return repository;
}

/** What the old token could not say or ask is tried again at once. Claims that are being worked on last a minute at most and stay. */
async function retrySoon(db: Db, repositoryId: string): Promise<void> {
  await sql`
    update core.agent_runs set publish_retry_at = null
    where repository_id = ${repositoryId} and publish_retry_at > now() + interval '61 seconds'`.execute(db);
  await sql`
    update core.webhook_deliveries set answer_retry_at = null
    where repository_id = ${repositoryId} and needs_answer and answer_retry_at > now() + interval '61 seconds'`.execute(db);
}

/** Replaces the encrypted form of a token. False: it is not `from` any more, since a person stored another token meanwhile. */
export async function reencryptRepositoryToken(db: Db, { id, from, to }: { id: string; from: Buffer; to: Buffer }): Promise<boolean> {
  const result = await db
    .updateTable('core.repositories')
    .set({ tokenEncrypted: to, updatedAt: sql<Date>`now()` })
    .where('id', '=', id)
    .where('tokenEncrypted', '=', from)
    .executeTakeFirst();
  return result.numUpdatedRows > 0n;
}

export async function deleteRepository(db: Db, id: string): Promise<boolean> {
  const result = await db.deleteFrom('core.repositories').where('id', '=', id).executeTakeFirst();
  return result.numDeletedRows > 0n;
}
