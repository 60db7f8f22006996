/** The platform with agents as pods of simulated nodes: every service a process, every pod's runner played by one process (dev/simulated-runners). */
import { join } from 'node:path';
import { writeTokenKubeconfig, type Kube } from '@codex-k8s/kube';
import type { Store } from '@codex-k8s/store';
import { sql } from 'kysely';
import { installRights } from '../cluster/install-rights.ts';
import { startGithubProcess } from './github-process.ts';
import { startServicesBeside, type CodeHost, type SeparateServices } from './separate-services.ts';
import type { TrialApi } from './trial-api.ts';
import { trialFolder, until } from './trial-platform.ts';

export interface SimulatedPlatform extends SeparateServices<CodeHost> {
  /** One per repository; their issues are numbered from 1 each. */
  readonly repositories: readonly TrialApi[];
  readonly projectIds: readonly string[];
}

export interface SimulatedPlatformOptions {
  readonly repositories: number;
  /** The repositories are spread over so many. */
  readonly projects: number;
  /** Runs at once, of each project and of each role. */
  readonly inFlight: number;
  readonly maxAttempts: number;
  /** Which nodes: a label of dev/cluster's pod stages. */
  readonly nodes: string;
  readonly environment?: Readonly<Record<string, string>>;
}

const botTokenOf = (n: number): string => `simulated-bot-token-${n}`;

/** Two workers with the documented rights. */
export async function startOnSimulatedNodes(
  kube: Kube,
  { repositories: count, projects, inFlight, maxAttempts, nodes, environment = {} }: SimulatedPlatformOptions,
): Promise<SimulatedPlatform> {
  await using starting = new AsyncDisposableStack();
  const folder = trialFolder();
  starting.defer(() => folder.remove());
  await installRights(kube);
  const kubeconfig = join(folder.path, 'worker.kubeconfig');
  await writeTokenKubeconfig(kube, { namespace: 'codex-k8s', serviceAccount: 'codex-k8s-worker', path: kubeconfig, hours: 12 });
  const names = Array.from({ length: count }, (_, n) => `simulated-${n + 1}`);
  const platform = starting.use(
    await startServicesBeside(startGithubProcess, {
      dataDir: folder.path,
      workers: 2,
      environment: {
        CODEXK8S_RUNTIME: 'kubernetes',
        CODEXK8S_KUBECONFIG: kubeconfig,
        CODEXK8S_AGENT_IMAGE: 'simulated:1',
        CODEXK8S_WORKER_RUN_NODE_SELECTOR: `${nodes}=true`,
        CODEXK8S_WORKER_RUN_TOLERATIONS: '[{"key":"kwok.x-k8s.io/node","operator":"Exists"}]',
        CODEXK8S_WORKER_RUN_CPU_REQUEST: '10m',
        CODEXK8S_WORKER_RUN_MEMORY_REQUEST: '16Mi',
        CODEXK8S_WORKER_RUN_QUOTA_PODS: String(inFlight * 2), // ended pods of a run may still be there when its next attempt begins
        CODEXK8S_WEBHOOK_RATE_PER_MINUTE: '100000000', // all deliveries come from one address here
        CODEXK8S_RUN_WORKSPACE_KEEP_SECONDS: '0',
        CODEXK8S_WORKER_REDELIVERY_INTERVAL: '60',
        ...environment,
      },
      seed: {
        users: [{ login: 'codex-bot', type: 'Bot', tokens: names.map((_, n) => botTokenOf(n)) }], // each has a rate limit of its own
        repositories: names.map((name) => ({
          owner: 'demo-owner',
          name,
          collaborators: { 'codex-bot': 'admin' as const },
          files: { 'README.md': `# ${name}\n` },
          issues: [],
        })),
      },
    }),
  );
  const projectIds = [platform.projectId];
  for (let n = 1; n < projects; n += 1) projectIds.push(await platform.addProject(`simulated-${n + 1}`));
  await allowParallel(platform.store, { inFlight, maxAttempts });
  const repositories: TrialApi[] = [];
  for (const [n, name] of names.entries()) repositories.push(await platform.bind(name, botTokenOf(n), projectIds[n % projects]));
  const running = starting.move();
  return Object.assign(platform, {
    repositories,
    projectIds,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  });
}

async function allowParallel(store: Store, { inFlight, maxAttempts }: { inFlight: number; maxAttempts: number }): Promise<void> {
  await until('the policies', async () => {
    const changed = await sql`update core.agent_policies set max_parallel_runs = ${inFlight}, max_attempts = ${maxAttempts},
      runtime_mode = 'code-only'`.execute(store.db);
    return (changed.numAffectedRows ?? 0n) > 0n;
  });
  await allowSlots(store, inFlight);
}

/** How many runs each project may have at once. */
export async function allowSlots({ db }: Store, count: number): Promise<void> {
  const settings = JSON.stringify({ max_parallel_runs: count });
  await sql`update core.projects set settings = settings || ${settings}::jsonb`.execute(db);
}
