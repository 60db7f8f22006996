/**
 * Tries the controls around an agent's pod in the cluster itself: an API server stores a NetworkPolicy also when no plugin enforces it, so only a
 * connection that fails, beside one that works, says that it does.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { describeError, type ControlFinding } from '@codex-k8s/domain';
import { StorageV1Api, type V1Pod } from '@kubernetes/client-node';
import { applyObject, found, translated, type Kube } from './client.ts';
import {
  agentExit,
  environmentOf,
  probeExit,
  probeJob,
  probeName,
  probePolicy,
  type ProbeInput,
  type ProbeRole,
} from './manifests/probe-objects.ts';
import { podTrouble } from './pod-trouble.ts';
import { applyRunNamespace } from './run-namespaces.ts';

const podWithinMs = 60_000;
const refusedWithinMs = 3_000;

/** Ten to twenty seconds. Never throws for what a control does; throws `kube.*` when the cluster cannot be asked. */
export async function probeControls(kube: Kube, input: ProbeInput): Promise<ControlFinding[]> {
  const [around, admission, storage] = await Promise.all([probePods(kube, input), probeAdmission(kube, input), storageClass(kube)]);
  return [...around, admission, storage];
}

async function probePods(kube: Kube, input: ProbeInput): Promise<ControlFinding[]> {
  const { namespace } = input;
  await applyRunNamespace(kube, { namespace, mode: 'code-only', projectId: 'preflight', pods: 10 });
  await applyObject(kube, probePolicy(input));
  try {
    await applyObject(kube, probeJob(input, 'privileged'));
    await applyObject(kube, probeJob(input, 'listener'));
    const listener = await podWhen(kube, input, 'listener', ({ status }) => status?.phase === 'Running' && status.podIP !== undefined);
    if (typeof listener === 'string') return allUnproven(input, listener);
    const address = listener.status?.podIP ?? '';
    await applyObject(kube, probeJob(input, 'allowed', address));
    await applyObject(kube, probeJob(input, 'refused', address));
    const [allowed, refused] = await Promise.all([exitCode(kube, input, 'allowed'), exitCode(kube, input, 'refused')]);
    return [networkPolicy(allowed, refused), await podSecurity(kube, input), await quota(kube, input), names(allowed), runtimeClass(input)];
  } finally {
    for (const role of ['listener', 'allowed', 'refused', 'privileged'] as const) await remove(kube, input, role);
  }
}

/** An agent with the rights of a developer tries to get at Secrets, in a namespace made as for a full-env run. */
async function probeAdmission(kube: Kube, input: ProbeInput): Promise<ControlFinding> {
  const control = 'admission_policy' as const;
  const projectId = 'preflight';
  try {
    await applyRunNamespace(kube, {
      namespace: environmentOf(input),
      mode: 'full-env',
      projectId,
      runId: projectId,
      profile: 'develop',
      pods: 10,
    });
    await applyObject(kube, probeJob(input, 'agent'));
    const exit = await exitCode(kube, input, 'agent');
    if (exit === agentExit.kept) {
      return { control, state: 'holds', evidence: 'A pod with the rights of a developer could neither mount a Secret nor list any.' };
    }
    if (exit === agentExit.mounted) return { control, state: 'absent', evidence: 'A pod that mounts a Secret was admitted from an agent.' };
    if (exit === agentExit.read) return { control, state: 'absent', evidence: 'An agent could list Secrets.' };
    return { control, state: 'unproven', evidence: `The probe gave no answer: ${String(exit)}.` };
  } catch (error) {
    const { code, message } = describeError(error);
    if (code === 'kube.unavailable' || code === 'kube.unauthorized') throw error;
    return { control, state: 'unproven', evidence: `A namespace as for a full-env run could not be made: ${message}` };
  } finally {
    await remove(kube, input, 'agent');
  }
}

async function storageClass({ config }: Kube): Promise<ControlFinding> {
  const control = 'storage_class' as const;
  const { items } = await translated('Storage classes', () => config.makeApiClient(StorageV1Api).listStorageClass());
  const usual = items.find(({ metadata }) => metadata?.annotations?.['storageclass.kubernetes.io/is-default-class'] === 'true');
  if (usual) return { control, state: 'holds', evidence: `The default storage class is ${usual.metadata?.name ?? ''}.` };
  return { control, state: 'absent', evidence: 'The cluster has no default storage class: volumes that agents ask for stay pending.' };
}

/** A code, or why there is none. */
type Exit = number | string;

function networkPolicy(allowed: Exit, refused: Exit): ControlFinding {
  const control = 'network_policy' as const;
  const reached = allowed === probeExit.connected || allowed === probeExit.noNames;
  if (!reached) {
    return { control, state: 'unproven', evidence: `The connection that must work did not: ${String(allowed)}.` };
  }
  if (refused === probeExit.notConnected) {
    return { control, state: 'holds', evidence: 'A pod that the policy allows reached another; one that it does not allow could not.' };
  }
  if (typeof refused === 'string') return { control, state: 'unproven', evidence: refused };
  return {
    control,
    state: 'absent',
    evidence: "A pod reached another against the policy: the cluster's network plugin does not enforce it.",
  };
}

function names(allowed: Exit): ControlFinding {
  const control = 'dns' as const;
  if (allowed === probeExit.connected) return { control, state: 'holds', evidence: 'A pod resolved kubernetes.default.svc.' };
  if (allowed === probeExit.noNames) return { control, state: 'absent', evidence: 'A pod could not resolve kubernetes.default.svc.' };
  return { control, state: 'unproven', evidence: `The probe gave no answer: ${String(allowed)}.` };
}

async function podSecurity(kube: Kube, input: ProbeInput): Promise<ControlFinding> {
  const control = 'pod_security' as const;
  const pod = await podOf(kube, input, 'privileged', refusedWithinMs);
  if (pod) return { control, state: 'absent', evidence: 'A privileged pod was admitted into the namespace.' };
  return { control, state: 'holds', evidence: 'The Job of a privileged pod got no pod, while the other Jobs did.' };
}

async function quota(kube: Kube, { namespace }: ProbeInput): Promise<ControlFinding> {
  const control = 'quota' as const;
  const read = await found('The quota', () => kube.core.readNamespacedResourceQuota({ name: 'codex-run-quota', namespace }));
  const used = read?.status?.used?.['pods'];
  if (used !== undefined && Number(used) > 0) return { control, state: 'holds', evidence: `The quota counts ${used} pods.` };
  return { control, state: 'absent', evidence: 'The quota does not count the pods that run: its controller is not at work.' };
}

function runtimeClass({ runtimeClass: name }: ProbeInput): ControlFinding {
  const control = 'runtime_class' as const;
  if (name === undefined) return { control, state: 'absent', evidence: 'None is configured: agents share the kernel of their node.' };
  return { control, state: 'holds', evidence: `The probes ran with the runtime class ${name}.` };
}

function allUnproven(input: ProbeInput, why: string): ControlFinding[] {
  const unproven = (['network_policy', 'pod_security', 'quota', 'dns'] as const).map((control): ControlFinding => ({
    control,
    state: 'unproven',
    evidence: why,
  }));
  const none: ControlFinding = { control: 'runtime_class', state: 'unproven', evidence: why };
  return [...unproven, input.runtimeClass === undefined ? runtimeClass(input) : none];
}

async function exitCode(kube: Kube, input: ProbeInput, role: ProbeRole): Promise<Exit> {
  const pod = await podWhen(kube, input, role, ({ status }) => status?.containerStatuses?.[0]?.state?.terminated !== undefined);
  return typeof pod === 'string' ? pod : (pod.status?.containerStatuses?.[0]?.state?.terminated?.exitCode ?? 'The pod says no exit code.');
}

/** The pod once it is so; otherwise why it never was. */
async function podWhen(kube: Kube, input: ProbeInput, role: ProbeRole, isSo: (pod: V1Pod) => boolean): Promise<V1Pod | string> {
  let pod: V1Pod | undefined;
  for (const deadline = Date.now() + podWithinMs; Date.now() < deadline; await sleep(200)) {
    pod = await podOf(kube, input, role, 0);
    if (pod && isSo(pod)) return pod;
  }
  const trouble = pod && podTrouble(pod);
  return `The probe's pod ${role} did not get so far: ${trouble?.message ?? (pod ? 'no reason is known' : 'the cluster made no pod')}.`;
}

async function podOf(kube: Kube, input: ProbeInput, role: ProbeRole, withinMs: number): Promise<V1Pod | undefined> {
  const namespace = placeOf(input, role);
  const labelSelector = `job-name=${probeName(input, role)}`;
  for (const deadline = Date.now() + withinMs; ; await sleep(200)) {
    const { items } = await translated('Pods of the probe', () => kube.core.listNamespacedPod({ namespace, labelSelector }));
    if (items[0] || Date.now() >= deadline) return items[0];
  }
}

async function remove(kube: Kube, input: ProbeInput, role: ProbeRole): Promise<void> {
  const name = probeName(input, role);
  await found(`Job ${name}`, () =>
    kube.batch.deleteNamespacedJob({
      name,
      namespace: placeOf(input, role),
      body: { propagationPolicy: 'Background', gracePeriodSeconds: 0 },
    }),
  );
}

function placeOf(input: ProbeInput, role: ProbeRole): string {
  return role === 'agent' ? environmentOf(input) : input.namespace;
}
