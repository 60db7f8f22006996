/** One attempt without an agent: the calls of the real runner in their order, by the real runner's own client; the work itself is one commit. */
import type { AttemptResult, RunSpec } from '@codex-k8s/contracts/internal';
import { Secret } from '@codex-k8s/runtime';
import {
  AttemptOver,
  controlPlane,
  type ControlPlane,
  type HeartbeatAnswer,
} from '../../../services/jobs/agent-runner/src/control-plane.ts';
import { beatAfterMs } from '../../../services/jobs/agent-runner/src/heartbeat.ts';
import type { PodOfRun } from './kubelet.ts';
import { commitFile, startOfBranch } from './push.ts';
import { submitResult } from './submit-result.ts';

export interface AttemptOptions {
  readonly pod: PodOfRun;
  readonly token: string;
  readonly githubApiUrl: string;
  /** Aborts when the pod ends, whoever ended it. */
  readonly signal: AbortSignal;
  /** The agent's time; the attempt goes on when it resolves. */
  readonly work: (spec: RunSpec, signal: AbortSignal) => Promise<'delivers' | 'fails'>;
}

/** False: the platform wants nothing more of this attempt, or its pod ended first. */
export async function playAttempt({ pod, token, githubApiUrl, signal, work }: AttemptOptions): Promise<boolean> {
  const over = new AbortController();
  const either = AbortSignal.any([signal, over.signal]);
  const platform = controlPlane({ url: pod.controlPlaneUrl, runId: pod.runId, token: new Secret(token), signal: either });
  const beats = startBeats(platform, { heartbeatMs: pod.heartbeatMs, signal: either, onOver: () => over.abort() });
  try {
    const spec = await platform.spec();
    await platform.event('run.agent.started', { branch: spec.target_branch, kind: spec.kind, attempt: spec.attempt });
    await platform.finish(await resultOf({ platform, spec, githubApiUrl, work, signal: either }));
    return true;
  } catch (error) {
    if (error instanceof AttemptOver || either.aborted) return false;
    throw error;
  } finally {
    clearTimeout(beats.timer);
    over.abort();
  }
}

interface Working extends Pick<AttemptOptions, 'githubApiUrl' | 'work' | 'signal'> {
  readonly platform: ControlPlane;
  readonly spec: RunSpec;
}

async function resultOf({ platform, spec, githubApiUrl, work, signal }: Working): Promise<AttemptResult> {
  const repository = { apiUrl: githubApiUrl, fullName: spec.repository.full_name, token: spec.git.token };
  const start = spec.start_sha ?? (await startOfBranch(repository, { branch: spec.target_branch, base: spec.base_branch }));
  await platform.event('run.workspace.prepared', {
    reused: false,
    branch: spec.target_branch,
    head_sha: start,
    start_sha: spec.start_sha ?? start,
  });
  await platform.logs(1, [{ stream: 'runner', text: `A simulated agent works on ${spec.target_branch}.`, at: new Date().toISOString() }]);
  if ((await work(spec, signal)) === 'fails') {
    return { outcome: 'failed', failure_code: 'run.agent_failed', failure_message: 'The simulated agent was told to fail.' };
  }
  if (spec.kind === 'review') {
    await submitResult(spec, { summary: 'Looked at by a simulated agent.', verdict: 'comment', findings: [] });
    return { outcome: 'reviewed' };
  }
  const path = `simulated/${spec.run_id}-${spec.attempt}.txt`;
  const headSha = await commitFile(repository, { branch: spec.target_branch, start, path, text: `attempt ${spec.attempt}\n` });
  await submitResult(spec, { summary: 'Written by a simulated agent.' });
  await platform.event('run.branch.pushed', { branch: spec.target_branch, head_sha: headSha, base_sha: start, commits: 1 });
  return { outcome: 'delivered', branch: spec.target_branch, head_sha: headSha, base_sha: start, commits: 1 };
}

function startBeats(
  platform: ControlPlane,
  { heartbeatMs, signal, onOver }: { heartbeatMs: number; signal: AbortSignal; onOver: () => void },
): { timer: NodeJS.Timeout | undefined } {
  const beats: { timer: NodeJS.Timeout | undefined } = { timer: undefined };
  const beat = async (): Promise<void> => {
    if (signal.aborted) return;
    let answer: HeartbeatAnswer | undefined;
    try {
      answer = await platform.heartbeat();
      if (!answer.continue) return onOver();
    } catch (error) {
      if (error instanceof AttemptOver) return onOver();
    }
    if (!signal.aborted) beats.timer = setTimeout(() => void beat(), beatAfterMs(answer, heartbeatMs));
  };
  void beat();
  return beats;
}
