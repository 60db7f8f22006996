import { finalStatuses, runMoves, type ActorRef, type ErrorCode, type RunMove, type RunStatus, type StageRecord } from '@codex-k8s/domain';
import { sql, type Insertable, type Selectable, type Updateable } from 'kysely';
import { asJson } from './json.ts';
import type { Db, Tx } from './store.ts';
import type { CoreAgentRuns } from './tables.gen.ts';

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
export async function createRunOnce(tx: Tx, run: NewRun): Promise<CreatedRun | undefined> {
  const { rows } = await sql<CreatedRun>`/* prepared */
    with created as (
      insert into core.agent_runs (correlation_id, parent_run_id, project_id, repository_id, repository_full_name, agent_id, agent_key, program,
        model, reasoning_effort, scripted, run_kind, trigger_kind, trigger_label, triggered_by, issue_number, issue_title, issue_url, pr_number,
        pr_url, head_sha, base_branch, branch, learning_mode, run_payload, policy)
      values (${run.correlationId}, ${run.parentRunId ?? null}, ${run.projectId}, ${run.repositoryId}, ${run.repositoryFullName}, ${run.agentId},
        ${run.agentKey}, ${run.program}, ${run.model}, ${run.reasoningEffort}, ${run.scripted ?? false}, ${run.runKind}, ${run.triggerKind},
        ${run.triggerLabel ?? null}, ${run.triggeredBy}, ${run.issueNumber ?? null}, ${run.issueTitle ?? null}, ${run.issueUrl ?? null},
        ${run.prNumber ?? null}, ${run.prUrl ?? null}, ${run.headSha ?? null}, ${run.baseBranch}, ${run.branch}, ${run.learningMode ?? false},
        ${asJson(run.payload)}, ${asJson(run.policy)})
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
      select correlation_id, id, project_id, ${run.actor.type}, ${run.actor.id}, 'run.enqueued',
        jsonb_build_object('trigger_kind', trigger_kind, 'agent_key', agent_key, 'trigger_label', trigger_label) from created
      returning correlation_id, run_id, project_id, actor_type, actor_id
    )${run.stage === undefined ? sql`` : sql`, ${enterStage(run.stage, run.profile)}`}
    select id, correlation_id, agent_key, run_kind, trigger_kind, attempt from created`.execute(tx);
  return rows[0];
}

/** Puts the issue of the `created` run into a stage; reads `enqueued`, so that its event comes second. */
function enterStage(stage: StageRecord['stage'], profile: string) {
  return sql`before as (
      select jsonb_build_object('from', jsonb_build_object('stage', s.stage, 'status', s.status)) as payload
      from core.issue_stages s join created c on s.repository_id = c.repository_id and s.issue_number = c.issue_number
    ), staged as (
      insert into core.issue_stages (repository_id, issue_number, profile, stage, status, active_run_id)
      select repository_id, issue_number, ${profile}, ${stage}, 'in_progress', id from created
      on conflict (repository_id, issue_number) do update set stage = excluded.stage, status = excluded.status,
        active_run_id = excluded.active_run_id, updated_at = now()
    ), entered as (
      insert into audit.flow_events (correlation_id, run_id, project_id, actor_type, actor_id, event_type, payload)
      select e.correlation_id, e.run_id, e.project_id, e.actor_type, e.actor_id, 'stage.transition',
        jsonb_build_object('to', jsonb_build_object('stage', ${stage}::text, 'status', 'in_progress'), 'issue_number', c.issue_number)
          || coalesce((select payload from before), '{}')
      from enqueued e join created c on c.id = e.run_id
    )`;
}

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
  start: { startedAt: sql<Date>`coalesce(started_at, now())`, pendingReason: null, retryAt: null },
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

export async function getRun(db: Db | Tx, id: string): Promise<Run | undefined> {
  const run = await db.selectFrom('core.agentRuns').selectAll().where('id', '=', id).executeTakeFirst();
  return run as Run | undefined; // the check constraint holds the statuses
}
