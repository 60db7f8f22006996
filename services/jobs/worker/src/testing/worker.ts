/** A worker over a test database: its code host is in memory and can be told to fail, its processes are entries of a list. */
import { randomBytes, randomUUID } from 'node:crypto';
import {
  createLabels,
  type Comment,
  type ErrorCode,
  AppError,
  type HookDelivery,
  type PullRequest,
  type RepositoryProvider,
  type Review,
} from '@codex-k8s/domain';
import { createLogger, encryptSecret, staticKeys, type Reconciler } from '@codex-k8s/runtime';
import {
  changeRun,
  listRunEvents,
  getRun,
  moveRun,
  recordEvent,
  repositoryTokenContext,
  updateRepository,
  type Project,
  type Repository,
  type Run,
  type RunChange,
  type Store,
} from '@codex-k8s/store';
import { aProject, aRepository, aRun, type RunOptions } from '@codex-k8s/testkit';
import type { AgentRuntime, AliveAttempt, LaunchSpec, NamespaceSpec, PrintedLine } from '../app/agent-runtime.ts';
import type { AttemptClaim } from '../app/attempt-claim.ts';
import type { Context } from '../app/context.ts';
import { Config } from '../config.ts';

export const [startSha, headSha, otherSha] = ['1', '2', '3'].map((digit) => digit.repeat(40)) as [string, string, string]; // three were made

export interface FakeHost {
  readonly calls: string[];
  /** Throws this at the named call, until it is deleted. */
  readonly failing: Map<keyof RepositoryProvider, unknown>;
  /** Runs before the named call answers: what other people do meanwhile. */
  readonly meanwhile: Map<keyof RepositoryProvider, () => unknown>;
  readonly branches: Map<string, string>;
  /** Commits of a branch that a ref does not have; one by default. */
  readonly ahead: Map<string, number>;
  readonly pulls: PullRequest[];
  readonly comments: (Comment & { number: number })[];
  readonly labels: Map<number, string[]>;
  readonly reviews: Review[];
  deliveries: HookDelivery[];
  /** Calls of this name. */
  count(name: keyof RepositoryProvider): number;
}

export function hostError(code: ErrorCode, details: Record<string, unknown> = {}): AppError {
  return new AppError(code, `The host says ${code}.`, { details });
}

export function aPullRequest(fields: Partial<PullRequest> = {}): PullRequest {
  return {
    number: 12,
    title: 'A task',
    state: 'open',
    merged: false,
    headBranch: 'codex/issue-7',
    headSha,
    baseBranch: 'main',
    author: 'codex-bot',
    htmlUrl: 'https://host.example/pull/12',
    ...fields,
  };
}

function fakeHost(): FakeHost {
  const calls: string[] = [];
  return {
    calls,
    failing: new Map(),
    meanwhile: new Map(),
    branches: new Map(),
    ahead: new Map(),
    pulls: [],
    comments: [],
    labels: new Map(),
    reviews: [],
    deliveries: [],
    count: (name) => calls.filter((call) => call === name).length,
  };
}

function answersOf(host: FakeHost): Partial<RepositoryProvider> {
  const later = <T>(value: T): Promise<T> => Promise.resolve(value);
  const labelsOf = (number: number): string[] => host.labels.get(number) ?? [];
  return {
    validateRepository: (ref) =>
      later({ ...ref, externalId: 1, fullName: '', private: false, defaultBranch: 'main', cloneUrl: '', htmlUrl: '' }),
    getBranchSha: (_ref, branch) => later(host.branches.get(branch)),
    compare: (_ref, base) => later({ aheadBy: host.ahead.get(base) ?? 1, behindBy: 0, files: [] }),
    findOpenPullRequest: (_ref, branch) => later(host.pulls.find(({ headBranch, state }) => headBranch === branch && state === 'open')),
    getPullRequest: (_ref, number) => later(host.pulls.find((pull) => pull.number === number)),
    createPullRequest: (_ref, { title, headBranch }) => {
      const number = 12 + host.pulls.length;
      const pull = aPullRequest({ number, title, headBranch, headSha: host.branches.get(headBranch) ?? '' });
      host.pulls.push(pull);
      return later(pull);
    },
    listReviews: () => later(host.reviews),
    createReview: (_ref, _number, { body, commitSha }) => {
      const review = { id: host.reviews.length + 1, author: 'codex-bot', state: 'commented', body, commitSha, htmlUrl: 'review' } as const;
      host.reviews.push(review);
      return later(review);
    },
    listComments: (_ref, number) => later(host.comments.filter((comment) => comment.number === number)),
    findComment: (_ref, number, marker) =>
      later(host.comments.find((comment) => comment.number === number && comment.body.includes(marker))),
    createComment: (_ref, number, body) => {
      const comment = { id: host.comments.length + 1, body, author: 'codex-bot', htmlUrl: 'comment', number };
      host.comments.push(comment);
      return later(comment);
    },
    updateComment: (_ref, id, body) => {
      const found = host.comments.find((comment) => comment.id === id);
      if (found) Object.assign(found, { body });
      return later(found);
    },
    addReaction: () => later(undefined),
    addLabels: (_ref, number, labels) => later(void host.labels.set(number, [...labelsOf(number), ...labels])),
    removeLabel: (_ref, number, label) =>
      later(
        void host.labels.set(
          number,
          labelsOf(number).filter((known) => known !== label),
        ),
      ),
    listHookDeliveries: () => later(host.deliveries),
    redeliver: () => later(undefined),
  };
}

function providerOf(host: FakeHost): RepositoryProvider {
  const answers = answersOf(host);
  return new Proxy({ kind: 'github' } as RepositoryProvider, {
    get: (target, property) => {
      if (property in target) return Reflect.get(target, property) as unknown;
      const name = property as keyof RepositoryProvider;
      return async (...args: unknown[]) => {
        host.calls.push(name);
        await host.meanwhile.get(name)?.();
        if (host.failing.has(name)) throw host.failing.get(name);
        const answer = answers[name] as ((...all: unknown[]) => Promise<unknown>) | undefined; // one of its functions
        if (!answer) throw new Error(`the fake host has no ${name}`);
        return answer(...args);
      };
    },
  });
}

export interface FakeRuntime extends AgentRuntime {
  readonly alive: AliveAttempt[];
  readonly launched: LaunchSpec[];
  readonly stopped: string[];
  readonly cleaned: string[];
  /** What the containers of attempts have printed, by `runId/attempt`; an error is thrown. */
  readonly printed: Map<string, readonly PrintedLine[] | Error>;
  /** Thrown by the next launch. */
  launchError: unknown;
  /** Namespaces in the cluster, by name; one whose `isStuck` does not go away. */
  readonly inCluster: Map<string, { readonly uid: string; readonly spec: NamespaceSpec; isStuck?: boolean }>;
}

function fakeRuntime(kind: 'local' | 'kubernetes'): FakeRuntime {
  const runtime: FakeRuntime = {
    alive: [],
    launched: [],
    stopped: [],
    cleaned: [],
    printed: new Map(),
    launchError: undefined,
    inCluster: new Map(),
    namespaces:
      kind === 'local'
        ? undefined
        : {
            nameFor: ({ runId }) => `ns-${runId}`,
            prepare: async (spec) => {
              const uid = runtime.inCluster.get(spec.name)?.uid ?? randomUUID();
              runtime.inCluster.set(spec.name, { uid, spec });
              return uid;
            },
            remove: async ({ name, uid }) => {
              const present = runtime.inCluster.get(name);
              if (!present) return 'gone';
              if (uid !== null && present.uid !== uid) throw new AppError('kube.not_ours', 'another namespace');
              if (!present.isStuck) runtime.inCluster.delete(name);
              return 'leaving';
            },
          },
    probeControls: async () => undefined,
    explainEnd: async () => undefined,
    readTail: async ({ runId, attempt }) => {
      const printed = runtime.printed.get(`${runId}/${attempt}`) ?? [];
      if (printed instanceof Error) throw printed;
      return printed;
    },
    [Symbol.asyncDispose]: async () => undefined,
    launch: async (spec) => {
      const error = runtime.launchError;
      runtime.launchError = undefined;
      if (error !== undefined) throw error;
      runtime.launched.push(spec);
      runtime.alive.push({ runId: spec.runId, attempt: spec.attempt });
    },
    listAlive: async () => [...runtime.alive],
    stop: async (runId) => {
      runtime.stopped.push(runId);
      const left = runtime.alive.filter((one) => one.runId !== runId);
      runtime.alive.splice(0, runtime.alive.length, ...left);
    },
    clean: async (runId) => void runtime.cleaned.push(runId),
  };
  return runtime;
}

export interface TestWorker {
  readonly context: Context;
  readonly host: FakeHost;
  readonly runtime: FakeRuntime;
  aBoundRepository(settings?: Project['settings']): Promise<Repository>;
  /** A run at work, leased by this worker; its branch is at `headSha`, where the host confirms one commit. */
  aRunning(options?: RunningOptions): Promise<Run>;
  /** A run at work whose attempt claims this end. */
  aClaimed(claim?: Partial<AttemptClaim>, options?: RunningOptions): Promise<Run>;
  pass(reconciler: (context: Context) => Reconciler): Promise<number>;
  run(run: Pick<Run, 'id'>): Promise<Run>;
  events(run: Pick<Run, 'id'>): Promise<string[]>;
}

export interface RunningOptions extends Partial<RunOptions> {
  readonly settings?: Project['settings'];
  readonly set?: RunChange;
}

const encryptionKey = randomBytes(32).toString('hex');

export function testWorker(store: Store, { runtime: kind = 'local' }: { runtime?: 'local' | 'kubernetes' } = {}): TestWorker {
  const key = randomBytes(32).toString('hex');
  const config = Config.parse({
    CODEXK8S_ENV: 'local',
    CODEXK8S_RUNTIME: kind,
    CODEXK8S_DB_URL: 'pglite:memory',
    CODEXK8S_PUBLIC_BASE_URL: 'https://console.example',
    CODEXK8S_CONTROL_PLANE_URL: 'https://control-plane.example',
    CODEXK8S_MODEL_BASE_URL: 'https://model.example/v1',
    CODEXK8S_TOKEN_ENCRYPTION_KEY: encryptionKey,
    CODEXK8S_MCP_TOKEN_SIGNING_KEY: key,
    CODEXK8S_AGENT_DEFAULT_LOCALE: 'en',
    CODEXK8S_WORKER_ID: `worker-${randomUUID()}`,
  });
  const [host, runtime] = [fakeHost(), fakeRuntime(kind)];
  const provider = providerOf(host);
  const context: Context = {
    config,
    store,
    keys: staticKeys([encryptionKey]),
    labels: createLabels({}),
    log: createLogger({ service: 'test', level: 'silent' }),
    runtime,
    providerFor: () => provider,
  };

  async function aBoundRepository(settings: Project['settings'] = {}): Promise<Repository> {
    const { id } = await aRepository(store, (await aProject(store, { settings })).id);
    const tokenEncrypted = encryptSecret(context.keys, { value: 'token', context: repositoryTokenContext(id) });
    const repository = await updateRepository(store.db, { id, tokenEncrypted, hookId: 9 });
    if (!repository) throw new Error('the repository was not bound');
    return repository;
  }

  async function aRunning({ settings, set = {}, ...options }: RunningOptions = {}): Promise<Run> {
    const repository = options.repository ?? (await aBoundRepository(settings));
    const run = await aRun(store, { issueNumber: 7, ...options, repository });
    host.branches.set(run.branch, headSha);
    const lease = {
      attempt: 1,
      leaseOwner: config.workerId,
      leaseUntil: new Date(Date.now() + 60_000),
      report: JSON.stringify(report(run)),
    };
    await changeRun(store.db, { id: run.id, set: { ...lease, triggerLabel: 'run:dev' } });
    await moveRun(store.db, 'start', { id: run.id, actor: { type: 'system', id: 'test' } });
    await recordEvent(store.db, {
      type: 'run.workspace.prepared',
      correlationId: run.correlationId,
      runId: run.id,
      actor: { type: 'agent', id: 'agent-runner/1' },
      key: '1/run.workspace.prepared',
      payload: { head_sha: startSha, start_sha: startSha },
    });
    const changed = await changeRun(store.db, { id: run.id, set });
    if (!changed) throw new Error('the run is gone');
    return changed;
  }

  return {
    context,
    host,
    runtime,
    aBoundRepository,
    aRunning,
    aClaimed: async (claim = {}, { set = {}, ...options } = {}) => {
      const outcome = options.runKind === 'review' ? 'reviewed' : 'delivered';
      const attemptResult = JSON.stringify({ outcome, head_sha: headSha, ...claim });
      return aRunning({ ...options, set: { attemptResult, ...set } });
    },
    pass: (reconciler) => reconciler(context).reconcile(AbortSignal.timeout(30_000)),
    run: async ({ id }) => {
      const run = await getRun(store.db, id);
      if (!run) throw new Error('the run is gone');
      return run;
    },
    events: async ({ id: runId }) => (await listRunEvents(store.db, { runId, after: 0, limit: 1000 })).map(({ eventType }) => eventType),
  };
}

function report({ runKind }: Run): object {
  return runKind === 'review'
    ? { summary: 'Looks good.', verdict: 'comment', findings: [] }
    : { summary: 'Done.', pr_title: 'A task', pr_body: 'Done.' };
}
