/** Where an attempt works: what must hold there, and the namespace of a full-env run. */
import { AppError, clusterProfileOf, findingsCountSec, type ClusterControl, type ControlFinding } from '@codex-k8s/domain';
import { getProject, leaseRunNamespace, readClusterControls, recordEvent, recordNamespaceUid, type Run } from '@codex-k8s/store';
import { worker, type Context } from './context.ts';

/**
 * The namespace of a full-env run, made or put right; undefined for a code-only run. `run.control_not_proven`: something that must hold was not
 * seen to hold. `kube.controls_unknown`: nobody has looked yet.
 */
export async function preparePlace(context: Context, run: Run): Promise<string | undefined> {
  const { namespaces } = context.runtime;
  const isFullEnv = namespaces !== undefined && (run.policy as { runtime_mode?: string }).runtime_mode === 'full-env'; // written by policySnapshot
  await demandControls(context, run, isFullEnv);
  if (!isFullEnv) return undefined;
  const { config, store } = context;
  const { id: runId, projectId, agentKey } = run;
  const lease = await leaseRunNamespace(store.db, {
    run,
    name: namespaces.nameFor({ ...run, runId }),
    ttlSec: config.namespaceTtlSec,
  });
  const profile = clusterProfileOf(agentKey);
  const uid = await namespaces.prepare({ name: lease.name, projectId, runId, profile });
  await recordNamespaceUid(store.db, { name: lease.name, uid });
  await recordEvent(store.db, {
    type: 'run.namespace.prepared',
    correlationId: run.correlationId,
    runId,
    projectId,
    actor: worker,
    key: `${run.attempt}/namespace-prepared`,
    payload: { namespace: lease.name, profile, reused: lease.uid !== null },
  });
  return lease.name;
}

/** Without the admission policy an agent with rights could read Secrets, so full-env never goes without it. */
async function demandControls({ config, store }: Context, { projectId }: Run, isFullEnv: boolean): Promise<void> {
  const project = await getProject(store.db, projectId);
  const required = new Set<ClusterControl>([
    ...(project?.settings.required_controls ?? []),
    ...(isFullEnv ? (['admission_policy'] as const) : []),
  ]);
  if (required.size === 0) return;
  if (config.runtime === 'local') throw notProven([...required].map((control) => `${control}: the local runtime has none`));
  const known = await readClusterControls(store.db, { maxAgeSec: findingsCountSec });
  if (!known) throw new AppError('kube.controls_unknown', 'The controls of the cluster have not been tried within the last hour.');
  const missing = [...required].flatMap((control) => describeMissing(control, known.findings));
  if (missing.length > 0) throw notProven(missing);
}

function describeMissing(control: ClusterControl, findings: readonly ControlFinding[]): string[] {
  const finding = findings.find((one) => one.control === control);
  if (finding?.state === 'holds') return [];
  return [`${control}: ${finding ? `${finding.state}. ${finding.evidence}` : 'not tried'}`];
}

function notProven(missing: readonly string[]): AppError {
  return new AppError('run.control_not_proven', missing.join(' '));
}
