import type { View } from '../forge.ts';
import type { Commit, Person } from '../git/commits.ts';
import type { ChangedFile } from '../git/diffs.ts';
import type { RepositoryRecord, UserRecord } from '../store/records.ts';
import { repositoryUrls } from './repositories.ts';
import { nodeId, presentUser } from './users.ts';

export function userOfEmail({ store }: View, email: string): UserRecord | undefined {
  const wanted = email.toLowerCase();
  return store.users
    .all()
    .find(({ login, emails }) => emails.some((own) => own.email.toLowerCase() === wanted) || wanted === noReplyEmail(login).toLowerCase());
}

export function noReplyEmail(login: string): string {
  return `${login}@users.noreply.github.com`;
}

const unsigned = { verified: false, reason: 'unsigned', signature: null, payload: null };

/** As in webhooks, whose schemas do not know when a signature was verified. */
export function presentCommitInEvent(view: View, repository: RepositoryRecord, commit: Commit) {
  const presented = presentCommit(view, repository, commit);
  return { ...presented, commit: { ...presented.commit, verification: unsigned } };
}

function presentAccount(view: View, { email }: Person) {
  const user = userOfEmail(view, email);
  return user === undefined ? null : presentUser(view, user);
}

export function presentCommit(view: View, repository: RepositoryRecord, commit: Commit) {
  const { api, html } = repositoryUrls(view, repository);
  const url = `${api}/commits/${commit.sha}`;
  return {
    sha: commit.sha,
    node_id: nodeId('Commit', commit.sha),
    commit: {
      author: commit.author,
      committer: commit.committer,
      message: commit.message,
      tree: { sha: commit.treeSha, url: `${api}/git/trees/${commit.treeSha}` },
      url: `${api}/git/commits/${commit.sha}`,
      comment_count: 0,
      verification: { ...unsigned, verified_at: null },
    },
    url,
    html_url: `${html}/commit/${commit.sha}`,
    comments_url: `${url}/comments`,
    author: presentAccount(view, commit.author),
    committer: presentAccount(view, commit.committer),
    parents: commit.parents.map((sha) => ({ sha, url: `${api}/commits/${sha}`, html_url: `${html}/commit/${sha}` })),
  };
}

export function presentChangedFile(view: View, repository: RepositoryRecord, commitSha: string, file: ChangedFile) {
  const { api, html } = repositoryUrls(view, repository);
  const path = file.path.split('/').map(encodeURIComponent).join('/');
  return {
    sha: file.sha,
    filename: file.path,
    status: file.status,
    additions: file.additions,
    deletions: file.deletions,
    changes: file.additions + file.deletions,
    blob_url: `${html}/blob/${commitSha}/${path}`,
    raw_url: `${html}/raw/${commitSha}/${path}`,
    contents_url: `${api}/contents/${path}?ref=${commitSha}`,
    ...(file.patch === undefined ? {} : { patch: file.patch }),
    ...(file.previousPath === undefined ? {} : { previous_filename: file.previousPath }),
  };
}

/** As `GET /repos/{owner}/{repo}/commits/{ref}` answers. */
export function presentFullCommit(view: View, repository: RepositoryRecord, commit: Commit, files: readonly ChangedFile[]) {
  const additions = files.reduce((sum, file) => sum + file.additions, 0);
  const deletions = files.reduce((sum, file) => sum + file.deletions, 0);
  return {
    ...presentCommit(view, repository, commit),
    stats: { total: additions + deletions, additions, deletions },
    files: files.map((file) => presentChangedFile(view, repository, commit.sha, file)),
  };
}

/** As in push payloads; `files` are the changes of this commit. */
export function presentPushedCommit(view: View, repository: RepositoryRecord, commit: Commit, files: readonly ChangedFile[]) {
  const person = ({ name, email, date }: Person) => {
    const user = userOfEmail(view, email);
    return { name, email, date, ...(user === undefined ? {} : { username: user.login }) };
  };
  const paths = (...statuses: ChangedFile['status'][]): string[] =>
    files.filter((file) => statuses.includes(file.status)).map((file) => file.path);
  return {
    id: commit.sha,
    tree_id: commit.treeSha,
    distinct: true,
    message: commit.message,
    timestamp: commit.committer.date,
    url: `${repositoryUrls(view, repository).html}/commit/${commit.sha}`,
    author: person(commit.author),
    committer: person(commit.committer),
    added: paths('added', 'copied', 'renamed'),
    removed: [...paths('removed'), ...files.flatMap((file) => (file.status === 'renamed' ? (file.previousPath ?? []) : []))],
    modified: paths('modified', 'changed'),
  };
}
