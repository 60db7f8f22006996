import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import type { Certificates } from './certificates.ts';
import { apiUrl, type Layout } from './layout.ts';

export interface ApiAnswer {
  /** 0 when nobody answered. */
  readonly status: number;
  readonly body: string;
}

interface Ask {
  readonly method?: 'GET' | 'PATCH';
  /** Applied server-side. */
  readonly body?: object;
}

/** One request as the cluster's admin. The harness needs no more of a client than this. */
export function askApi(layout: Layout, certificates: Certificates, path: string, { method = 'GET', body }: Ask = {}): Promise<ApiAnswer> {
  const { certificate, key } = certificates.pair('admin');
  return new Promise((resolve) => {
    const asked = request(
      `${apiUrl(layout)}${path}`,
      {
        method,
        ca: readFileSync(certificates.authority),
        cert: readFileSync(certificate),
        key: readFileSync(key),
        timeout: 5_000,
        headers: body === undefined ? {} : { 'content-type': 'application/apply-patch+yaml' },
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part: string) => (text += part));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body: text }));
      },
    );
    asked.on('timeout', () => asked.destroy());
    asked.on('error', () => resolve({ status: 0, body: '' }));
    asked.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

/** Server-side apply; throws what the API said when it refuses. */
export async function applyObject(layout: Layout, certificates: Certificates, path: string, object: object): Promise<void> {
  const { status, body } = await askApi(layout, certificates, `${path}?fieldManager=cluster-harness&force=true`, {
    method: 'PATCH',
    body: object,
  });
  if (status < 200 || status > 299) throw new Error(`${path} could not be applied: ${status} ${body}`);
}
