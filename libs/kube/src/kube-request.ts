/**
 * One request as JSON, for the pages over the cluster. The typed clients drop fields they do not know, and a page that shows an object must
 * not hide what a newer cluster holds in it.
 */
import { AppError } from '@codex-k8s/domain';
import { HttpMethod, IsomorphicFetchHttpLibrary, RequestContext } from '@kubernetes/client-node';
import type { Kube } from './client.ts';
import { refusal, translateKubeError } from './errors.ts';

export interface KubeRequest {
  /** Stands before the message of a failure: `Pod shop/web-1`. */
  readonly what: string;
  readonly path: string;
  readonly method?: 'GET' | 'PATCH' | 'DELETE';
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly body?: object;
  readonly accept?: string;
  readonly contentType?: string;
  /** The API server's own words stay out of the failure: they may quote what was sent or stored. */
  readonly isSecret?: boolean;
}

const withinMs = 15_000;

export async function askKube(kube: Kube, request: KubeRequest): Promise<string> {
  const { status, text } = await send(kube, request).catch((error: unknown) => {
    throw request.isSecret
      ? new AppError('kube.unavailable', `${request.what}: the API server does not answer.`)
      : translateKubeError(error, request.what);
  });
  if (status >= 200 && status < 300) return text;
  throw refusal({ status, body: text, what: request.what, isSecret: request.isSecret ?? false });
}

export async function askKubeJson(kube: Kube, request: KubeRequest): Promise<unknown> {
  return JSON.parse(await askKube(kube, request));
}

async function send(
  { config }: Kube,
  { path, method = 'GET', query = {}, body, accept, contentType }: KubeRequest,
): Promise<{ status: number; text: string }> {
  const server = config.getCurrentCluster()?.server ?? '';
  const context = new RequestContext(`${server.replace(/\/$/, '')}${path}`, HttpMethod[method]);
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== '') context.setQueryParam(name, String(value));
  }
  context.setHeaderParam('Accept', accept ?? 'application/json');
  if (body) {
    context.setHeaderParam('Content-Type', contentType ?? 'application/json');
    context.setBody(JSON.stringify(body));
  }
  context.setSignal(AbortSignal.timeout(withinMs));
  await config.applySecurityAuthentication(context);
  const answer = await new IsomorphicFetchHttpLibrary().send(context).toPromise();
  return { status: answer.httpStatusCode, text: await answer.body.text() };
}
