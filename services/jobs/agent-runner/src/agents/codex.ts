import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '@codex-k8s/domain';
import { z } from 'zod';
import { type AgentAdapter, type AgentStart, jsonLines, type SessionContent, type SessionFile } from './agent-adapter.ts';

const Meta = z.object({ type: z.literal('session_meta'), payload: z.object({ id: z.string().regex(/^[A-Za-z0-9-]{1,64}$/) }) });
const UserItem = z.object({
  type: z.literal('response_item'),
  payload: z.object({ type: z.literal('message'), role: z.literal('user'), content: z.array(z.object({ text: z.string().default('') })) }),
});
const Event = z.object({
  type: z.literal('event_msg'),
  payload: z.object({
    type: z.string(),
    info: z.object({ total_token_usage: z.object({ input_tokens: z.number(), output_tokens: z.number() }) }).nullish(),
  }),
});

/** OpenAI's Codex, `codex exec`. `path`: the program, or its JavaScript launcher. */
export function codexAdapter(path: string): AgentAdapter {
  return {
    program: 'codex',
    continueText: 'Continue the task where you were interrupted.',
    prepare: async ({ home, spec, modelBaseUrl, hasModelKey, resume }) => {
      await mkdir(codexHome(home), { recursive: true });
      await writeFile(join(codexHome(home), 'config.toml'), codexConfig(spec, modelBaseUrl, hasModelKey));
      const options = ['--json', '--skip-git-repo-check'];
      const args = resume ? ['exec', 'resume', ...options, resume.id, '-'] : ['exec', ...options, '-'];
      const isScript = /\.[cm]?js$/.test(path);
      return { file: isScript ? process.execPath : path, args: isScript ? [path, ...args] : args, env: { CODEX_HOME: codexHome(home) } };
    },
    findSession: async (home, sessionId) => {
      const files = await rollouts(join(codexHome(home), 'sessions'));
      const wanted = sessionId === undefined ? files : files.filter(({ path }) => path.endsWith(`-${sessionId}.jsonl`));
      const newest = wanted.sort((a, b) => b.modifiedMs - a.modifiedMs)[0];
      const id = newest && idOf(await readFile(newest.path, 'utf8'));
      return newest && id !== undefined ? { id, path: newest.path } : undefined;
    },
    restoreSession: async (home, snapshot) => {
      const id = idOf(snapshot);
      if (id === undefined) throw new AppError('run.session_lost', 'The stored session is none of Codex.');
      const now = new Date().toISOString();
      const folder = join(codexHome(home), 'sessions', ...now.slice(0, 10).split('-'));
      const file: SessionFile = { id, path: join(folder, `rollout-${now.slice(0, 19).replaceAll(':', '-')}-${id}.jsonl`) };
      await mkdir(folder, { recursive: true });
      await writeFile(file.path, snapshot.endsWith('\n') ? snapshot : `${snapshot}\n`);
      return file;
    },
    readSession,
  };
}

function codexHome(home: string): string {
  return join(home, '.codex');
}

/** The container is the sandbox: Codex' own would keep it from committing. JSON strings are TOML strings. */
function codexConfig({ model, reasoning_effort, mcp_url }: AgentStart['spec'], modelBaseUrl: string, hasModelKey: boolean): string {
  const text = (value: string): string => JSON.stringify(value);
  return `model = ${text(model)}
model_provider = "codex_k8s"
approval_policy = "never"
sandbox_mode = "danger-full-access"
check_for_update_on_startup = false
${reasoning_effort === '' ? '' : `model_reasoning_effort = ${text(reasoning_effort)}\n`}
[analytics]
enabled = false

[features]
plugins = false
unbounded_connection_retries = false

[shell_environment_policy]
inherit = "all"
ignore_default_excludes = false
include_only = ["PATH", "HOME", "TMPDIR", "LANG", "LC_*", "TZ", "TERM", "USER", "SHELL", "LOGNAME", "GIT_*", "CODEXK8S_RUN_ID", "CODEXK8S_RUN_DIR", "CODEXK8S_CORRELATION_ID"]

[model_providers.codex_k8s]
name = "codex-k8s"
base_url = ${text(modelBaseUrl)}
${hasModelKey ? 'env_key = "CODEXK8S_MODEL_API_KEY"\n' : ''}wire_api = "responses"
request_max_retries = 4
stream_max_retries = 4

[mcp_servers.codex_k8s]
url = ${text(mcp_url)}
bearer_token_env_var = "CODEXK8S_RUN_TOKEN"
startup_timeout_sec = 20
tool_timeout_sec = 86400
required = true
default_tools_approval_mode = "approve"
`;
}

async function rollouts(folder: string): Promise<{ path: string; modifiedMs: number }[]> {
  const names = await readdir(folder, { recursive: true }).catch(() => []);
  const files = names.filter((name) => /rollout-[^/]*\.jsonl$/.test(name)).map((name) => join(folder, name));
  return Promise.all(files.map(async (path) => ({ path, modifiedMs: (await stat(path)).mtimeMs })));
}

function idOf(text: string): string | undefined {
  return Meta.safeParse(jsonLines(text.slice(0, text.indexOf('\n') + 1))[0]).data?.payload.id;
}

function readSession(text: string): SessionContent {
  const lines = jsonLines(text);
  const events = lines.flatMap((line) => Event.safeParse(line).data?.payload ?? []);
  const turns = events.filter(({ type }) => /^(?:task|turn)_(?:started|complete|aborted)/.test(type));
  const totals = events.flatMap(({ info }) => info?.total_token_usage ?? []).at(-1);
  const said = lines.flatMap(
    (line) =>
      UserItem.safeParse(line)
        .data?.payload.content.map((part) => part.text)
        .join('\n') ?? [],
  );
  return {
    said: said.filter((text) => !/^\s*<[a-z_-]+>/i.test(text)), // contexts that Codex adds by itself
    isTurnComplete: /_complete/.test(turns.at(-1)?.type ?? ''),
    usage: totals && { input_tokens: totals.input_tokens, output_tokens: totals.output_tokens },
  };
}
