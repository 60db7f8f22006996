/** The eight system agents (FR-029, reference §4.1): the seed of `core.agents`; limits and modes live on in the database as policy. */
export interface SystemAgent {
  readonly name: string;
  readonly runtimeMode: 'full-env' | 'code-only';
  readonly maxParallelRuns: number;
  /** Seconds of work; waiting for a person does not count (NFR-012). */
  readonly runTimeoutSec: number;
}

export const systemAgents = {
  pm: { name: 'AI Product Manager', runtimeMode: 'code-only', maxParallelRuns: 1, runTimeoutSec: 3_600 },
  sa: { name: 'AI Solution Architect', runtimeMode: 'full-env', maxParallelRuns: 1, runTimeoutSec: 3_600 },
  em: { name: 'AI Engineering Manager', runtimeMode: 'full-env', maxParallelRuns: 1, runTimeoutSec: 3_600 },
  dev: { name: 'AI Developer', runtimeMode: 'full-env', maxParallelRuns: 2, runTimeoutSec: 7_200 },
  reviewer: { name: 'AI Reviewer', runtimeMode: 'full-env', maxParallelRuns: 2, runTimeoutSec: 3_600 },
  qa: { name: 'AI QA', runtimeMode: 'full-env', maxParallelRuns: 2, runTimeoutSec: 7_200 },
  sre: { name: 'AI SRE', runtimeMode: 'full-env', maxParallelRuns: 1, runTimeoutSec: 3_600 },
  km: { name: 'AI Knowledge Manager', runtimeMode: 'code-only', maxParallelRuns: 2, runTimeoutSec: 3_600 },
} as const satisfies Record<string, SystemAgent>;

export type SystemAgentKey = keyof typeof systemAgents;
