import { git, tryGit } from './run-git.ts';

export interface Person {
  readonly name: string;
  readonly email: string;
  /** RFC 3339, UTC. */
  readonly date: string;
}

export interface Commit {
  readonly sha: string;
  readonly treeSha: string;
  readonly parents: readonly string[];
  readonly author: Person;
  readonly committer: Person;
  readonly message: string;
}

// Unit separator between fields, NUL between commits: neither can be in a commit message.
const format = '%H%x1f%T%x1f%P%x1f%an%x1f%ae%x1f%at%x1f%cn%x1f%ce%x1f%ct%x1f%B';

export interface LogOptions {
  readonly range: readonly string[];
  readonly path?: string;
  readonly limit?: number;
  readonly reverse?: boolean;
}

/** Commits, newest first unless `reverse`. */
export async function listCommits(gitDir: string, { range, path, limit, reverse }: LogOptions): Promise<Commit[]> {
  const options = [...(limit === undefined ? [] : [`--max-count=${limit}`]), ...(reverse ? ['--reverse'] : [])];
  const paths = path === undefined ? [] : [path];
  const out = await git(gitDir, ['log', '-z', `--format=${format}`, ...options, '--end-of-options', ...range, '--', ...paths]);
  return out.split('\0').filter(Boolean).map(parseCommit);
}

export async function readCommit(gitDir: string, sha: string): Promise<Commit> {
  const [commit] = await listCommits(gitDir, { range: [sha], limit: 1 });
  if (!commit) throw new Error(`git knows no commit ${sha}`);
  return commit;
}

function parseCommit(text: string): Commit {
  const [sha = '', treeSha = '', parents = '', an = '', ae = '', at = '0', cn = '', ce = '', ct = '0', ...rest] = text.split('\u001f');
  return {
    sha,
    treeSha,
    parents: parents.split(' ').filter(Boolean),
    author: { name: an, email: ae, date: rfc3339(Number(at)) },
    committer: { name: cn, email: ce, date: rfc3339(Number(ct)) },
    message: rest.join('\u001f').replace(/\n+$/, ''),
  };
}

function rfc3339(epochSeconds: number): string {
  return new Date(epochSeconds * 1000).toISOString().replace('.000Z', 'Z');
}

export interface NewCommit {
  readonly treeSha: string;
  readonly parents: readonly string[];
  readonly message: string;
  readonly author: Person;
  readonly committer: Person;
}

export async function writeCommit(gitDir: string, { treeSha, parents, message, author, committer }: NewCommit): Promise<string> {
  const args = ['commit-tree', treeSha, ...parents.flatMap((parent) => ['-p', parent])];
  const env = {
    GIT_AUTHOR_NAME: author.name,
    GIT_AUTHOR_EMAIL: author.email,
    GIT_AUTHOR_DATE: author.date,
    GIT_COMMITTER_NAME: committer.name,
    GIT_COMMITTER_EMAIL: committer.email,
    GIT_COMMITTER_DATE: committer.date,
  };
  return (await git(gitDir, args, { input: message, env })).trim();
}

/** The tree of a three-way merge; undefined: it conflicts. */
export async function mergeTrees(gitDir: string, base: string, head: string): Promise<string | undefined> {
  const { code, stdout, stderr } = await tryGit(gitDir, ['merge-tree', '--write-tree', base, head]);
  if (code === 1) return undefined;
  if (code !== 0) throw new Error(`git merge-tree failed: ${stderr.trim()}`);
  return stdout.toString('utf8').split('\n')[0];
}
