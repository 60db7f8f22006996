import { z } from 'zod';
import { CliError } from '../cli-error.ts';

const Issue = z.object({ number: z.number(), html_url: z.string() });
const Pull = z.object({
  number: z.number(),
  html_url: z.string(),
  title: z.string(),
  state: z.string(),
  head: z.object({ ref: z.string(), sha: z.string() }),
  base: z.object({ ref: z.string() }),
});
const PullFile = z.object({ filename: z.string(), status: z.string() });
const Content = z.object({ content: z.string(), encoding: z.literal('base64') });

export type Pull = z.infer<typeof Pull>;

export interface BranchFile {
  readonly path: string;
  readonly content: string;
  /** Only for what is not UTF-8 text. */
  readonly encoding?: 'base64';
}

/** The few calls by which the demo's owner acts on the code host and checks what is really there. */
export interface Github {
  createIssue(issue: { title: string; body: string }): Promise<z.infer<typeof Issue>>;
  addLabel(issueNumber: number, label: string): Promise<void>;
  getPull(number: number): Promise<Pull>;
  /** The files that a pull request adds or changes, as they are at that commit. */
  readFiles(pull: Pull): Promise<BranchFile[]>;
}

export function createGithub({ url, token, repository }: { url: string; token: string; repository: string }): Github {
  const base = `${url}/api/v3/repos/${repository}`;

  async function call(method: 'GET' | 'POST', path: string, body?: unknown): Promise<unknown> {
    const response = await fetch(`${base}${path}`, {
      method,
      headers: { authorization: `token ${token}`, accept: 'application/vnd.github+json', 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    if (response.ok) return response.json();
    throw new CliError('failed', {
      code: 'github.rejected',
      message: `The development GitHub answered ${response.status} to ${method} ${path}: ${(await response.text()).slice(0, 300)}`,
      remedy: 'Correct the issue; its title may have 256 characters and its body 65,536.',
    });
  }

  return {
    createIssue: async (issue) => Issue.parse(await call('POST', '/issues', issue)),
    addLabel: async (issueNumber, label) => void (await call('POST', `/issues/${issueNumber}/labels`, { labels: [label] })),
    getPull: async (number) => Pull.parse(await call('GET', `/pulls/${number}`)),
    readFiles: async ({ number, head }) => {
      const files = z.array(PullFile).parse(await call('GET', `/pulls/${number}/files?per_page=100`));
      const present = files.filter(({ status }) => status !== 'removed');
      return Promise.all(
        present.map(async ({ filename }) => {
          const { content } = Content.parse(await call('GET', `/contents/${encodePath(filename)}?ref=${head.sha}`));
          return asFile(filename, Buffer.from(content, 'base64'));
        }),
      );
    },
  };
}

function encodePath(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/');
}

function asFile(path: string, bytes: Buffer): BranchFile {
  const text = bytes.toString('utf8');
  return Buffer.from(text).equals(bytes) ? { path, content: text } : { path, content: bytes.toString('base64'), encoding: 'base64' };
}
