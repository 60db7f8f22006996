import { readFileSync } from 'node:fs';
import type * as api from '@codex-k8s/contracts/staff';
import { findingsCountSec, isIsolated } from '@codex-k8s/domain';
import { listAgents, readClusterControls } from '@codex-k8s/store';
import type { Context } from './context.ts';

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }; // our own file

export { version };

/** What this installation is, controls that do not hold included: local runs are not isolated, PGlite does not survive a power loss. */
export async function showPlatform({ config, store }: Context): Promise<api.Platform> {
  const known = config.runtime === 'kubernetes' ? await readClusterControls(store.read, { maxAgeSec: findingsCountSec }) : undefined;
  return {
    version,
    environment: config.environment,
    runtime: config.runtime,
    isolated: isIsolated(known?.findings ?? []),
    ...(known && { controls: { checked_at: known.checkedAt.toISOString(), findings: [...known.findings] } }),
    database: store.kind,
    durable: store.kind === 'postgresql',
    github_url: config.githubWebUrl,
    model_endpoints: [
      {
        agent: config.agentProgram,
        scripted: config.modelScripted,
        ...(config.modelBaseUrl !== undefined && { base_url: config.modelBaseUrl }),
      },
    ],
  };
}

export async function listPlatformAgents({ store }: Context): Promise<api.Agent[]> {
  const agents = await listAgents(store.read);
  return agents.map(
    ({ id, agentKey, name, roleKind, projectId, isActive, runtimeMode, program, model, maxParallelRuns, runTimeoutSec }) => ({
      id,
      key: agentKey,
      name,
      role_kind: roleKind as api.Agent['role_kind'], // the check constraint holds the words
      ...(projectId !== null && { project_id: projectId }),
      is_active: isActive,
      runtime_mode: runtimeMode,
      program,
      model,
      max_parallel_runs: maxParallelRuns,
      run_timeout_sec: runTimeoutSec,
    }),
  );
}
