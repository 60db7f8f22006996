/**
 * What an agent may do in the cluster, in the namespace of its run alone (reference §5.4): each is a ClusterRole of deploy/kubernetes, which the
 * worker binds there. No profile reaches Secrets.
 */
export const clusterProfiles = ['observe', 'review', 'test', 'develop'] as const;
export type ClusterProfile = (typeof clusterProfiles)[number];

/** The eight system agents (FR-029, reference §4.1): the seed of `core.agents`; limits and modes live on in the database as policy. */
export interface SystemAgent {
  readonly name: string;
  readonly runtimeMode: 'full-env' | 'code-only';
  /** Its rights in the namespace of a full-env run. */
  readonly clusterProfile: ClusterProfile;
  readonly maxParallelRuns: number;
  /** Seconds of work; waiting for a person does not count (NFR-012). */
  readonly runTimeoutSec: number;
}

export const systemAgents = {
  pm: { name: 'AI Product Manager', runtimeMode: 'code-only', clusterProfile: 'observe', maxParallelRuns: 1, runTimeoutSec: 3_600 },
  sa: { name: 'AI Solution Architect', runtimeMode: 'full-env', clusterProfile: 'observe', maxParallelRuns: 1, runTimeoutSec: 3_600 },
  em: { name: 'AI Engineering Manager', runtimeMode: 'full-env', clusterProfile: 'observe', maxParallelRuns: 1, runTimeoutSec: 3_600 },
  dev: { name: 'AI Developer', runtimeMode: 'full-env', clusterProfile: 'develop', maxParallelRuns: 2, runTimeoutSec: 7_200 },
  reviewer: { name: 'AI Reviewer', runtimeMode: 'full-env', clusterProfile: 'review', maxParallelRuns: 2, runTimeoutSec: 3_600 },
  qa: { name: 'AI QA', runtimeMode: 'full-env', clusterProfile: 'test', maxParallelRuns: 2, runTimeoutSec: 7_200 },
  sre: { name: 'AI SRE', runtimeMode: 'full-env', clusterProfile: 'observe', maxParallelRuns: 1, runTimeoutSec: 3_600 },
  km: { name: 'AI Knowledge Manager', runtimeMode: 'code-only', clusterProfile: 'observe', maxParallelRuns: 2, runTimeoutSec: 3_600 },
} as const satisfies Record<string, SystemAgent>;

export type SystemAgentKey = keyof typeof systemAgents;

/** An agent of a project observes, until its policy can say more. */
export function clusterProfileOf(agentKey: string): ClusterProfile {
  const known: Readonly<Record<string, SystemAgent>> = systemAgents;
  return known[agentKey]?.clusterProfile ?? 'observe';
}
