/** What a kubelet would do for the pods of runs: read their Secret, say that they ended. Speaks as an administrator of the test's cluster. */
import { setTimeout as sleep } from 'node:timers/promises';
import { isAppError } from '@codex-k8s/domain';
import { found, jobName, type Kube, type V1Pod } from '@codex-k8s/kube';
import { PatchStrategy, setHeaderOptions } from '@kubernetes/client-node';
import { fateAnnotation, type Fate } from '../../cluster/src/pod-stages.ts';

export interface PodOfRun {
  readonly runId: string;
  readonly attempt: number;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  /** As the container would find it. */
  readonly controlPlaneUrl: string;
  readonly heartbeatMs: number;
}

const mergePatch = setHeaderOptions('Content-Type', PatchStrategy.MergePatch);

export function environmentOf(pod: V1Pod, name: string): string | undefined {
  return pod.spec?.containers[0]?.env?.find((one) => one.name === name)?.value;
}

/** Undefined: it is gone, with its Job. */
export async function readRunToken({ core }: Kube, { namespace, runId, attempt }: PodOfRun): Promise<string | undefined> {
  const name = jobName({ runId, attempt });
  // The Job comes before its Secret; a kubelet waits for it just so.
  for (let tries = 0; tries < 100; tries += 1) {
    const secret = await found(`Secret ${namespace}/${name}`, () => core.readNamespacedSecret({ name, namespace }));
    const token = secret?.data?.['CODEXK8S_RUN_TOKEN'];
    if (token !== undefined) return Buffer.from(token, 'base64').toString('utf8');
    await sleep(100);
  }
  return undefined;
}

const triesToSay = 20;

/** Says it again to an API server that does not answer, as a kubelet would: thousands of pods may end at once. */
export async function sayEnded(kube: Kube, pod: PodOfRun): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await sayEndedOnce(kube, pod);
    } catch (error) {
      if (tries === triesToSay || !isAppError(error, 'kube.unavailable')) throw error;
      await sleep(500 + Math.random() * 1_000);
    }
  }
}

async function sayEndedOnce({ core }: Kube, { namespace, name }: PodOfRun): Promise<void> {
  const at = new Date().toISOString();
  const state = { terminated: { exitCode: 0, reason: 'Completed', startedAt: at, finishedAt: at } };
  const containerStatuses = [{ name: 'run', ready: false, restartCount: 0, image: '', imageID: '', state }];
  await found(`Pod ${namespace}/${name}`, () =>
    core.patchNamespacedPodStatus({ name, namespace, body: { status: { phase: 'Succeeded', containerStatuses } } }, mergePatch),
  );
}

export async function sendFate({ core }: Kube, { namespace, name }: PodOfRun, fate: Fate): Promise<void> {
  const body = { metadata: { annotations: { [fateAnnotation]: fate } } };
  await found(`Pod ${namespace}/${name}`, () => core.patchNamespacedPod({ name, namespace, body }, mergePatch));
}
