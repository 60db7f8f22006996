/**
 * The run queue. A claim takes two statements in one transaction (reference stack §5: one statement would count in an old snapshot and break
 * the limit): first the slot row is locked, then the running ones are counted and the run is claimed. A claimed run has a lease and a new
 * attempt number; the attempt is the fence, no older process can change the run after that. A lost worker's runs become claimable or
 * adoptable when the lease ends. Rejected: a table of jobs beside the runs, which would be a second place for the same fact.
 */
import { sql } from 'kysely';
import type { Run } from './runs.ts';
import type { Db, Tx } from './store.ts';

export interface ClaimInput {
  readonly owner: string;
  readonly leaseSec: number;
  /** Slots of a project that sets no limit of its own. */
  readonly slotsPerProject: number;
}

/**
 * Claims pending runs, the oldest first, as long as their projects and roles have room; others keep their place and get a `pending_reason`.
 * What to claim is listed once for several claims, since a list costs as much as a claim; each claim counts again by itself.
 */
export async function* claimPendingRuns(db: Db, input: ClaimInput): AsyncGenerator<Run, void> {
  let isAny: boolean;
  do {
    isAny = false;
    for (const candidate of await listClaimable(db, input.slotsPerProject)) {
      const run = await claim(db, candidate, input);
      if (!run) continue;
      isAny = true;
      yield run;
    }
  } while (isAny);
}

/** Undefined: another worker has it, or there is no room any more. */
async function claim(db: Db, { id, projectId, slots }: Claimable, { owner, leaseSec }: ClaimInput): Promise<Run | undefined> {
  return db.transaction().execute(async (tx) => {
    if (!(await lockPending(tx, id))) return undefined;
    const slot = await lockFreeSlot(tx, { projectId, slots });
    if (slot === undefined) {
      await explainPending(tx, id, 'project_limit');
      return undefined;
    }
    return claimInto(tx, { id, projectId, slot, owner, leaseSec });
  });
}

interface Claimable {
  readonly id: string;
  readonly projectId: string;
  readonly slots: number;
}

/** Of each project and role: more than one, so that workers which claim at once do not all try the same run and then believe there is none. */
const candidatesEach = 8;

/**
 * The oldest runs of each project and role that have room, so that a full project or role does not hide the others behind it (NFR-009). What has no room now is
 * left out and told why, or each claim would try every full project before the first one with room. That is a look without locks: the claim
 * itself counts again.
 */
async function listClaimable(db: Db, slotsPerProject: number): Promise<Claimable[]> {
  const { rows } = await sql<Claimable>`/* prepared */
    with projects as materialized (
      select id, coalesce((settings ->> 'max_parallel_runs')::int, ${slotsPerProject}::int) as slots from core.projects
    ), taken as materialized (
      select p.id as project_id, count(*) as slots from core.slots s join projects p on p.id = s.project_id
      where s.state <> 'free' and s.lease_until > now() and s.slot_no <= p.slots
      group by p.id
    ), candidates as (
      select * from (
        select r.id, r.project_id, r.agent_key, r.created_at, p.slots, coalesce((r.policy ->> 'max_parallel_runs')::int, 1) as role_limit,
          row_number() over (partition by r.project_id, r.agent_key order by r.created_at) as place
        from core.agent_runs r join projects p on p.id = r.project_id
        where r.status = 'pending' and (r.retry_at is null or r.retry_at <= now()) and (r.lease_until is null or r.lease_until < now())
      ) waiting where place <= ${candidatesEach}
    ), busy as materialized (
      select project_id, agent_key, count(*) as runs from core.agent_runs
      where status in ('running', 'waiting_mcp') or (status = 'pending' and lease_until > now())
      group by project_id, agent_key
    ), judged as (
      select c.id, c.project_id, c.slots, c.created_at, c.place, case
        when coalesce(t.slots, 0) + c.place > c.slots then 'project_limit'
        when coalesce(b.runs, 0) + c.place > c.role_limit then 'role_limit' end as blocked_by
      from candidates c left join taken t using (project_id) left join busy b using (project_id, agent_key)
    ), explained as (
      update core.agent_runs r set pending_reason = x.blocked_by
      from (select o.id, j.blocked_by from core.agent_runs o join judged j on j.id = o.id
            where j.blocked_by is not null and j.place = 1 and o.status = 'pending' and o.pending_reason is distinct from j.blocked_by
            for no key update of o skip locked) x
      where r.id = x.id
    )
    select id, project_id, slots from judged where blocked_by is null order by place, created_at limit 50`.execute(db);
  return rows;
}

/** False: another worker is claiming this run or has it. A claim whose worker died may still hold a slot for it, which is freed. */
async function lockPending(tx: Tx, id: string): Promise<boolean> {
  const { rows } = await sql`/* prepared */
    with locked as (
      select id from core.agent_runs where id = ${id} and status = 'pending' and (lease_until is null or lease_until < now())
      for no key update skip locked
    ), freed as (
      update core.slots s set state = 'free', run_id = null from locked where s.run_id = locked.id and s.lease_until < now()
    )
    select id from locked`.execute(tx);
  return rows.length > 0;
}

async function lockFreeSlot(tx: Tx, place: { projectId: string; slots: number }): Promise<number | undefined> {
  return (await takeFreeSlot(tx, place)) ?? ((await addSlots(tx, place)) ? takeFreeSlot(tx, place) : undefined);
}

async function takeFreeSlot(tx: Tx, { projectId, slots }: { projectId: string; slots: number }): Promise<number | undefined> {
  const { rows } = await sql<{ slotNo: number }>`/* prepared */
    select slot_no from core.slots where project_id = ${projectId} and slot_no <= ${slots} and state = 'free'
    order by slot_no for update skip locked limit 1`.execute(tx);
  return rows[0]?.slotNo;
}

/** False: all slots of the project were there already. */
async function addSlots(tx: Tx, { projectId, slots }: { projectId: string; slots: number }): Promise<boolean> {
  const { numAffectedRows } = await sql`/* prepared */
    insert into core.slots (project_id, slot_no) select ${projectId}, n from generate_series(1, ${slots}::int) n
    on conflict (project_id, slot_no) do nothing`.execute(tx);
  return (numAffectedRows ?? 0n) > 0n;
}

interface ClaimInto {
  readonly id: string;
  readonly projectId: string;
  readonly slot: number;
  readonly owner: string;
  readonly leaseSec: number;
}

async function claimInto(tx: Tx, { id, projectId, slot, owner, leaseSec }: ClaimInto): Promise<Run | undefined> {
  // The count must see what others have committed, and no two claims of a role may count at once, whatever slot they hold.
  await sql`select pg_advisory_xact_lock(hashtextextended('role-limit:' || ${projectId} || agent_key, 0)) from core.agent_runs where id = ${id}`.execute(
    tx,
  );
  const { rows } = await sql<Run & { hasRoom: boolean }>`
    with candidate as (
      select r.id, (select count(*) from core.agent_runs o
                    where o.project_id = r.project_id and o.agent_key = r.agent_key and o.id <> r.id
                      and (o.status in ('running', 'waiting_mcp') or (o.status = 'pending' and o.lease_until > now())))
                   < coalesce((r.policy ->> 'max_parallel_runs')::int, 1) as has_room
      from core.agent_runs r
      where r.id = ${id} and r.status = 'pending' and (r.lease_until is null or r.lease_until < now())
      for update
    ), claimed as (
      update core.agent_runs r set lease_owner = ${owner}, lease_until = now() + make_interval(secs => ${leaseSec}),
        attempt = r.attempt + 1, pending_reason = null, attempt_result = null, updated_at = now()
      from candidate c where r.id = c.id and c.has_room
      returning r.*
    ), leased as (
      update core.slots s set state = 'leased', run_id = claimed.id, lease_owner = ${owner}, lease_until = claimed.lease_until,
        fence = s.fence + 1, updated_at = now()
      from claimed where s.project_id = ${projectId} and s.slot_no = ${slot}
    ), explained as (
      update core.agent_runs r set pending_reason = 'role_limit'
      from candidate c where r.id = c.id and not c.has_room and r.pending_reason is distinct from 'role_limit'
    )
    select * from claimed`.execute(tx);
  return rows[0];
}

async function explainPending(tx: Tx, id: string, reason: string): Promise<void> {
  await sql`update core.agent_runs set pending_reason = ${reason} where id = ${id} and status = 'pending' and pending_reason is distinct from ${reason}`.execute(
    tx,
  );
}

/** Extends the leases of this owner's runs when a third of their time is over; returns the ids of those. */
export async function renewLeases(db: Db, { owner, leaseSec }: { owner: string; leaseSec: number }): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    with renewed as (
      update core.agent_runs set lease_until = now() + make_interval(secs => ${leaseSec})
      where lease_owner = ${owner} and status in ('running', 'waiting_mcp') and lease_until < now() + make_interval(secs => ${(leaseSec * 2) / 3})
      returning id, lease_until
    ), slots as (
      update core.slots s set lease_until = renewed.lease_until from renewed where s.run_id = renewed.id
    )
    select id from renewed`.execute(db);
  return rows.map(({ id }) => id);
}

/** Takes over started runs whose worker no longer renews the lease. */
export async function adoptRuns(db: Db, { owner, leaseSec }: { owner: string; leaseSec: number }): Promise<Run[]> {
  const { rows } = await sql<Run>`
    update core.agent_runs set lease_owner = ${owner}, lease_until = now() + make_interval(secs => ${leaseSec})
    where id in (select id from core.agent_runs where status in ('running', 'waiting_mcp') and (lease_until is null or lease_until < now())
                 order by lease_until limit 100 for update skip locked)
    returning *`.execute(db);
  return rows;
}

/** Started runs of this owner. */
export async function listOwnRuns(db: Db, owner: string): Promise<Pick<Run, 'id'>[]> {
  return db
    .selectFrom('core.agentRuns')
    .select('id')
    .where('leaseOwner', '=', owner)
    .where('status', 'in', ['running', 'waiting_mcp'])
    .execute();
}

/** `silentSec`: since the last sign of life, or since the attempt began. */
export type WatchedRun = Pick<Run, 'id' | 'correlationId' | 'attempt' | 'retryAt'> & { readonly silentSec: number };

/** Of this owner's started runs those whose attempt has to be looked at: it has not ended, and nothing of it was put off until later. */
export async function listWatchedRuns(db: Db, owner: string): Promise<WatchedRun[]> {
  const { rows } = await sql<WatchedRun>`
    select id, correlation_id, attempt, retry_at, extract(epoch from now() - coalesce(heartbeat_at, updated_at))::float8 as silent_sec
    from core.agent_runs
    where lease_owner = ${owner} and status in ('running', 'waiting_mcp') and attempt_result is null and (retry_at is null or retry_at <= now())
    order by created_at`.execute(db);
  return rows;
}

/** Begins the next attempt of a started run whose process was lost. Undefined: another worker has it, or it is over. */
export async function nextAttempt(
  db: Db,
  { id, owner, attempt, isLoss, hasResult = false }: { id: string; owner: string; attempt: number; isLoss: boolean; hasResult?: boolean },
): Promise<Run | undefined> {
  const { rows } = await sql<Run>`
    update core.agent_runs set attempt = attempt + 1, losses = losses + ${isLoss ? 1 : 0}, attempt_result = null, heartbeat_at = null,
      retry_at = null, updated_at = now()
    where id = ${id} and lease_owner = ${owner} and attempt = ${attempt} and status in ('running', 'waiting_mcp')
      and (attempt_result is not null) = ${hasResult}
    returning *`.execute(db);
  return rows[0];
}

/** Frees the slots of runs that no longer work. Returns how many. */
export async function releaseSlots(db: Db): Promise<number> {
  const result = await sql`
    update core.slots s set state = 'free', run_id = null, lease_owner = null, lease_until = null, updated_at = now()
    where s.state <> 'free' and not exists (
      select from core.agent_runs r where r.id = s.run_id
        and (r.status in ('running', 'waiting_mcp') or (r.status = 'pending' and r.lease_until > now())))`.execute(db);
  return Number(result.numAffectedRows ?? 0n);
}

/** Gives up this owner's leases, so that another worker may adopt its runs at once. */
export async function releaseLeases(db: Db, owner: string): Promise<void> {
  await sql`update core.agent_runs set lease_until = now() where lease_owner = ${owner} and status in ('pending', 'running', 'waiting_mcp')`.execute(
    db,
  );
}

/** Lets a claim go that could not be launched, with its slot; the run waits until `retryInSec` from now. */
export async function postponeClaim(
  db: Db,
  { id, attempt, retryInSec }: { id: string; attempt: number; retryInSec: number },
): Promise<void> {
  await sql`
    with postponed as (
      update core.agent_runs set lease_owner = null, lease_until = null, pending_reason = 'retry_later',
        retry_at = now() + make_interval(secs => ${retryInSec}), updated_at = now()
      where id = ${id} and attempt = ${attempt} and status = 'pending'
      returning id
    )
    update core.slots s set state = 'free', run_id = null, lease_owner = null, lease_until = null, updated_at = now()
    from postponed p where s.run_id = p.id`.execute(db);
}
