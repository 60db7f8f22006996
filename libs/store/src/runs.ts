import { finalStatuses, runMoves, type ActorRef, type ErrorCode, type RunMove, type RunStatus, type StageRecord } from '@codex-k8s/domain';
import { sql, type Insertable, type Selectable, type Updateable } from 'kysely';
import { asJson } from './json.ts';
import { rowsOf } from './sql-parts.ts';
import type { Db, Tx } from './store.ts';
import type { CoreAgentRuns } from './tables.gen.ts';
import { together } from './together.ts';

export type Run = Omit<Selectable<CoreAgentRuns>, 'status'> & { readonly status: RunStatus };

export type NewRun = Pick<
  Insertable<CoreAgentRuns>,
  | 'correlationId'
  | 'parentRunId'
  | 'projectId'
  | 'repositoryId'
  | 'repositoryFullName'
  | 'agentId'
  | 'agentKey'
  | 'program'
  | 'model'
  | 'reasoningEffort'
  | 'scripted'
  | 'runKind'
  | 'triggerKind'
  | 'triggerLabel'
  | 'triggeredBy'
  | 'issueNumber'
  | 'issueTitle'
  | 'issueUrl'
  | 'prNumber'
  | 'prUrl'
  | 'headSha'
  | 'baseBranch'
  | 'branch'
  | 'learningMode'
> & { readonly actor: ActorRef; readonly payload: object; readonly policy: object } & (
    | { readonly stage?: undefined }
    /** The issue enters this stage with the run. */
    | { readonly stage: StageRecord['stage']; readonly profile: string; readonly issueNumber: number; readonly repositoryId: string }
  );

export type CreatedRun = Pick<Run, 'id' | 'correlationId' | 'agentKey' | 'runKind' | 'triggerKind' | 'attempt'>;

/**
 * Creates a pending run, its session, its `run.enqueued` event and, for a stage run, the transition of its issue. Undefined: a run of this correlation id exists, or the issue has an
 * active stage run; both guards are unique indexes, so of any number of concurrent callers one wins.
 */
export const createRunOnce = together(async (tx: Tx, runs: readonly NewRun[]): Promise<(CreatedRun | undefined)[]> => {
  const wanted = runs.map(({ actor, ...run }) => ({ ...run, actorType: actor.type, actorId: actor.id }));
  const { rows } = await sql<CreatedRun>`/* prepared */
    with wanted as (
      select distinct on (q."correlationId") q.* from ${rowsOf(wanted, runColumns)}
    ), created as (
      insert into core.agent_runs (correlation_id, parent_run_id, project_id, repository_id, repository_full_name, agent_id, agent_key, program,
        model, reasoning_effort, scripted, run_kind, trigger_kind, trigger_label, triggered_by, issue_number, issue_title, issue_url, pr_number,
        pr_url, head_sha, base_branch, branch, learning_mode, run_payload, policy)
      select "correlationId", "parentRunId", "projectId", "repositoryId", "repositoryFullName", "agentId", "agentKey", program,
        model, "reasoningEffort", coalesce(scripted, false), "runKind", "triggerKind", "triggerLabel", "triggeredBy", "issueNumber", "issueTitle",
        "issueUrl", "prNumber", "prUrl", "headSha", "baseBranch", branch, coalesce("learningMode", false), payload, policy
      from wanted
      on conflict do nothing
      returning id, correlation_id, project_id, repository_id, repository_full_name, agent_key, program, model, reasoning_effort, run_kind, trigger_kind,
        trigger_label, issue_number, pr_number, pr_url, branch, attempt
    ), opened as (
      insert into audit.agent_sessions (run_id, correlation_id, project_id, repository_full_name, issue_number, branch_name, pr_number, pr_url,
        agent_key, trigger_kind, program, model, reasoning_effort)
      select id, correlation_id, project_id, repository_full_name, issue_number, branch, pr_number, pr_url,
        agent_key, trigger_kind, program, model, reasoning_effort from created
    ), enqueued as (
      insert into audit.flow_events (correlation_id, run_id, project_id, actor_type, actor_id, event_type, payload)
      select c.correlation_id, c.id, c.project_id, w."actorType", w."actorId", 'run.enqueued',
        jsonb_build_object('trigger_kind', c.trigger_kind, 'agent_key', c.agent_key, 'trigger_label', c.trigger_label)
      from created c join wanted w on w."correlationId" = c.correlation_id
      returning correlation_id, run_id, project_id, actor_type, actor_id
    ), staged as (
      select c.id, c.correlation_id, c.repository_id, c.issue_number, w.stage, w.profile
      from created c join wanted w on w."correlationId" = c.correlation_id where w.stage is not null
    ), ${enterStages}
    select id, correlation_id, agent_key, run_kind, trigger_kind, attempt from created`.execute(tx);
  const created = new Map(rows.map((run) => [run.correlationId, run]));
  return runs.map(({ correlationId }) => {
    const run = created.get(correlationId);
    created.delete(correlationId); // asked for twice, created once
    return run;
  });
});

/**
 * Puts the issues of the `staged` runs into their stages; reads `enqueued`, so that its event comes second. Where the issue was before is one index
 * look-up each (`limit 1`), whatever the planner thought of the table's size when it kept the plan.
 */
const enterStages = sql`placed as (
      insert into core.issue_stages (repository_id, issue_number, profile, stage, status, active_run_id)
      select repository_id, issue_number, profile, stage, 'in_progress', id from staged
      on conflict (repository_id, issue_number) do update set stage = excluded.stage, status = excluded.status,
        active_run_id = excluded.active_run_id, updated_at = now()
    ), entered as (
      insert into audit.flow_events (correlation_id, run_id, project_id, actor_type, actor_id, event_type, payload)
      select e.correlation_id, e.run_id, e.project_id, e.actor_type, e.actor_id, 'stage.transition',
        jsonb_build_object('to', jsonb_build_object('stage', t.stage, 'status', 'in_progress'), 'issue_number', t.issue_number)
          || coalesce(before.payload, '{}')
      from enqueued e join staged t on t.id = e.run_id
        left join lateral (select jsonb_build_object('from', jsonb_build_object('stage', s.stage, 'status', s.status)) as payload
          from core.issue_stages s where s.repository_id = t.repository_id and s.issue_number = t.issue_number limit 1) before on true
    )`;

const runColumns = `"correlationId" text, "parentRunId" uuid, "projectId" uuid, "repositoryId" uuid, "repositoryFullName" text, "agentId" uuid,
  "agentKey" text, program text, model text, "reasoningEffort" text, scripted boolean, "runKind" text, "triggerKind" text, "triggerLabel" text,
  "triggeredBy" text, "issueNumber" int, "issueTitle" text, "issueUrl" text, "prNumber" int, "prUrl" text, "headSha" text, "baseBranch" text,
  branch text, "learningMode" boolean, payload jsonb, policy jsonb, "actorType" text, "actorId" text, stage text, profile text`;

export type RunChange = Omit<Updateable<CoreAgentRuns>, 'id' | 'status' | 'finishedAt' | 'updatedAt' | 'failureCode' | 'failureMessage'>;

export interface MoveInput {
  readonly id: string;
  readonly actor: ActorRef;
  /** Only when this attempt is the current one: an older process cannot move the run. */
  readonly attempt?: number;
  /** Columns that change together with the status. */
  readonly set?: RunChange;
  readonly failure?: { readonly code: ErrorCode; readonly message: string };
  /** Goes into the event. */
  readonly payload?: Readonly<Record<string, unknown>>;
}

/** What a move does to the clock and the wait columns (NFR-012): waiting stops the clock, resuming goes on with what was left. */
const clock = {
  start: {
    startedAt: sql<Date>`coalesce(started_at, now())`,
    timeoutAt: sql<Date>`now() + make_interval(secs => nullif((policy ->> 'run_timeout_sec')::int, 0))`,
    pendingReason: null,
    retryAt: null,
  },
  awaitTool: {
    waitReason: 'mcp',
    waitSince: sql<Date>`now()`,
    timeoutRemainingSec: sql<number>`greatest(1, ceil(extract(epoch from timeout_at - now())))::int`,
    timeoutAt: null,
  },
  resume: {
    waitReason: null,
    waitSince: null,
    timeoutAt: sql<Date>`now() + make_interval(secs => timeout_remaining_sec)`,
    timeoutRemainingSec: null,
  },
  awaitOwner: {
    waitReason: 'owner_review',
    waitSince: sql<Date>`now()`,
    timeoutAt: null,
    retryAt: null,
    leaseOwner: null,
    leaseUntil: null,
  },
  succeed: { waitReason: null, waitSince: null },
  fail: { waitReason: null, waitSince: null },
  timeOut: { waitReason: null, waitSince: null },
  cancel: { waitReason: null, waitSince: null },
} as const satisfies Record<RunMove, object>;

/** The only writer of a run's status. Undefined: the run is not in a status this move may leave, or a newer attempt has it. */
export async function moveRun(db: Db | Tx, move: RunMove, input: MoveInput): Promise<Run | undefined> {
  const { id, actor, attempt, set = {}, failure, payload = {} } = input;
  const { from, to, event } = runMoves[move];
  const isFinal = (finalStatuses as readonly string[]).includes(to);
  const run = await db
    .with('moved', (cte) =>
      cte
        .updateTable('core.agentRuns')
        .set({
          ...set,
          ...clock[move],
          ...(isFinal && { finishedAt: sql<Date>`now()`, leaseOwner: null, leaseUntil: null, timeoutAt: null, retryAt: null }),
          ...(failure && { failureCode: failure.code, failureMessage: failure.message.slice(0, 4000) }),
          status: to,
          updatedAt: sql<Date>`now()`,
        })
        .where('id', '=', id)
        .where('status', 'in', [...from])
        .$if(attempt !== undefined, (query) => query.where('attempt', '=', attempt ?? 0))
        .returningAll(),
    )
    .with('recorded', (cte) =>
      cte
        .insertInto('audit.flowEvents')
        .columns(['correlationId', 'runId', 'projectId', 'actorType', 'actorId', 'eventType', 'payload'])
        .expression((eb) =>
          eb
            .selectFrom('moved')
            .select(({ val }) => [
              'correlationId',
              'id',
              'projectId',
              val(actor.type).as('actorType'),
              val(actor.id).as('actorId'),
              val(event).as('eventType'),
              asJson({ move, ...(failure && { code: failure.code, message: failure.message }), ...payload }).as('payload'),
            ]),
        ),
    )
    .selectFrom('moved')
    .selectAll()
    .executeTakeFirst();
  return run as Run | undefined; // the check constraint holds the statuses
}

/** Changes columns of a run without moving it. Undefined: no such run, or a newer attempt has it. */
export async function changeRun(
  db: Db | Tx,
  { id, attempt, set }: { id: string; attempt?: number; set: RunChange },
): Promise<Run | undefined> {
  const run = await db
    .updateTable('core.agentRuns')
    .set({ ...set, updatedAt: sql<Date>`now()` })
    .where('id', '=', id)
    .$if(attempt !== undefined, (query) => query.where('attempt', '=', attempt ?? 0))
    .returningAll()
    .executeTakeFirst();
  return run as Run | undefined; // the check constraint holds the statuses
}

/** A sign of life of an attempt. Undefined: no such run, or a newer attempt has it. */
export async function recordSignOfLife(
  db: Db,
  { id, attempt }: { id: string; attempt: number },
): Promise<Pick<Run, 'status' | 'finishedAt'> | undefined> {
  const { rows } = await sql<Pick<Run, 'status' | 'finishedAt'>>`/* prepared */
    update core.agent_runs set heartbeat_at = now() where id = ${id} and attempt = ${attempt} returning status, finished_at`.execute(db);
  return rows[0];
}

/** The run's outcome waits until then. Undefined: a newer attempt has it. */
export async function postponeOutcome(
  db: Db,
  { id, attempt, waitSec }: { id: string; attempt: number; waitSec: number },
): Promise<Date | undefined> {
  const { rows } = await sql<{ retryAt: Date }>`
    update core.agent_runs set retry_at = now() + make_interval(secs => ${waitSec}), updated_at = now()
    where id = ${id} and attempt = ${attempt} returning retry_at`.execute(db);
  return rows[0]?.retryAt;
}

/** The run itself has not changed: how long it has been silent is counted from its own changes. */
export async function postponePublishing(db: Db, { id, waitSec }: { id: string; waitSec: number }): Promise<void> {
  await sql`update core.agent_runs set publish_retry_at = now() + make_interval(secs => ${waitSec}) where id = ${id}`.execute(db);
}

export async function getRun(db: Db | Tx, id: string): Promise<Run | undefined> {
  const run = await db.selectFrom('core.agentRuns').selectAll().where('id', '=', id).executeTakeFirst();
  return run as Run | undefined; // the check constraint holds the statuses
}
