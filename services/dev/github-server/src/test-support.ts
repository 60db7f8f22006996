import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createLogger } from '@codex-k8s/runtime';
import { executableSearchPath } from './config.ts';
import { startGithubServer, type GithubServer, type Seed } from './server.ts';

/** Used by tests only: a server on data of its own, people with tokens, and a receiver of webhooks. */
export interface TestServer extends AsyncDisposable {
  readonly server: GithubServer;
  readonly dataDir: string;
  /** Calls the REST API of `ada/demo` (paths starting with `/`) or any other (starting with `^`). */
  api(method: string, path: string, body?: unknown, options?: CallOptions): Promise<ApiAnswer>;
  /** Runs a shell script in an empty directory; `$REMOTE` is ada/demo with the token of `login`. */
  shell(script: string, login?: string): Promise<string>;
}

export interface CallOptions {
  readonly login?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface ApiAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // oxlint-disable-next-line typescript/no-explicit-any -- answers are looked into freely by tests
  readonly body: any;
}

export const demoSeed: Seed = {
  users: [
    { login: 'ada', name: 'Ada', emails: [{ email: 'ada@example.com' }], tokens: ['token-ada'] },
    { login: 'bob', emails: [{ email: 'bob@example.com' }], tokens: ['token-bob'] },
    { login: 'eve', emails: [{ email: 'eve@example.com' }], tokens: ['token-eve'] },
    { login: 'codex-bot', type: 'Bot', tokens: ['token-codex-bot'] },
  ],
  repositories: [
    {
      owner: 'ada',
      name: 'demo',
      private: true,
      files: { 'README.md': '# Demo\n', 'src/a.txt': 'one\ntwo\nthree\n' },
      collaborators: { bob: 'write', 'codex-bot': 'write', eve: 'read' },
      labels: [{ name: 'run:dev', color: '0e8a16', description: 'Start' }],
      issues: [{ title: 'First', body: 'text' }],
    },
  ],
  oauthApps: [{ clientId: 'app', clientSecret: 'app-secret', redirectUris: ['http://127.0.0.1/callback'] }],
};

const run = promisify(execFile);

export async function startTestServer(seed: Seed = demoSeed): Promise<TestServer> {
  const dataDir = await mkdtemp(join(tmpdir(), 'github-server-'));
  const log = createLogger({ service: 'test', level: 'error' });
  const server = await startGithubServer({ port: 0, dataDir, log, seed });

  async function api(method: string, path: string, body?: unknown, { login = 'ada', headers = {} }: CallOptions = {}): Promise<ApiAnswer> {
    const url = `${server.apiUrl}${path.startsWith('^') ? path.slice(1) : `/repos/ada/demo${path}`}`;
    const sent = login === '' ? headers : { authorization: `Bearer token-${login}`, ...headers };
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    const response = await fetch(url, { method, headers: sent, redirect: 'manual', ...(body === undefined ? {} : { body: text }) });
    const answer = await response.text();
    return { status: response.status, headers: response.headers, text: answer, body: parse(answer) };
  }

  async function shell(script: string, login = 'ada'): Promise<string> {
    const cwd = await mkdtemp(join(dataDir, 'work-'));
    const remote = `${server.url.replace('http://', `http://x:token-${login}@`)}/ada/demo.git`;
    const who = { GIT_AUTHOR_NAME: login, GIT_AUTHOR_EMAIL: `${login}@example.com` };
    const env = {
      PATH: executableSearchPath(),
      HOME: cwd,
      REMOTE: remote,
      ...who,
      GIT_COMMITTER_NAME: login,
      GIT_COMMITTER_EMAIL: who.GIT_AUTHOR_EMAIL,
      GIT_TERMINAL_PROMPT: '0',
    };
    const { stdout, stderr } = await run('sh', ['-euc', script], { cwd, env });
    return stdout + stderr;
  }

  return {
    server,
    dataDir,
    api,
    shell,
    async [Symbol.asyncDispose]() {
      await server.close();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // not JSON: the test looks at the text
  }
}

export interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly raw: string;
  // oxlint-disable-next-line typescript/no-explicit-any -- payloads are looked into freely by tests
  readonly body: any;
}

/** Takes webhooks and answers `status`. */
export async function startReceiver(status: () => number = () => 200) {
  const received: Received[] = [];
  const http = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const raw = Buffer.concat(chunks).toString('utf8');
      received.push({ headers: request.headers, raw, body: parse(raw) });
      response.writeHead(status()).end('received');
    });
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  const address = http.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}/hook`,
    received,
    [Symbol.asyncDispose]: async () => {
      http.closeAllConnections();
      http.close();
      await once(http, 'close');
    },
  };
}

/** A pushed branch `name` with one commit, as `login`. */
export function pushBranch(test: TestServer, name: string, login = 'codex-bot'): Promise<string> {
  const file = name.replaceAll('/', '-');
  return test.shell(
    `git clone -q "$REMOTE" . && git checkout -qb ${name} && printf 'new\\nline\\n' > ${file}.txt && git add . &&
     git commit -qm 'Add ${file}' && git push -q origin ${name} && git rev-parse HEAD`,
    login,
  );
}
