import type { ProjectRole } from '@codex-k8s/domain';
import { sql, type Selectable } from 'kysely';
import { senderOf } from './sql-parts.ts';
import type { Db, Tx } from './store.ts';
import type { CoreUsers } from './tables.gen.ts';

export type User = Selectable<CoreUsers>;

export async function getUser(db: Db | Tx, id: string): Promise<User | undefined> {
  return db.selectFrom('core.users').selectAll().where('id', '=', id).executeTakeFirst();
}

export async function findUserByEmail(db: Db | Tx, email: string): Promise<User | undefined> {
  return db.selectFrom('core.users').selectAll().where('email', '=', email.toLowerCase()).executeTakeFirst();
}

export async function listUsers(db: Db): Promise<User[]> {
  return db.selectFrom('core.users').selectAll().orderBy('email').execute();
}

/** Undefined: the e-mail is taken, or an owner is wanted and there is one. */
export async function createUser(
  db: Db | Tx,
  { email, isPlatformAdmin = false, isPlatformOwner = false }: { email: string; isPlatformAdmin?: boolean; isPlatformOwner?: boolean },
): Promise<User | undefined> {
  return db
    .insertInto('core.users')
    .values({ email: email.toLowerCase(), isPlatformAdmin, isPlatformOwner })
    .onConflict((conflict) => conflict.doNothing())
    .returningAll()
    .executeTakeFirst();
}

/** Stores who the person is at GitHub, at the first sign-in and after a rename. */
export async function linkGithubIdentity(
  db: Db,
  { id, githubUserId, githubLogin }: { id: string; githubUserId: number; githubLogin: string },
): Promise<User | undefined> {
  return db
    .updateTable('core.users')
    .set({ githubUserId, githubLogin, updatedAt: sql<Date>`now()` })
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirst();
}

/** True when the user was there and is not the owner. */
export async function deleteUser(db: Db, id: string): Promise<boolean> {
  const result = await db.deleteFrom('core.users').where('id', '=', id).where('isPlatformOwner', '=', false).executeTakeFirst();
  return result.numDeletedRows > 0n;
}

export interface KnownSender {
  readonly id: string;
  readonly isPlatformAdmin: boolean;
  readonly isPlatformOwner: boolean;
  readonly role: ProjectRole | undefined;
}

/** The platform's user behind a GitHub account and the role in a project. */
export async function findSender(
  db: Db | Tx,
  account: { githubUserId: number; githubLogin: string; projectId: string },
): Promise<KnownSender | undefined> {
  const { rows } = await sql<Omit<KnownSender, 'role'> & { role: string | null }>`${senderOf(account)}`.execute(db);
  const [row] = rows;
  return row && { ...row, role: (row.role ?? undefined) as ProjectRole | undefined }; // the check constraint holds the roles
}
