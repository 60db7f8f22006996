import type { Forge } from '../forge.ts';
import { notFound } from '../errors.ts';
import type { IssueRecord, Permission, PullRecord, RepositoryRecord, UserRecord } from '../store/records.ts';
import type { Store } from '../store/store.ts';

/** What a user may do in a repository; undefined: not even see it. */
export function permissionOf(repository: RepositoryRecord, user: UserRecord | undefined): Permission | undefined {
  if (user?.id === repository.ownerId) return 'admin';
  const given = user === undefined ? undefined : repository.collaborators[String(user.id)];
  return given ?? (repository.private ? undefined : 'read');
}

export function findRepository(store: Store, owner: string, name: string): RepositoryRecord | undefined {
  return store.repositories.find('', `${owner}/${name}`.toLowerCase());
}

export function findUser(store: Store, login: string): UserRecord | undefined {
  return store.users.find('', login.toLowerCase());
}

export function issueOf(forge: Forge, repository: RepositoryRecord, number: number): IssueRecord {
  const issue = Number.isSafeInteger(number) ? forge.store.issues.find(repository.id, number) : undefined;
  if (!issue) throw notFound();
  return issue;
}

export function pullOf(forge: Forge, repository: RepositoryRecord, number: number): PullRecord {
  const issue = issueOf(forge, repository, number);
  if (!isPull(issue)) throw notFound();
  return issue;
}

export function isPull(issue: IssueRecord): issue is PullRecord {
  return issue.pull !== null;
}

/** As it is in the store now. */
export function freshPull(forge: Forge, pull: PullRecord): PullRecord {
  const current = forge.store.issues.get(pull.id);
  return current && isPull(current) ? current : pull;
}
