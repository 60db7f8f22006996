import { sql, type Selectable } from 'kysely';
import { asJson } from './json.ts';
import type { Run } from './runs.ts';
import type { Db, Tx } from './store.ts';
import type { AuditAgentSessions } from './tables.gen.ts';

export type AgentSession = Selectable<AuditAgentSessions>;

/** Opens the session row of a run; repeating it changes nothing. */
export async function openSession(db: Db | Tx, run: Run): Promise<void> {
  await db
    .insertInto('audit.agentSessions')
    .values({
      runId: run.id,
      correlationId: run.correlationId,
      projectId: run.projectId,
      repositoryFullName: run.repositoryFullName,
      issueNumber: run.issueNumber,
      branchName: run.branch,
      prNumber: run.prNumber,
      prUrl: run.prUrl,
      agentKey: run.agentKey,
      triggerKind: run.triggerKind,
      program: run.program,
      model: run.model,
      reasoningEffort: run.reasoningEffort,
    })
    .onConflict((conflict) => conflict.column('runId').doNothing())
    .execute();
}

export async function getSession(db: Db | Tx, runId: string): Promise<AgentSession | undefined> {
  return db.selectFrom('audit.agentSessions').selectAll().where('runId', '=', runId).executeTakeFirst();
}

/** The newest session of the same agent on the same branch that took at least one turn: what a revise continues (FR-036). */
export async function findSessionToContinue(
  db: Db,
  {
    repositoryFullName,
    branch,
    agentKey,
    exceptRunId,
  }: { repositoryFullName: string; branch: string; agentKey: string; exceptRunId: string },
): Promise<AgentSession | undefined> {
  return db
    .selectFrom('audit.agentSessions')
    .selectAll()
    .where('repositoryFullName', '=', repositoryFullName)
    .where('branchName', '=', branch)
    .where('agentKey', '=', agentKey)
    .where('runId', '!=', exceptRunId)
    .where('turns', '>', 0)
    .where('snapshot', 'is not', null)
    .orderBy('createdAt', 'desc')
    .limit(1)
    .executeTakeFirst();
}

export interface SessionSnapshot {
  readonly runId: string;
  readonly attempt: number;
  readonly program: string;
  readonly turns: number;
  readonly sessionId?: string | undefined;
  readonly snapshot?: string | undefined;
  readonly resumeOutcome?: 'fresh' | 'resumed' | 'rebuilt' | 'lost' | undefined;
}

/** Keeps the newest snapshot (NFR-013). An older attempt's snapshot does not replace a newer one's. */
export async function saveSession(
  db: Db | Tx,
  { runId, attempt, program, turns, sessionId, snapshot, resumeOutcome }: SessionSnapshot,
): Promise<boolean> {
  const result = await db
    .updateTable('audit.agentSessions')
    .set({
      attempt,
      program,
      turns,
      ...(sessionId !== undefined && { sessionId }),
      ...(snapshot !== undefined && { snapshot, snapshotAt: sql<Date>`now()` }),
      ...(resumeOutcome !== undefined && { lastResume: resumeOutcome }),
      lastHeartbeatAt: sql<Date>`now()`,
      updatedAt: sql<Date>`now()`,
    })
    .where('runId', '=', runId)
    .where('attempt', '<=', attempt)
    .executeTakeFirst();
  return result.numUpdatedRows > 0n;
}

export interface PromptSource {
  readonly runId: string;
  readonly kind: string;
  readonly source: string;
  readonly locale: string;
  readonly hash: string;
  readonly prompt: string;
}

/** Pins the prompt of a run: whatever templates or issues change later, every attempt says the same. Returns the pinned one. */
export async function pinPrompt(
  db: Db,
  { runId, kind, source, locale, hash, prompt }: PromptSource,
): Promise<{ prompt: string; isNew: boolean }> {
  const updated = await db
    .updateTable('audit.agentSessions')
    .set({
      templateKind: kind,
      templateSource: source,
      templateLocale: locale,
      templateHash: hash,
      sessionJson: sql<string>`session_json || ${asJson({ prompt })}`,
    })
    .where('runId', '=', runId)
    .where('templateHash', 'is', null)
    .executeTakeFirst();
  if (updated.numUpdatedRows > 0n) return { prompt, isNew: true };
  const { rows } = await sql<{
    prompt: string;
  }>`select session_json ->> 'prompt' as prompt from audit.agent_sessions where run_id = ${runId}`.execute(db);
  return { prompt: rows[0]?.prompt ?? prompt, isNew: false };
}

/** Tokens of an attempt so far; the figure is cumulative, so it replaces the one before. */
export async function saveTokenUsage(
  db: Db,
  {
    runId,
    attempt,
    sessionId,
    model,
    inputTokens,
    outputTokens,
  }: { runId: string; attempt: number; sessionId?: string | undefined; model: string; inputTokens: number; outputTokens: number },
): Promise<void> {
  const values = { runId, attempt, sessionId: sessionId ?? null, model, promptTokens: inputTokens, completionTokens: outputTokens };
  await db
    .insertInto('audit.tokenUsage')
    .values(values)
    .onConflict((conflict) =>
      conflict
        .columns(['runId', 'attempt', 'model'])
        .doUpdateSet({ promptTokens: inputTokens, completionTokens: outputTokens, updatedAt: sql<Date>`now()` }),
    )
    .execute();
}

/** Tokens of the whole run. An attempt that resumed a session reports the session's total, so the largest counts, not the sum. */
export async function sumTokenUsage(db: Db, runId: string): Promise<{ input: number; output: number } | undefined> {
  const { rows } = await sql<{ input: number | null; output: number | null }>`
    select max(prompt_tokens) as input, max(completion_tokens) as output from audit.token_usage where run_id = ${runId}`.execute(db);
  const [row] = rows;
  return row && row.input !== null ? { input: row.input, output: row.output ?? 0 } : undefined;
}
