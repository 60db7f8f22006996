import { randomUUID } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { AppError } from '@codex-k8s/domain';
import { z } from 'zod';
import { type AgentAdapter, jsonLines, type SessionContent, type SessionFile } from './agent-adapter.ts';

const Meta = z.object({ type: z.literal('session_meta'), id: z.string().regex(/^[A-Za-z0-9-]{1,64}$/) });
const UserItem = z.object({
  type: z.literal('item'),
  item: z.object({ role: z.literal('user'), content: z.array(z.object({ text: z.string() })) }),
});
const UsageLine = z.object({ type: z.literal('usage'), input_tokens: z.number(), output_tokens: z.number() });

/** The trial's own agent: one session file per run, always at the same place. `path` is its main.ts. */
export function trialAdapter(path: string | undefined): AgentAdapter {
  return {
    program: 'trial',
    continueText: '',
    prepare: async ({ home, workspace, spec, modelBaseUrl, resume }) => {
      if (path === undefined) throw new AppError('run.agent_unavailable', 'CODEXK8S_TRIAL_AGENT_PATH is not set.');
      const session = resume?.path ?? join(home, 'sessions', `${randomUUID()}.jsonl`);
      await mkdir(dirname(session), { recursive: true });
      await writeFile(pointer(home), session);
      const effort = spec.reasoning_effort === '' ? [] : ['--reasoning-effort', spec.reasoning_effort];
      const where = [
        '--session',
        session,
        '--cwd',
        workspace,
        '--model',
        spec.model,
        '--base-url',
        modelBaseUrl,
        '--mcp-url',
        spec.mcp_url,
      ];
      return { file: process.execPath, args: [path, 'exec', ...where, ...effort, ...(resume ? ['--resume'] : [])], env: {} };
    },
    findSession: async (home, sessionId) => {
      const file = await readFile(pointer(home), 'utf8').catch(() => undefined);
      const text = file === undefined ? undefined : await readFile(file, 'utf8').catch(() => undefined);
      const id = text === undefined ? undefined : idOf(text);
      return file === undefined || id === undefined || (sessionId !== undefined && sessionId !== id) ? undefined : { id, path: file };
    },
    restoreSession: async (home, snapshot) => {
      const id = idOf(snapshot);
      if (id === undefined) throw new AppError('run.session_lost', 'The stored session is none of the trial agent.');
      const file: SessionFile = { id, path: join(home, 'sessions', `${id}.jsonl`) };
      await mkdir(dirname(file.path), { recursive: true });
      await writeFile(file.path, snapshot.endsWith('\n') ? snapshot : `${snapshot}\n`);
      await writeFile(pointer(home), file.path);
      return file;
    },
    readSession,
  };
}

/** Names the session file in use. */
function pointer(home: string): string {
  return join(home, 'sessions', 'current');
}

function idOf(text: string): string | undefined {
  return Meta.safeParse(jsonLines(text.slice(0, text.indexOf('\n') + 1))[0]).data?.id;
}

function readSession(text: string): SessionContent {
  const lines = jsonLines(text);
  const usage = lines.flatMap((line) => UsageLine.safeParse(line).data ?? []);
  return {
    said: lines.flatMap(
      (line) =>
        UserItem.safeParse(line)
          .data?.item.content.map((part) => part.text)
          .join('\n') ?? [],
    ),
    isTurnComplete: lines.at(-1)?.['type'] === 'turn_completed',
    usage: {
      input_tokens: usage.reduce((sum, line) => sum + line.input_tokens, 0),
      output_tokens: usage.reduce((sum, line) => sum + line.output_tokens, 0),
    },
  };
}
