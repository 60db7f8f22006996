import { sql, type Selectable } from 'kysely';
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
  return db
    .selectFrom('core.repositories')
    .selectAll()
    .where('provider', '=', 'github')
    .where('externalId', '=', externalId)
    .executeTakeFirst();
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
  return db
    .updateTable('core.repositories')
    .set({ ...set, updatedAt: sql<Date>`now()` })
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirst();
}

export async function deleteRepository(db: Db, id: string): Promise<boolean> {
  const result = await db.deleteFrom('core.repositories').where('id', '=', id).executeTakeFirst();
  return result.numDeletedRows > 0n;
}
