import type { ControlFinding } from '@codex-k8s/domain';
import { sql } from 'kysely';
import { asJson } from './json.ts';
import type { Db } from './store.ts';

/** What a worker last found in the cluster its agents run in. */
export interface ClusterControls {
  readonly checkedAt: Date;
  readonly findings: readonly ControlFinding[];
}

const key = 'cluster.controls';

export async function saveClusterControls(db: Db, findings: readonly ControlFinding[]): Promise<void> {
  await db
    .insertInto('core.systemSettings')
    .values({ key, value: asJson({ findings }) })
    .onConflict((conflict) => conflict.column('key').doUpdateSet({ value: asJson({ findings }), updatedAt: sql<Date>`now()` }))
    .execute();
}

/** Undefined: nobody has looked within the last `maxAgeSec` seconds, so nothing is known. */
export async function readClusterControls(db: Db, { maxAgeSec }: { maxAgeSec: number }): Promise<ClusterControls | undefined> {
  const row = await db
    .selectFrom('core.systemSettings')
    .select(['value', 'updatedAt'])
    .where('key', '=', key)
    .where('updatedAt', '>', sql<Date>`now() - make_interval(secs => ${maxAgeSec})`)
    .executeTakeFirst();
  if (!row) return undefined;
  const { findings } = row.value as unknown as { findings: ControlFinding[] }; // written above only
  return { checkedAt: row.updatedAt, findings };
}
