import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { describeError, errorCodes } from '@codex-k8s/domain';
import { shutdownSignal } from '@codex-k8s/runtime';
import { canOfferCodex, chooseAgent } from './choose-agent.ts';
import { startPlatform, type Platform } from './platform.ts';

const help = `Starts the whole platform on this machine: gateway, control plane, worker, a development GitHub and a scripted model.

  --port N        first of five ports (default: the first free block from 8080; 0: whichever are free)
  --data-dir DIR  where everything is kept (default .codexk8s)
  --reset         forget everything that was kept
  --agent NAME    trial (default) or codex
  --json          print one line of JSON when ready
  --log-level L   trace, debug, info, warn (default), error
`;

const { values } = parseArgs({
  options: {
    port: { type: 'string' },
    'data-dir': { type: 'string', default: '.codexk8s' },
    reset: { type: 'boolean', default: false },
    agent: { type: 'string', default: 'trial' },
    json: { type: 'boolean', default: false },
    'log-level': { type: 'string', default: process.env['CODEXK8S_LOG_LEVEL'] ?? 'warn' },
    help: { type: 'boolean', default: false },
  },
});

function printReady({ consoleUrl, apiUrl, githubUrl, adminToken, githubToken, agent }: Platform): void {
  if (values.json) {
    console.log(
      JSON.stringify({
        console_url: consoleUrl,
        api_url: apiUrl,
        github_url: githubUrl,
        admin_token: adminToken,
        github_token: githubToken,
        pid: process.pid,
      }),
    );
    return;
  }
  const offer = agent.program === 'trial' && canOfferCodex(process.env) ? '\n  codex is installed: start with --agent codex to use it' : '';
  console.log(`
  Open      ${consoleUrl}
  GitHub    ${githubUrl} (a development server with a demo repository)
  Agent     ${agent.program}, ${agent.scripted ? 'answered by the scripted model, not by an AI' : `${agent.model} at ${agent.baseUrl}`}${offer}
  Data      ${resolve(values['data-dir'])} (kept; --reset forgets it)

  Agents run as plain processes of this machine: not isolated. Ctrl-C stops everything.
`);
}

/** With --json the error object of the API, on one line. */
function printError(error: unknown): void {
  const { code, message } = describeError(error);
  const { remedy } = errorCodes[code];
  if (code === 'internal') console.error(error);
  if (values.json) console.error(JSON.stringify({ code, message, remedy }));
  else if (code !== 'internal') console.error(`${message}\n${remedy}`);
}

/** The whole stop takes less than five seconds, whatever hangs. */
const stopWithinMs = 4_800;

async function run(): Promise<void> {
  if (values.agent !== 'trial' && values.agent !== 'codex') throw new Error('--agent must be trial or codex');
  const wanted = values.agent;
  const stopping = shutdownSignal();
  const platform = await startPlatform({
    dataDir: resolve(values['data-dir']),
    port: values.port === undefined ? undefined : Number(values.port),
    reset: values.reset,
    logLevel: values['log-level'],
    environment: process.env,
    chooseAgent: (scriptedUrl) => chooseAgent(wanted, { environment: process.env, scriptedUrl }),
  });
  printReady(platform);
  await stopping;
  setTimeout(() => process.exit(1), stopWithinMs).unref();
  await platform[Symbol.asyncDispose]();
}

if (values.help) {
  console.log(help);
} else {
  try {
    await run();
    process.exit(0);
  } catch (error) {
    printError(error);
    process.exit(1);
  }
}
