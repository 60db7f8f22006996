/**
 * Agents as child processes of the developer's own machine: for the trial and for tests, never isolated, and refused anywhere else. What
 * runs is on disk (`runs/<id>/job.json`), so another worker process can watch, stop and replace what this one started.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, openSync, closeSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '@codex-k8s/domain';
import type { Logger } from '@codex-k8s/runtime';
import type { AgentRuntime, AliveAttempt, LaunchSpec } from '../app/agent-runtime.ts';
import { endProcesses, findByEnvironment, identify, isAlive, type ProcessId } from './processes.ts';

export interface LocalRuntimeOptions {
  readonly environment: string;
  readonly dataDir: string;
  readonly controlPlaneUrl: string;
  readonly agentRunnerPath: string;
  readonly trialAgentPath: string | undefined;
  readonly codexPath: string | undefined;
  readonly modelBaseUrl: string;
  readonly modelApiKey: string | undefined;
  readonly otlpEndpoint: string | undefined;
  /** PATH and what else a program needs to start; nothing of the platform's own secrets. */
  readonly baseEnv: Readonly<Record<string, string | undefined>>;
  readonly log: Logger;
}

interface Job extends ProcessId {
  readonly attempt: number;
}

const gentleMs = 3_000;

/** `runtime.not_allowed` unless the environment is `local`. */
export function createLocalRuntime(options: LocalRuntimeOptions): AgentRuntime {
  if (options.environment !== 'local') throw new AppError('runtime.not_allowed', 'The local runtime needs CODEXK8S_ENV=local.');
  const runsDir = join(options.dataDir, 'runs');
  mkdirSync(runsDir, { recursive: true });
  const dirOf = (runId: string): string => join(runsDir, runId);

  function readJob(runId: string): Job | undefined {
    try {
      return JSON.parse(readFileSync(join(dirOf(runId), 'job.json'), 'utf8')) as Job; // written below only
    } catch {
      return undefined; // not started, or cleaned
    }
  }

  function writeJob(runId: string, job: Job): void {
    const path = join(dirOf(runId), 'job.json');
    writeFileSync(`${path}.new`, JSON.stringify(job));
    renameSync(`${path}.new`, path);
  }

  function processesOf(runId: string): ProcessId[] {
    const tagged = findByEnvironment([`CODEXK8S_RUN_ID=${runId}`, `CODEXK8S_RUN_DIR=${dirOf(runId)}`]);
    const job = readJob(runId);
    return job && isAlive(job) && !tagged.some(({ pid }) => pid === job.pid) ? [...tagged, job] : tagged;
  }

  async function stop(runId: string, { gently }: { gently: boolean } = { gently: false }): Promise<void> {
    await endProcesses(() => processesOf(runId), { graceMs: gently ? gentleMs : 0 });
  }

  return {
    launch: async (spec) => {
      const { runId, attempt } = spec;
      const known = readJob(runId);
      if (known && known.attempt === attempt && isAlive(known)) return;
      await stop(runId);
      mkdirSync(dirOf(runId), { recursive: true });
      const pid = start(options, spec, dirOf(runId));
      const identity = identify(pid);
      try {
        if (identity) writeJob(runId, { ...identity, attempt });
      } catch (error) {
        await stop(runId); // a process that is not on record would never be ended
        throw error;
      }
    },
    listAlive: async () =>
      readdirSync(runsDir).flatMap((runId): AliveAttempt[] => {
        const job = readJob(runId);
        return job && isAlive(job) ? [{ runId, attempt: job.attempt }] : [];
      }),
    probeControls: async () => undefined, // plain processes of this machine: nothing keeps them apart
    explainEnd: async () => undefined, // a process of this machine leaves no reason behind
    readTail: async () => [], // runner.log lies in the run's folder, where the developer is
    stop,
    clean: async (runId) => {
      await stop(runId);
      rmSync(dirOf(runId), { recursive: true, force: true, maxRetries: 3 });
    },
    namespaces: undefined,
    [Symbol.asyncDispose]: async () => undefined,
  };
}

/** A session of its own: it outlives a killed worker, and a signal reaches all of it. Returns the pid. */
function start(options: LocalRuntimeOptions, { runId, correlationId, runToken, traceparent }: LaunchSpec, runDir: string): number {
  const temporary = join(runDir, 'tmp');
  rmSync(temporary, { recursive: true, force: true }); // an attempt that was killed has not tidied up
  mkdirSync(temporary);
  const output = openSync(join(runDir, 'runner.log'), 'a');
  try {
    const child = spawn(process.execPath, [options.agentRunnerPath], {
      detached: true,
      stdio: ['ignore', output, output],
      cwd: runDir,
      env: {
        ...options.baseEnv,
        TMPDIR: temporary,
        CODEXK8S_RUN_ID: runId,
        CODEXK8S_CORRELATION_ID: correlationId,
        CODEXK8S_CONTROL_PLANE_URL: options.controlPlaneUrl,
        CODEXK8S_RUN_TOKEN: runToken,
        CODEXK8S_RUN_DIR: runDir,
        CODEXK8S_MODEL_BASE_URL: options.modelBaseUrl,
        ...(options.trialAgentPath !== undefined && { CODEXK8S_TRIAL_AGENT_PATH: options.trialAgentPath }),
        ...(options.codexPath !== undefined && { CODEXK8S_CODEX_PATH: options.codexPath }),
        ...(options.modelApiKey !== undefined && { CODEXK8S_MODEL_API_KEY: options.modelApiKey }),
        ...(options.otlpEndpoint !== undefined && { OTEL_EXPORTER_OTLP_ENDPOINT: options.otlpEndpoint }),
        ...(traceparent !== undefined && { TRACEPARENT: traceparent }),
      },
    });
    child.on('error', (error) => options.log.warn({ runId, err: error }, 'agent runner did not start'));
    child.unref();
    if (child.pid === undefined) throw new AppError('run.runner_failed', 'The agent runner could not be started.');
    return child.pid;
  } finally {
    closeSync(output);
  }
}
