import { now, type Forge } from '../forge.ts';
import { validationFailed } from '../errors.ts';
import { gitDirOf, initBareRepository, updateRef } from '../git/bare-repository.ts';
import { writeCommit, type Person } from '../git/commits.ts';
import { changeTree } from '../git/trees.ts';
import { noReplyEmail } from '../present/commits.ts';
import type { Permission, RepositoryRecord, UserRecord } from '../store/records.ts';
import { findRepository } from './permissions.ts';
import { announceRefs } from './announce-refs.ts';

export interface RepositoryDraft {
  readonly owner: UserRecord;
  readonly name: string;
  readonly private?: boolean | undefined;
  readonly description?: string | null | undefined;
  readonly defaultBranch?: string | undefined;
  readonly collaborators?: Readonly<Record<string, Permission>> | undefined;
  /** Path -> content of the first commit; none: the repository stays empty. */
  readonly files?: Readonly<Record<string, string>> | undefined;
}

export async function createRepository(forge: Forge, draft: RepositoryDraft): Promise<RepositoryRecord> {
  const { owner, name, defaultBranch = 'main', files = {} } = draft;
  if (!/^[\w.-]{1,100}$/.test(name)) throw validationFailed({ resource: 'Repository', code: 'invalid', field: 'name' });
  if (findRepository(forge.store, owner.login, name)) throw nameTaken();
  const repository = insertRepository(forge, draft, defaultBranch);
  const gitDir = gitDirOf(forge.dataDir, repository.id);
  await initBareRepository(gitDir, defaultBranch);
  if (Object.keys(files).length > 0) {
    const changes = Object.entries(files).map(([path, content]) => ({ path, content: Buffer.from(content) }));
    const treeSha = await changeTree(gitDir, undefined, changes);
    const author = personOf(owner);
    const sha = await writeCommit(gitDir, { treeSha, parents: [], message: 'Initial commit', author, committer: author });
    await updateRef(gitDir, `refs/heads/${defaultBranch}`, sha);
    await announceRefs(forge, repository.id, owner);
  }
  return forge.store.repositories.get(repository.id) ?? repository;
}

function insertRepository(forge: Forge, draft: RepositoryDraft, defaultBranch: string): RepositoryRecord {
  const { owner, name } = draft;
  const at = now();
  return forge.store.repositories.insert(
    { parent: '', name: `${owner.login}/${name}`.toLowerCase() },
    {
      ownerId: owner.id,
      owner: owner.login,
      name,
      private: draft.private ?? false,
      description: draft.description ?? null,
      defaultBranch,
      collaborators: draft.collaborators ?? {},
      lastNumber: 0,
      refs: {},
      createdAt: at,
      updatedAt: at,
      pushedAt: at,
    },
  );
}

function nameTaken(): Error {
  return validationFailed({ resource: 'Repository', code: 'custom', field: 'name', message: 'name already exists on this account' });
}

/** How a user signs commits made by the server. */
export function personOf(user: UserRecord): Person {
  const email = user.emails.find(({ primary }) => primary)?.email ?? noReplyEmail(user.login);
  return { name: user.name ?? user.login, email, date: now() };
}
