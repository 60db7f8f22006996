import { sql } from 'kysely';
import type { Db } from './store.ts';

export interface TemplateOverride {
  readonly scopeType: 'project' | 'global';
  readonly locale: string;
  readonly bodyMarkdown: string;
  readonly version: number;
}

/** Active overrides for a role and kind, a project's before global ones (FR-030, reference §10.3). */
export async function findTemplateOverrides(
  db: Db,
  { projectId, roleKey, kind }: { projectId: string; roleKey: string; kind: 'work' | 'review' },
): Promise<TemplateOverride[]> {
  const { rows } = await sql<TemplateOverride>`
    select scope_type, locale, body_markdown, version from core.prompt_templates
    where is_active and role_key = ${roleKey} and template_kind = ${kind} and (scope_type = 'global' or scope_id = ${projectId})
    order by scope_type desc`.execute(db);
  return rows;
}

export async function getSystemSetting(db: Db, key: string): Promise<unknown> {
  const row = await db.selectFrom('core.systemSettings').select('value').where('key', '=', key).executeTakeFirst();
  return row?.value;
}

/** Relates two things people navigate between (FR-033); repeating it is harmless. */
export async function addLink(
  db: Db,
  {
    source,
    target,
    type,
  }: { source: readonly [string, string]; target: readonly [string, string]; type: 'references' | 'implements' | 'supersedes' },
): Promise<void> {
  await db
    .insertInto('audit.links')
    .values({ sourceType: source[0], sourceId: source[1], targetType: target[0], targetId: target[1], linkType: type })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}
