import { spawn } from 'node:child_process';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { announceRefs } from '../app/announce-refs.ts';
import { findRepository, permissionOf } from '../app/permissions.ts';
import { callerOf, tokenOfHeader } from '../app/tokens.ts';
import { executableSearchPath } from '../config.ts';
import type { Forge } from '../forge.ts';
import type { Faults } from './faults.ts';
import { gitDirOf } from '../git/bare-repository.ts';
import { gitEnvironment } from '../git/run-git.ts';
import { atLeast } from '../present/repositories.ts';
import type { RepositoryRecord, UserRecord } from '../store/records.ts';

/** Git over smart HTTP, by git's own CGI program; bodies stream both ways. */
export function mountGit(app: FastifyInstance, forge: Forge, faults: Faults): void {
  void app.register((git, _options, done) => {
    git.removeAllContentTypeParsers();
    git.addContentTypeParser('*', (_request, payload, next) => next(null, payload));
    const routes = [
      { method: 'GET', path: 'info/refs' },
      { method: 'POST', path: 'git-upload-pack' },
      { method: 'POST', path: 'git-receive-pack' },
    ] as const;
    for (const { method, path } of routes) {
      git.route<GitRoute>({
        method,
        url: `/:owner/:repo/${path}`,
        handler: (request, reply) => {
          const fault = faults.take(request.method, request.url);
          if (fault?.status === 'drop') return request.raw.destroy();
          if (fault) return sendRefusal(reply, { status: fault.status, text: fault.message ?? 'Server Error' });
          return serve(forge, request, reply, path);
        },
      });
    }
    done();
  });
}

interface GitRoute {
  Params: { owner: string; repo: string };
  Querystring: { service?: string };
}

async function serve(forge: Forge, request: FastifyRequest<GitRoute>, reply: FastifyReply, path: string): Promise<FastifyReply | void> {
  const writes = path === 'git-receive-pack' || request.query.service === 'git-receive-pack';
  const repository = findRepository(forge.store, request.params.owner, request.params.repo.replace(/[.]git$/, ''));
  const token = tokenOfHeader(request.headers.authorization);
  const user = token === undefined ? undefined : callerOf(forge.store, token)?.user;
  const refusal = refuse(repository, user, { writes, sentToken: request.headers.authorization !== undefined });
  if (refusal || !repository) return sendRefusal(reply, refusal ?? { status: 404, text: 'Repository not found.' });
  reply.hijack();
  await runBackend(forge, request, reply, { repository, user, path });
  // Before the answer ends, so that whoever pushed finds the pull request moved and the events queued.
  if (path === 'git-receive-pack' && user) await announceRefs(forge, repository.id, user);
  reply.raw.end();
}

interface Refusal {
  readonly status: number;
  readonly text: string;
}

/** 401 asks git for credentials; 404 hides what the caller may not see. */
function refuse(
  repository: RepositoryRecord | undefined,
  user: UserRecord | undefined,
  { writes, sentToken }: { writes: boolean; sentToken: boolean },
): Refusal | undefined {
  if (sentToken && !user) return { status: 401, text: 'Invalid username or token.' };
  const permission = repository && permissionOf(repository, user);
  if (!user && (writes || permission === undefined)) return { status: 401, text: 'Authentication required.' };
  if (permission === undefined) return { status: 404, text: 'Repository not found.' };
  if (!writes || atLeast(permission, 'write')) return undefined;
  return { status: 403, text: `Permission to ${repository?.owner}/${repository?.name}.git denied to ${user?.login}.` };
}

function sendRefusal(reply: FastifyReply, { status, text }: Refusal): FastifyReply {
  if (status === 401) void reply.header('www-authenticate', 'Basic realm="GitHub"');
  return reply.code(status).type('text/plain; charset=utf-8').send(`${text}\n`);
}

interface BackendCall {
  readonly repository: RepositoryRecord;
  readonly user: UserRecord | undefined;
  readonly path: string;
}

function runBackend(forge: Forge, request: FastifyRequest<GitRoute>, reply: FastifyReply, call: BackendCall): Promise<void> {
  const child = spawn('git', ['http-backend'], { env: cgiEnvironment(forge, request, call), stdio: ['pipe', 'pipe', 'pipe'] });
  const body = request.method === 'POST' ? (request.body as Readable) : undefined; // the parser above hands the stream on
  child.stdin.on('error', () => undefined); // git stops reading when it refuses
  if (body) body.pipe(child.stdin);
  else child.stdin.end();
  child.stderr.on('data', (chunk: Buffer) => forge.log.debug({ stderr: chunk.toString('utf8') }, 'git http-backend'));
  reply.raw.on('close', () => child.exitCode ?? child.stdin.destroy());
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', () => resolve());
    forwardAnswer(child.stdout, reply);
  });
}

/** The CGI answer: headers, an empty line, the body. */
function forwardAnswer(stdout: Readable, reply: FastifyReply): void {
  let head = Buffer.alloc(0);
  const { raw } = reply;
  function onHead(chunk: Buffer): void {
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf('\r\n\r\n');
    if (end < 0) return;
    stdout.off('data', onHead);
    const lines = head.subarray(0, end).toString('utf8').split('\r\n');
    const fields = lines.map((line) => line.split(/:\s*/, 2) as [string, string]); // a header line has a colon
    const status = fields.find(([name]) => name.toLowerCase() === 'status')?.[1];
    raw.writeHead(
      status === undefined ? 200 : Number.parseInt(status, 10),
      Object.fromEntries(fields.filter(([name]) => name.toLowerCase() !== 'status')),
    );
    raw.write(head.subarray(end + 4));
    stdout.pipe(raw, { end: false });
  }
  stdout.on('data', onHead);
  stdout.on('end', () => {
    if (!raw.headersSent) raw.writeHead(500);
  });
}

function cgiEnvironment(forge: Forge, request: FastifyRequest<GitRoute>, { repository, user, path }: BackendCall): NodeJS.ProcessEnv {
  const { headers } = request;
  const gitDir = gitDirOf(forge.dataDir, repository.id);
  const optional = {
    CONTENT_LENGTH: headers['content-length'],
    CONTENT_TYPE: headers['content-type'],
    HTTP_CONTENT_ENCODING: headers['content-encoding'],
    GIT_PROTOCOL: headers['git-protocol']?.toString(),
    REMOTE_USER: user?.login,
    CODEXK8S_PUSHER: user?.login,
  };
  const set = Object.entries(optional).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return {
    PATH: executableSearchPath(),
    HOME: gitDir,
    ...gitEnvironment,
    GIT_PROJECT_ROOT: join(forge.dataDir, 'git'),
    GIT_HTTP_EXPORT_ALL: '1',
    PATH_INFO: `/${repository.id}.git/${path}`,
    QUERY_STRING: request.url.split('?')[1] ?? '',
    REQUEST_METHOD: request.method,
    REMOTE_ADDR: request.ip,
    CODEXK8S_PUSHER_IS_ADMIN: permissionOf(repository, user) === 'admin' ? '1' : '0',
    ...Object.fromEntries(set),
  };
}
