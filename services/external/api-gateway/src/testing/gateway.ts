/** The gateway between a control plane and a GitHub that are tiny servers of the test. */
import { createHash, createHmac } from 'node:crypto';
import type { Delivery, DeliveryAnswer } from '@codex-k8s/contracts/internal';
import { readAttached, splitBytes } from '@codex-k8s/http';
import { createLogger, readConfig } from '@codex-k8s/runtime';
import { createMetrics, type Metrics } from '@codex-k8s/runtime/metrics';
import type { FastifyInstance, LightMyRequestResponse } from 'fastify';
import { issueSession, sessionCookie } from '../app/sessions.ts';
import { Config } from '../config.ts';
import { createApp } from '../service.ts';
import { tinyServer, type Answer, type Asked, type TinyServer } from './tiny-server.ts';

export const publicUrl = 'https://codexk8s.example';
export const owner = {
  id: '5e1f7a52-6a4f-4d3c-9d3e-2f4f5b1f0a11',
  email: 'owner@demo.example',
  github_login: 'demo-owner',
  is_platform_admin: true,
  is_platform_owner: true,
};

const webhookSecret = 'a webhook secret of a test';
const internalToken = 'internal-token-of-a-test-0123456789';
const clientSecret = 'client secret';

export interface FakeGithub {
  emails: { email: string; primary: boolean; verified: boolean }[];
  /** What `/login/oauth/authorize` was given: the challenge that the code of the test stands for. */
  challenge: string;
}

export interface TestGateway extends AsyncDisposable {
  readonly app: FastifyInstance;
  readonly config: Config;
  readonly metrics: Metrics;
  readonly controlPlane: TinyServer;
  readonly github: TinyServer & FakeGithub;
  /** Lines of its log. */
  readonly lines: readonly string[];
  /** Answers of the control plane by path, instead of the usual ones. */
  readonly answers: Map<string, Answer>;
  /** What the control plane decides on deliveries by their id, instead of ignoring them. */
  readonly decisions: Map<string, DeliveryAnswer>;
  deliver(delivery?: SentDelivery): Promise<LightMyRequestResponse>;
  /** The cookie header of a person who signed in `agoSec` ago. */
  cookieOf(session?: { agoSec?: number; ttlSec?: number }): Promise<string>;
}

export interface SentDelivery {
  readonly body?: string;
  readonly event?: string;
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly remoteAddress?: string;
}

export async function startTestGateway(env: Readonly<Record<string, string>> = {}): Promise<TestGateway> {
  await using stack = new AsyncDisposableStack();
  const answers = new Map<string, Answer>();
  const decisions = new Map<string, DeliveryAnswer>();
  const controlPlane = stack.use(
    await tinyServer((request) => answers.get(pathOf(request)) ?? decided(decisions, request) ?? usualAnswer(request)),
  );
  const fake: FakeGithub = { emails: [{ email: owner.email, primary: true, verified: true }], challenge: '' };
  const github = stack.use(await tinyServer((request) => githubAnswer(fake, request)));
  const config = readConfig(Config, {
    CODEXK8S_CONTROL_PLANE_URL: controlPlane.url,
    CODEXK8S_INTERNAL_API_TOKEN: internalToken,
    CODEXK8S_PUBLIC_BASE_URL: publicUrl,
    CODEXK8S_GITHUB_WEBHOOK_SECRET: webhookSecret,
    CODEXK8S_JWT_SIGNING_KEY: 'jwt-key-of-a-test-0123456789-0123456789',
    CODEXK8S_GITHUB_OAUTH_CLIENT_ID: 'client',
    CODEXK8S_GITHUB_OAUTH_CLIENT_SECRET: clientSecret,
    CODEXK8S_GITHUB_OAUTH_AUTHORIZE_URL: `${github.url}/login/oauth/authorize`,
    CODEXK8S_GITHUB_OAUTH_TOKEN_URL: `${github.url}/login/oauth/access_token`,
    CODEXK8S_GITHUB_BASE_URL: github.url,
    ...env,
  });
  const lines: string[] = [];
  const log = createLogger({ service: 'test', level: 'info', destination: { write: (line) => lines.push(line) } });
  const metrics = createMetrics('test');
  const app = await createApp({ config, log, metrics });
  stack.defer(() => app.close());
  const running = stack.move();
  return {
    app,
    config,
    metrics,
    controlPlane,
    github: Object.assign(fake, { url: github.url, asked: github.asked, [Symbol.asyncDispose]: () => github[Symbol.asyncDispose]() }),
    lines,
    answers,
    decisions,
    deliver: ({ body = '{"zen":"Design for failure."}', event = 'ping', headers = {}, remoteAddress } = {}) =>
      app.inject({
        method: 'POST',
        url: '/api/v1/webhooks/github',
        payload: body,
        headers: definedOf({
          'content-type': 'application/json',
          'x-github-event': event,
          'x-github-delivery': '72d3162e-cc78-11e3-81ab-4c9367dc0958',
          'x-hub-signature-256': sign(body),
          ...headers,
        }),
        ...(remoteAddress !== undefined && { remoteAddress }),
      }),
    cookieOf: async ({ agoSec = 0, ttlSec = config.jwtTtlSec } = {}) => {
      const signedInAt = Math.floor(Date.now() / 1000) - agoSec;
      return `${sessionCookie}=${await issueSession({ ...config, jwtTtlSec: ttlSec }, { user: owner, signedInAt })}`;
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

export function sign(body: string): string {
  return `sha256=${createHmac('sha256', webhookSecret).update(body).digest('hex')}`;
}

function definedOf(headers: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
}

function pathOf({ path }: Asked): string {
  return path.split('?')[0] ?? '';
}

function usualAnswer(request: Asked): Answer {
  const isGateway = request.headers.authorization === `Bearer ${internalToken}`;
  switch (pathOf(request)) {
    case '/readyz':
      return { body: { status: 'ok' } };
    case '/internal/v1/auth/github':
    case `/internal/v1/auth/users/${owner.id}`:
      return isGateway ? { body: owner } : unauthorized;
    default:
      return { body: { path: request.path } };
  }
}

/** What a request brings to the control plane, with each body. */
export function deliveriesIn(bytes: Buffer): (Delivery & { body: Buffer })[] {
  const { head, attached } = readAttached(bytes);
  const { deliveries } = head as { deliveries: readonly Delivery[] }; // as the contract has it
  const bodies = splitBytes(
    attached,
    deliveries.map(({ size }) => size),
  );
  return deliveries.map((delivery, n) => ({ ...delivery, body: bodies[n] ?? Buffer.alloc(0) }));
}

/** The answer of the control plane to each delivery of a request. */
function decided(decisions: ReadonlyMap<string, DeliveryAnswer>, request: Asked): Answer | undefined {
  if (pathOf(request) !== '/internal/v1/events/github') return undefined;
  if (request.headers.authorization !== `Bearer ${internalToken}`) return unauthorized;
  const usual: DeliveryAnswer = { status: 202, body: { status: 'ignored', reason: 'unknown_event' } };
  return { body: { answers: deliveriesIn(request.bytes).map(({ delivery_id: id }) => decisions.get(id) ?? usual) } };
}

const unauthorized: Answer = { status: 401, body: { code: 'auth.unauthorized', message: 'The service token is not valid.' } };

/** GitHub's side of the web flow: a code is worth a token for whoever knows the verifier of its challenge. */
function githubAnswer(fake: FakeGithub, request: Asked): Answer {
  const isUser = request.headers.authorization === 'Bearer gho_of_the_test';
  switch (pathOf(request)) {
    case '/login/oauth/access_token': {
      const form = new URLSearchParams(request.body);
      const challenge = createHash('sha256')
        .update(form.get('code_verifier') ?? '')
        .digest('base64url');
      const isRight = challenge === fake.challenge && form.get('code') === 'the-code' && form.get('client_secret') === clientSecret;
      return isRight
        ? { body: { access_token: 'gho_of_the_test', token_type: 'bearer', scope: 'read:user,user:email' } }
        : { status: 400, body: { error: 'bad_verification_code' } };
    }
    case '/user':
      return isUser ? { body: { id: 4711, login: 'demo-owner' } } : { status: 401, body: {} };
    case '/user/emails':
      return isUser ? { body: fake.emails } : { status: 401, body: {} };
    default:
      return { status: 404, body: {} };
  }
}
