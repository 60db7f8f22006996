import { startTestServer, type CallOptions, type TestServer } from '../../services/dev/github-server/src/test-support.ts';
import { readDescription, type Description } from './openapi.ts';

export interface Expectation extends CallOptions {
  readonly body?: unknown;
  /** The status that must come. */
  readonly status: number;
}

/** Calls the development server and collects every difference from GitHub's description. */
export interface Conformance extends AsyncDisposable {
  readonly test: TestServer;
  /** A path below the demo repository, or any other after `^`. Answers the body. */
  call(method: string, path: string, expected: Expectation): Promise<any>; // oxlint-disable-line typescript/no-explicit-any -- read freely
  /** Everything found so far. */
  readonly problems: readonly string[];
  /** Routes no successful call went to. */
  notExercised(): string[];
  /** Routes GitHub does not have. */
  notAtGithub(): string[];
}

export async function startConformance(): Promise<Conformance> {
  const test = await startTestServer();
  const description = readDescription();
  const problems: string[] = [];
  const exercised = new Set<string>();
  const routes = test.server.routes.map(routeOf);

  async function call(method: string, path: string, { status, body, ...options }: Expectation): Promise<unknown> {
    const plain = (path.startsWith('^') ? path.slice(1) : `/repos/ada/demo${path}`).split('?')[0] ?? '';
    const answer = await test.api(method, path, body, options);
    const place = `${method} ${plain}`;
    if (answer.status !== status) problems.push(`${place}: ${answer.status} instead of ${status}: ${answer.text.slice(0, 300)}`);
    checkAnswer(description, problems, { method, plain, status: answer.status, sent: body, got: answer.body, text: answer.text, place });
    const route = bestRoute(routes, method, plain);
    if (route && answer.status < 400) exercised.add(route);
    return answer.body;
  }

  return {
    test,
    call,
    problems,
    notExercised: () => test.server.routes.filter((route) => !exercised.has(route)),
    notAtGithub: () =>
      routes.filter(({ method, sample }) => description.operationOf(method, sample) === undefined).map(({ route }) => route),
    [Symbol.asyncDispose]: () => test[Symbol.asyncDispose](),
  };
}

interface Checked {
  readonly method: string;
  readonly plain: string;
  readonly status: number;
  readonly sent: unknown;
  readonly got: unknown;
  readonly text: string;
  readonly place: string;
}

function checkAnswer(description: Description, problems: string[], { method, plain, status, sent, got, text, place }: Checked): void {
  const operation = description.operationOf(method, plain);
  if (operation === undefined) {
    problems.push(`${place}: GitHub has no such operation`);
    return;
  }
  const isJson = got !== undefined || text === '';
  if (isJson) problems.push(...description.problems(operation, status, got).map((problem) => `${place} ${status}: ${problem}`));
  if (status < 300 && sent !== undefined) {
    problems.push(...description.requestProblems(operation, sent).map((problem) => `${place}: our own request: ${problem}`));
  }
}

interface Served {
  readonly route: string;
  readonly method: string;
  readonly pattern: RegExp;
  readonly rank: number;
  /** An address of this route. */
  readonly sample: string;
}

function routeOf(route: string): Served {
  const [method = '', path = ''] = route.split(' ');
  const pattern = new RegExp(`^${path.replaceAll(/:\w+/g, '[^/]+').replaceAll('*', '.+')}$`);
  const rank = path.split('/').filter((segment) => segment !== '*' && !segment.startsWith(':')).length;
  return { route, method, pattern, rank, sample: path.replaceAll(/:\w+|\*/g, 'x') };
}

function bestRoute(routes: readonly Served[], method: string, path: string): string | undefined {
  const matching = routes.filter((served) => served.method === method && served.pattern.test(path));
  return matching.toSorted((a, b) => b.rank - a.rank)[0]?.route;
}
