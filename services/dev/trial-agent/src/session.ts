import { randomUUID } from 'node:crypto';
import { type FileHandle, mkdir, open, readFile, truncate } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import type { Usage } from './events.ts';

/** One item of the Responses API, as it goes into a request. */
export type InputItem = Readonly<Record<string, unknown>>;

const Line = z.discriminatedUnion('type', [
  z.looseObject({ type: z.literal('session_meta'), id: z.string() }),
  z.object({ type: z.literal('item'), item: z.record(z.string(), z.unknown()) }),
  z.object({ type: z.literal('usage'), input_tokens: z.number(), cached_input_tokens: z.number(), output_tokens: z.number() }),
  z.object({ type: z.literal('turn_completed') }),
]);
type Line = z.infer<typeof Line>;

export interface Session {
  readonly id: string;
  readonly items: readonly InputItem[];
  readonly usage: Usage;
  /** The last turn came to its end; nothing is left to continue. */
  readonly isTurnComplete: boolean;
  /** On disk before it returns: an item is recorded before it is acted on. */
  record(line: Exclude<Line, { type: 'session_meta' }>): Promise<void>;
  close(): Promise<void>;
}

const nothing: Usage = { input_tokens: 0, cached_input_tokens: 0, output_tokens: 0 };

/** Begins a session file, or opens one that must be there. Throws when the file is not what was asked for. */
export async function openSession(file: string, resume: boolean): Promise<Session> {
  const lines = resume ? await storedLines(file) : [];
  const handle = await openFile(file, resume);
  const meta = lines[0];
  const id = meta?.type === 'session_meta' ? meta.id : randomUUID();
  const items = lines.flatMap((line) => (line.type === 'item' ? [line.item] : []));
  let usage = lines.reduce((sum, line) => (line.type === 'usage' ? plus(sum, line) : sum), nothing);
  let isTurnComplete = lines.at(-1)?.type === 'turn_completed';
  if (!resume) await append(handle, { type: 'session_meta', id, program: 'trial-agent', created_at: new Date().toISOString() });
  return {
    id,
    items,
    get usage() {
      return usage;
    },
    get isTurnComplete() {
      return isTurnComplete;
    },
    async record(line) {
      await append(handle, line);
      if (line.type === 'item') items.push(line.item);
      if (line.type === 'usage') usage = plus(usage, line);
      isTurnComplete = line.type === 'turn_completed';
    },
    close: () => handle.close(),
  };
}

async function openFile(file: string, resume: boolean): Promise<FileHandle> {
  await mkdir(dirname(file), { recursive: true });
  try {
    return await open(file, resume ? 'a' : 'ax');
  } catch (cause) {
    throw new Error(resume ? `The session file cannot be opened: ${file}` : `A session file is there already (use --resume): ${file}`, {
      cause,
    });
  }
}

/** The whole lines of a session; half a line left by a crash is cut off the file. */
async function storedLines(file: string): Promise<Line[]> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new Error(`There is no session to resume: ${file}`, { cause });
  });
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  if (whole.length < text.length) await truncate(file, Buffer.byteLength(whole));
  const lines = whole
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => Line.parse(JSON.parse(line)));
  if (lines[0]?.type !== 'session_meta') throw new Error(`This is not a session of the trial agent: ${file}`);
  return lines;
}

async function append(handle: FileHandle, line: Readonly<Record<string, unknown>>): Promise<void> {
  await handle.appendFile(`${JSON.stringify(line)}\n`);
  await handle.datasync();
}

function plus(sum: Usage, more: Usage): Usage {
  return {
    input_tokens: sum.input_tokens + more.input_tokens,
    cached_input_tokens: sum.cached_input_tokens + more.cached_input_tokens,
    output_tokens: sum.output_tokens + more.output_tokens,
  };
}
