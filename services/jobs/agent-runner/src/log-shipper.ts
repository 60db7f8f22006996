import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Redactor } from '@codex-k8s/domain';
import type { Logger } from '@codex-k8s/runtime';
import { z } from 'zod';
import type { ControlPlane, LogLine } from './control-plane.ts';

/**
 * Carries redacted log lines to the platform within 200 ms. A batch that cannot be sent at once goes to disk, so an absent control plane
 * costs no memory and a killed runner loses no line: the next attempt in the same folder sends the leftovers first. Order is kept;
 * `seq` makes a repetition harmless. Only the first `limitBytes` of a run's log are kept; how much was left out is said at the end.
 */
export interface LogShipper {
  add(stream: LogLine['stream'], text: string): void;
  /** Waits until everything was delivered, at most this long. True: all of it was. */
  flush(withinMs: number): Promise<boolean>;
  /** Adds the note about what was left out. */
  close(): void;
}

export interface LogShipperOptions {
  readonly controlPlane: Pick<ControlPlane, 'logs'>;
  readonly folder: string;
  readonly redactor: Redactor;
  readonly log: Logger;
  /** Told once when sending ended for good. */
  readonly onFailure: (error: unknown) => void;
  readonly limitBytes?: number;
}

/** Between two batches; a line after a quiet time waits only for those that come with it. */
const batchMs = 150;
const gatherMs = 10;
const batchLines = 500;
const batchBytes = 256 * 1024;
const longestLine = 16_000;
const inMemoryBatches = 4;

const Spooled = z.array(z.object({ stream: z.enum(['agent', 'tool', 'runner', 'stderr']), text: z.string(), at: z.string() }));

type Batch = { readonly seq: number; readonly lines: readonly LogLine[] } | { readonly seq: number; readonly file: string };

export async function startLogShipper(options: LogShipperOptions): Promise<LogShipper> {
  const { controlPlane, folder, redactor, log, onFailure, limitBytes = 10 * 1024 * 1024 } = options;
  const queue: Batch[] = [];
  const startedAt = Date.now(); // keeps the files of attempts apart and in order
  let seq = 0;
  let open: LogLine[] = [];
  let openBytes = 0;
  let keptBytes = 0;
  let droppedBytes = 0;
  let isEnded = false;
  let timer: NodeJS.Timeout | undefined;
  let sealedAt = Number.NEGATIVE_INFINITY;
  let sender: Promise<void> | undefined;
  let sealing: Promise<void> = Promise.resolve();

  function push(line: LogLine): void {
    open.push(line);
    openBytes += line.text.length;
    if (open.length >= batchLines || openBytes >= batchBytes) seal();
    else timer ??= setTimeout(seal, Math.max(gatherMs, sealedAt + batchMs - performance.now()));
  }

  function seal(): void {
    clearTimeout(timer);
    timer = undefined;
    if (open.length === 0) return;
    sealedAt = performance.now();
    const batch = { seq: (seq += 1), lines: open };
    open = [];
    openBytes = 0;
    sealing = sealing.then(() => enqueue(batch));
  }

  async function enqueue(batch: { seq: number; lines: readonly LogLine[] }): Promise<void> {
    if (isEnded) return;
    if (queue.length < inMemoryBatches) queue.push(batch);
    else queue.push(await spooled(batch));
    sender ??= send();
  }

  async function spooled(batch: { seq: number; lines: readonly LogLine[] }): Promise<Batch> {
    const file = join(folder, `${startedAt}-${String(batch.seq).padStart(8, '0')}.json`);
    try {
      await writeFile(file, JSON.stringify(batch.lines), { mode: 0o600 });
      return { seq: batch.seq, file };
    } catch (error) {
      log.warn({ err: error }, 'a log batch cannot be written to disk');
      return batch; // bounded by the limit of the whole log
    }
  }

  async function send(): Promise<void> {
    try {
      for (let batch = queue[0]; batch && !isEnded; batch = queue[0]) {
        const lines = 'file' in batch ? await unspooled(batch.file) : batch.lines;
        if (lines.length > 0 && !(await controlPlane.logs(batch.seq, lines))) {
          isEnded = true;
          log.info('the platform takes no more log lines of this run');
        }
        if ('file' in batch) await rm(batch.file, { force: true });
        queue.shift();
      }
    } catch (error) {
      isEnded = true;
      onFailure(error);
    } finally {
      sender = undefined;
    }
  }

  // A line that is redacted or cut here cannot leave the process in another form.
  function add(stream: LogLine['stream'], text: string): void {
    const at = new Date().toISOString();
    for (const line of redactor.redact(text).split(/\r?\n/)) {
      for (let start = 0; start === 0 || start < line.length; start += longestLine) {
        const part = line.slice(start, start + longestLine);
        if (keptBytes + part.length > limitBytes) droppedBytes += part.length + 1;
        else {
          keptBytes += part.length + 1;
          push({ stream, text: part, at });
        }
      }
    }
  }

  const left = (await readdir(folder)).filter((name) => /^\d+-\d+\.json$/.test(name)).sort();
  for (const name of left) queue.push({ seq: (seq += 1), file: join(folder, name) });
  if (left.length > 0) sender = send();

  return {
    add,
    close: () => {
      if (droppedBytes > 0) {
        const text = `The log of this run is full: ${droppedBytes} bytes were left out.`;
        push({ stream: 'runner', text, at: new Date().toISOString() });
      }
      seal();
    },
    flush: async (withinMs) => {
      seal();
      const all = sealing.then(() => sender);
      let deadline: NodeJS.Timeout | undefined;
      const late = new Promise<void>((resolve) => {
        deadline = setTimeout(resolve, withinMs);
      });
      await Promise.race([all, late]);
      clearTimeout(deadline);
      return queue.length === 0;
    },
  };
}

/** Nothing for a file that was half written when its runner was killed. */
async function unspooled(file: string): Promise<LogLine[]> {
  try {
    return Spooled.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch {
    return [];
  }
}
