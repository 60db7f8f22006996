/** A control plane over a test database, with a code host that remembers what was asked of it. */
import { randomBytes, randomUUID } from 'node:crypto';
import type { Delivery, IngestEventsResponse } from '@codex-k8s/contracts/internal';
import type { Issue, PullRequest, RepositoryProvider } from '@codex-k8s/domain';
import { attachBytes, attachedBytesType, signToken } from '@codex-k8s/http';
import type { Kube } from '@codex-k8s/kube';
import { createLogger, encryptSecret, staticKeys } from '@codex-k8s/runtime';
import {
  linkGithubIdentity,
  repositoryTokenContext,
  updateRepository,
  upsertMember,
  type Repository,
  type Run,
  type User,
} from '@codex-k8s/store';
import { aProject, aRepository, aUser, openTestStore } from '@codex-k8s/testkit';
import type { FastifyInstance, InjectOptions, LightMyRequestResponse } from 'fastify';
import { bootstrap } from '../app/bootstrap.ts';
import type { Context } from '../app/context.ts';
import { Config } from '../config.ts';
import { createApp, createContext } from '../service.ts';

const key = (): string => randomBytes(32).toString('hex');

export interface FakeHost {
  readonly calls: { readonly name: string; readonly args: readonly unknown[] }[];
  issues: Issue[];
  pullRequest: PullRequest | undefined;
}

/** Everything not set up answers as an empty repository; calls are recorded. */
function fakeProvider(host: FakeHost): RepositoryProvider {
  const answers: Partial<RepositoryProvider> = {
    validateRepository: ({ owner, name }) =>
      Promise.resolve({
        owner,
        name,
        externalId: 4711,
        fullName: `${owner}/${name}`,
        private: false,
        defaultBranch: 'main',
        cloneUrl: 'https://host.example/a.git',
        htmlUrl: 'https://host.example/a',
      }),
    ensureWebhook: () => Promise.resolve({ hookId: 9, created: true }),
    listIssues: () => Promise.resolve(host.issues),
    getIssue: (_ref, number) => Promise.resolve(host.issues.find((issue) => issue.number === number)),
    getPullRequest: () => Promise.resolve(host.pullRequest),
    getPullRequestDiff: () => Promise.resolve('diff --git a/a b/a\n'),
    listReviews: () => Promise.resolve([]),
    listReviewComments: () => Promise.resolve([]),
    listComments: () => Promise.resolve([]),
  };
  return new Proxy({ kind: 'github' } as RepositoryProvider, {
    get: (target, name: string) =>
      name in target
        ? Reflect.get(target, name)
        : (...args: unknown[]) => {
            host.calls.push({ name, args });
            const answer = answers[name as keyof RepositoryProvider] as ((...all: unknown[]) => Promise<unknown>) | undefined; // one of its functions
            return answer ? answer(...args) : Promise.resolve(undefined);
          },
  });
}

export interface Answered {
  readonly statusCode: number;
  // oxlint-disable-next-line typescript/no-explicit-any -- answers are looked into freely by tests
  json(): any;
}

/** A delivery as the gateway forwards it. */
export interface SentDelivery {
  readonly delivery: Delivery;
  readonly body: Buffer;
}

export function aDelivery(event: string, content: object | string, values: Partial<Delivery> = {}): SentDelivery {
  const body = Buffer.from(typeof content === 'string' ? content : JSON.stringify(content));
  const delivery = { event, delivery_id: randomUUID(), body_sha256: randomBytes(32).toString('hex'), size: body.length, ...values };
  return { delivery, body };
}

export interface TestControlPlane extends AsyncDisposable {
  readonly app: FastifyInstance;
  readonly context: Context;
  readonly host: FakeHost;
  /** Sends a request as this person. */
  as(user: User, options: InjectOptions): Promise<LightMyRequestResponse>;
  /** Sends a webhook delivery the way the gateway does. */
  deliver(event: string, body: object, delivery?: Partial<Delivery>): Promise<Answered>;
  /** Sends several in one request. */
  deliverAll(deliveries: readonly SentDelivery[]): Promise<Answered[]>;
  /** Sends a request with the token of a run's attempt. */
  asRun(run: Pick<Run, 'id' | 'attempt'>, options: InjectOptions): Promise<LightMyRequestResponse>;
  /** A bound repository and a member with the role. */
  aBoundRepository(role?: 'read' | 'read_write' | 'admin'): Promise<{ repository: Repository; member: User; githubUserId: number }>;
}

export async function startTestControlPlane({
  kube,
  environment = 'local',
}: { kube?: Kube; environment?: string } = {}): Promise<TestControlPlane> {
  const store = await openTestStore();
  const [jwtKey, runTokenKey, internalToken, encryptionKey] = [key(), key(), key(), key()];
  const config = Config.parse({
    CODEXK8S_ENV: environment,
    CODEXK8S_RUNTIME: 'local',
    CODEXK8S_DB_URL: 'pglite:memory',
    CODEXK8S_GITHUB_WEBHOOK_SECRET: key(),
    CODEXK8S_PUBLIC_BASE_URL: 'https://console.example',
    CODEXK8S_TOKEN_ENCRYPTION_KEY: encryptionKey,
    CODEXK8S_JWT_SIGNING_KEY: jwtKey,
    CODEXK8S_MCP_TOKEN_SIGNING_KEY: runTokenKey,
    CODEXK8S_INTERNAL_API_TOKEN: internalToken,
    CODEXK8S_CONTROL_PLANE_MCP_BASE_URL: 'https://control-plane.example/mcp',
    CODEXK8S_MCP_WAIT_INLINE_SECONDS: '0',
    CODEXK8S_AGENT_PROGRAM: 'trial',
    CODEXK8S_AGENT_DEFAULT_LOCALE: 'en',
  });
  const host: FakeHost = { calls: [], issues: [], pullRequest: undefined };
  const provider = fakeProvider(host);
  const context: Context = {
    ...createContext({ config, store, log: createLogger({ service: 'test', level: 'silent' }) }),
    providerFor: () => provider,
    kube,
  };
  await bootstrap(context);
  const app = await createApp(context, { strictAnswers: true });
  const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
  async function deliverAll(deliveries: readonly SentDelivery[]): Promise<Answered[]> {
    const answer = await app.inject({
      method: 'POST',
      url: '/internal/v1/events/github',
      headers: { authorization: `Bearer ${internalToken}`, 'content-type': attachedBytesType },
      payload: attachBytes(
        { deliveries: deliveries.map(({ delivery }) => delivery) },
        deliveries.map(({ body }) => body),
      ),
    });
    if (answer.statusCode !== 200) return deliveries.map(() => answer);
    const { answers } = answer.json<IngestEventsResponse>();
    return answers.map(({ status, body }) => ({ statusCode: status, json: () => body }));
  }
  return {
    app,
    context,
    host,
    as: async (user, options) => {
      const token = await signToken(encode(jwtKey), { issuer: 'codex-k8s', ttlSec: 60, claims: { sub: user.id } });
      return app.inject({ ...options, headers: { ...options.headers, authorization: `Bearer ${token}` } });
    },
    asRun: async ({ id, attempt }, options) => {
      const token = await signToken(encode(runTokenKey), {
        issuer: 'codex-k8s/control-plane/mcp',
        ttlSec: 60,
        claims: { run_id: id, attempt, scope: 'codexk8s:runner' },
      });
      return app.inject({ ...options, headers: { ...options.headers, authorization: `Bearer ${token}` } });
    },
    deliver: async (event, body, delivery) => {
      const [answer] = await deliverAll([aDelivery(event, body, delivery)]);
      if (!answer) throw new Error('no answer');
      return answer;
    },
    deliverAll,
    aBoundRepository: async (role = 'read_write') => {
      const { id: projectId } = await aProject(store);
      const bare = await aRepository(store, projectId);
      const tokenEncrypted = encryptSecret(staticKeys([encryptionKey]), { value: 'token', context: repositoryTokenContext(bare.id) });
      const repository = (await updateRepository(store.db, { id: bare.id, tokenEncrypted })) ?? bare;
      const member = await aUser(store);
      const githubUserId = Math.floor(Math.random() * 2 ** 40);
      await linkGithubIdentity(store.db, { id: member.id, githubUserId, githubLogin: `user-${githubUserId}` });
      await upsertMember(store.db, { projectId, userId: member.id, role });
      return { repository, member, githubUserId };
    },
    async [Symbol.asyncDispose]() {
      await app.close();
      await store[Symbol.asyncDispose]();
    },
  };
}

export interface LabeledOptions {
  readonly repository: Repository;
  readonly githubUserId: number;
  readonly number?: number;
  readonly label?: string;
  readonly labels?: readonly string[];
  readonly state?: 'open' | 'closed';
  readonly senderType?: 'User' | 'Bot';
  /** When it happened at the code host. */
  readonly at?: string;
}

/** The members of GitHub's `issues.labeled` that are read. */
export function labeled({
  repository,
  githubUserId,
  number = 7,
  label = 'run:dev',
  labels = [label],
  state = 'open',
  senderType = 'User',
  at,
}: LabeledOptions): object {
  return {
    action: 'labeled',
    repository: { id: repository.externalId, full_name: `${repository.owner}/${repository.name}` },
    sender: { id: githubUserId, login: `user-${githubUserId}`, type: senderType },
    label: { name: label },
    issue: {
      number,
      title: 'A task',
      body: 'Do it.',
      state,
      html_url: 'https://host.example/7',
      user: { id: 1, login: 'ann' },
      labels: labels.map((name) => ({ name })),
      ...(at !== undefined && { updated_at: at }),
    },
  };
}
