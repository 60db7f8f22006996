/**
 * A runner sends its own log. One that never spoke, because its image, its settings or its node are wrong, leaves what it said with the cluster,
 * which forgets it with the pod: so the end of it is stored before the pod goes.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { createRedactor } from '@codex-k8s/domain';
import { appendClusterLog, isSilent, type LogLine, type Run } from '@codex-k8s/store';
import type { PrintedLine } from './agent-runtime.ts';
import { tokenOfRepository, type Context } from './context.ts';

const mostLines = 200;
const mostBytes = 64 * 1024;
/** As the control plane has it by default; a tail is small beside it. */
const mostBytesOfRun = 16 * 1024 * 1024;
/** A node that is gone does not answer, and other runs wait behind this one. */
const withinMs = 3_000;

/** Once per attempt, and only when its runner sent nothing. Never fails: the end of an attempt does not wait for its log. */
export async function keepPodLog(context: Context, run: Pick<Run, 'id' | 'attempt' | 'correlationId' | 'repositoryId'>): Promise<void> {
  const { store, runtime, log } = context;
  const { id: runId, attempt } = run;
  try {
    if (attempt === 0 || !(await isSilent(store.db, { runId, attempt }))) return;
    const tail = runtime.readTail({ runId, attempt }, { lines: mostLines });
    const printed = await Promise.race([tail, sleep(withinMs, 'late' as const, { ref: false })]);
    if (printed === 'late') log.warn({ runId, attempt }, 'the cluster does not give the log of a pod in time');
    if (printed === 'late' || printed.length === 0) return;
    const lines = linesOf(printed, { attempt, secrets: await secretsOf(context, run) });
    await appendClusterLog(store.db, { runId, attempt, lines, maxBytes: mostBytesOfRun });
  } catch (err) {
    log.warn({ runId, attempt, correlationId: run.correlationId, err }, 'the log of a pod could not be kept');
  }
}

/** The run token is not known here any more; as a JWT it is taken out by its shape. */
async function secretsOf(context: Context, run: Pick<Run, 'repositoryId'>): Promise<string[]> {
  const known = [context.config.modelApiKey, await tokenOfRepository(context, run)];
  return known.filter((secret) => secret !== undefined);
}

function linesOf(printed: readonly PrintedLine[], { attempt, secrets }: { attempt: number; secrets: readonly string[] }): LogLine[] {
  // Whole, so that a value over several lines is found too.
  const text = createRedactor(secrets).redact(printed.map((line) => line.text).join('\n'));
  const texts = text.replaceAll('\0', '\uFFFD').split('\n'); // PostgreSQL stores no NUL
  const now = new Date();
  const lines = texts.map((line, n) => ({ stream: 'cluster', text: line, at: (printed[n]?.at ?? now).toISOString() }));
  const kept = lastBytes(lines);
  const note = `The runner of attempt ${attempt} sent no log. The cluster has this of its container, at most the last ${mostLines} lines:`;
  return [{ stream: 'cluster', text: note, at: kept[0]?.at ?? now.toISOString() }, ...kept];
}

/** The last lines that fit; of a last line that does not, its end. */
function lastBytes(lines: readonly LogLine[]): LogLine[] {
  const kept: LogLine[] = [];
  let room = mostBytes;
  for (const line of lines.toReversed()) {
    const text = Buffer.from(line.text);
    room -= text.length;
    if (room < 0 && kept.length > 0) break;
    kept.unshift(room < 0 ? { ...line, text: text.subarray(-mostBytes).toString() } : line);
  }
  return kept;
}
