import { parseArgs } from 'node:util';
import { z } from 'zod';

export const help = `trial-agent: a small agent for the codex-k8s trial; it speaks the OpenAI Responses API.

Usage: trial-agent exec --session FILE --cwd DIR --model M --base-url URL --mcp-url URL [options] < PROMPT

  --session FILE          JSON lines; what happens is recorded there before it has an effect
  --cwd DIR               where commands run
  --model M               model name for the endpoint
  --base-url URL          model endpoint, ending in /v1
  --mcp-url URL           the run's MCP server (streamable HTTP)
  --resume                go on with the session; with an empty prompt the interrupted turn is continued
  --max-turns N           most requests to the model in this turn (default 200)
  --reasoning-effort E    passed to the model

Environment: CODEXK8S_MODEL_API_KEY (optional), CODEXK8S_RUN_TOKEN (for MCP). Commands of the model see neither in their environment.
Output: JSON lines as of "codex exec --json". Exit code: 0 when the turn was completed, 1 when it failed, 2 for wrong usage.
`;

export class UsageError extends Error {
  override readonly name = 'UsageError';
}

const Options = z.object({
  session: z.string().min(1),
  cwd: z.string().min(1),
  model: z.string().min(1),
  'base-url': z.url(),
  'mcp-url': z.url(),
  resume: z.boolean().default(false),
  'max-turns': z.coerce.number().int().positive().default(200),
  'reasoning-effort': z.string().min(1).optional(),
});
export type Options = z.infer<typeof Options>;

/** Undefined: help was asked for. Throws UsageError. */
export function readArguments(args: readonly string[]): Options | undefined {
  const option = { type: 'string' } as const;
  let parsed: ReturnType<typeof parse>;
  function parse() {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        session: option,
        cwd: option,
        model: option,
        'base-url': option,
        'mcp-url': option,
        'max-turns': option,
        'reasoning-effort': option,
        resume: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    });
  }
  try {
    parsed = parse();
  } catch (cause) {
    throw new UsageError(cause instanceof Error ? cause.message : String(cause), { cause });
  }
  if (parsed.values.help) return undefined;
  if (parsed.positionals.join(' ') !== 'exec') throw new UsageError('The command is: trial-agent exec');
  const result = Options.safeParse(parsed.values);
  if (result.success) return result.data;
  throw new UsageError(result.error.issues.map(({ path, message }) => `--${path.join('.')}: ${message}`).join('\n'));
}

export const environment: Readonly<Record<string, string | undefined>> = process.env;
