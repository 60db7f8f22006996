import { systemAgents } from '@codex-k8s/domain';
import { sql, type Selectable } from 'kysely';
import { agentInForce } from './sql-parts.ts';
import type { Db, Tx } from './store.ts';
import type { CoreAgents } from './tables.gen.ts';

export interface AgentView extends Pick<
  Selectable<CoreAgents>,
  'id' | 'agentKey' | 'name' | 'roleKind' | 'projectId' | 'isActive' | 'program' | 'model' | 'reasoningEffort'
> {
  readonly policyKey: string;
  readonly runtimeMode: 'full-env' | 'code-only';
  readonly maxParallelRuns: number;
  readonly runTimeoutSec: number;
  readonly ownerReviewTimeoutSec: number | null;
  readonly maxAttempts: number;
}

/** Creates the system agents and their policies where missing; what people changed stays. The program follows the configuration. */
export async function seedSystemAgents(db: Db, { program, model }: { program: string; model: string }): Promise<void> {
  await db.transaction().execute(async (tx) => {
    for (const [agentKey, { name, runtimeMode, maxParallelRuns, runTimeoutSec }] of Object.entries(systemAgents)) {
      const policyKey = `default-${agentKey}`;
      await tx
        .insertInto('core.agentPolicies')
        .values({ policyKey, runtimeMode, maxParallelRuns, runTimeoutSec })
        .onConflict((conflict) => conflict.column('policyKey').doNothing())
        .execute();
      await sql`
        insert into core.agents (agent_key, role_kind, name, policy_id, program, model)
        select ${agentKey}, 'system', ${name}, id, ${program}, ${model} from core.agent_policies where policy_key = ${policyKey}
        on conflict (agent_key) where role_kind = 'system' do update set program = excluded.program, model = excluded.model, updated_at = now()
          where (agents.program, agents.model) is distinct from (excluded.program, excluded.model)`.execute(tx);
    }
  });
}

function selectAgents(db: Db | Tx) {
  return db
    .selectFrom('core.agents as a')
    .innerJoin('core.agentPolicies as p', 'p.id', 'a.policyId')
    .select([
      'a.id',
      'a.agentKey',
      'a.name',
      'a.roleKind',
      'a.projectId',
      'a.isActive',
      'a.program',
      'a.model',
      'a.reasoningEffort',
      'p.policyKey',
      'p.runtimeMode',
      'p.maxParallelRuns',
      'p.runTimeoutSec',
      'p.ownerReviewTimeoutSec',
      'p.maxAttempts',
    ]);
}

export async function listAgents(db: Db): Promise<AgentView[]> {
  return (await selectAgents(db).orderBy('a.roleKind', 'desc').orderBy('a.agentKey').execute()) as AgentView[]; // check constraints hold the words
}

/** The active project agent with this key, else the system agent (reference §2.1). */
export async function findAgent(db: Db | Tx, wanted: { agentKey: string; projectId: string }): Promise<AgentView | undefined> {
  const { rows } = await sql<AgentView>`${agentInForce(wanted)}`.execute(db);
  return rows[0];
}

/** The policy a run is started under; later changes of the policy do not reach it (reference §4.3). */
export function policySnapshot(agent: AgentView): Record<string, string | number | null> {
  return {
    policy_key: agent.policyKey,
    runtime_mode: agent.runtimeMode,
    max_parallel_runs: agent.maxParallelRuns,
    run_timeout_sec: agent.runTimeoutSec,
    owner_review_timeout_sec: agent.ownerReviewTimeoutSec,
    max_attempts: agent.maxAttempts,
  };
}
