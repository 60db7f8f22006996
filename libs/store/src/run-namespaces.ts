/** Namespaces of full-env runs: who may work in which, and which may go (FR-012, reference §5.3). */
import { sql, type Selectable } from 'kysely';
import type { Run } from './runs.ts';
import type { Db } from './store.ts';
import type { CoreRunNamespaces } from './tables.gen.ts';

export type RunNamespace = Selectable<CoreRunNamespaces>;

export interface NamespaceLease {
  readonly run: Pick<Run, 'id' | 'projectId' | 'issueNumber' | 'agentKey'>;
  /** For a new one; an agent that has worked on the issue before goes on where it was. */
  readonly name: string;
  readonly ttlSec: number;
}

/** The namespace the run works in from now on. Repeating it for the same run is harmless. */
export async function leaseRunNamespace(db: Db, { run, name, ttlSec }: NamespaceLease): Promise<RunNamespace> {
  const { id, projectId, issueNumber, agentKey } = run;
  const subject = issueNumber === null ? `run/${id}` : `issue/${issueNumber}`;
  const { rows } = await sql<RunNamespace>`
    insert into core.run_namespaces (name, project_id, subject, agent_key, run_id, ttl_sec)
    values (${name}, ${projectId}, ${subject}, ${agentKey}, ${id}, ${ttlSec})
    on conflict (project_id, subject, agent_key) where deleting_at is null
      do update set run_id = excluded.run_id, ttl_sec = excluded.ttl_sec, leased_at = now()
    returning *`.execute(db);
  const [row] = rows;
  if (!row) throw new Error(`no row of namespace ${name}`); // inserted or updated
  return row;
}

/** What the cluster made under this name. */
export async function recordNamespaceUid(db: Db, { name, uid }: { name: string; uid: string }): Promise<void> {
  await db.updateTable('core.runNamespaces').set({ uid }).where('name', '=', name).execute();
}

/**
 * Namespaces nobody may come back to: their run is over, or gone, or has waited for the owner longer than its time to live. Listing them ends
 * their lease, so that no run can get one any more; one that is not forgotten is listed again after `retrySec`.
 */
export async function claimExpiredNamespaces(
  db: Db,
  { keepSec, retrySec, limit }: { keepSec: number; retrySec: number; limit: number },
): Promise<RunNamespace[]> {
  const { rows } = await sql<RunNamespace>`
    update core.run_namespaces set deleting_at = now()
    where name in (
      select n.name from core.run_namespaces n left join core.agent_runs r on r.id = n.run_id
      where case
        when n.deleting_at is not null then n.deleting_at < now() - make_interval(secs => ${retrySec})
        when r.id is null then true
        when r.status in ('pending', 'running', 'waiting_mcp') then false
        when r.status = 'waiting_owner_review' then greatest(n.leased_at, r.wait_since) + make_interval(secs => n.ttl_sec) < now()
        else r.finished_at + make_interval(secs => ${keepSec}) < now()
      end
      order by n.leased_at limit ${limit} for update of n skip locked)
    returning *`.execute(db);
  return rows;
}

/** It is gone from the cluster. */
export async function forgetNamespace(db: Db, name: string): Promise<void> {
  await db.deleteFrom('core.runNamespaces').where('name', '=', name).execute();
}

export async function namespaceOfRun(db: Db, runId: string): Promise<RunNamespace | undefined> {
  return db.selectFrom('core.runNamespaces').selectAll().where('runId', '=', runId).executeTakeFirst();
}
