import type { Config } from './config.ts';

type Environment = Readonly<Record<string, string | undefined>>;

const ordinary = ['PATH', 'LANG', 'LC_ALL', 'LC_CTYPE', 'TZ', 'TERM', 'SHELL', 'USER', 'LOGNAME'];
const network = [
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'NO_PROXY',
  'http_proxy',
  'https_proxy',
  'no_proxy',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
  'NODE_EXTRA_CA_CERTS',
];

function pick(environment: Environment, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.flatMap((name) => (environment[name] === undefined ? [] : [[name, environment[name]]])));
}

/** What git needs of the runner's environment. */
export function gitEnvironment(environment: Environment): Record<string, string> {
  return pick(environment, [...ordinary, ...network]);
}

export interface AgentSetup {
  readonly config: Config;
  readonly home: string;
  /** Opens the tools of this attempt and nothing else; the runner's own token would open the work order with its Git token. */
  readonly mcpToken: string;
}

/** Where the image keeps what Node.js made of our sources: the trial agent's are among them. */
const compiled = ['NODE_COMPILE_CACHE'];

/** Nothing but a list reaches the agent: what a future version adds to the runner's environment stays here unless it is named. No Git token. */
export function agentEnvironment(environment: Environment, { config, home, mcpToken }: AgentSetup): Record<string, string> {
  return {
    ...pick(environment, [...ordinary, ...network, ...compiled]),
    HOME: home,
    TMPDIR: `${home}/tmp`,
    // These two mark every process of the run for the worker and for the next attempt.
    CODEXK8S_RUN_ID: config.runId,
    CODEXK8S_RUN_DIR: config.runDir,
    CODEXK8S_CORRELATION_ID: config.correlationId,
    CODEXK8S_RUN_TOKEN: mcpToken,
    ...(config.modelApiKey && { CODEXK8S_MODEL_API_KEY: config.modelApiKey.reveal() }),
    ...(config.agentKubeconfig !== undefined && { KUBECONFIG: config.agentKubeconfig }),
    GIT_TERMINAL_PROMPT: '0',
  };
}
