import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';

export interface PostBytes {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

export interface Answer {
  readonly status: number;
  readonly body: string;
}

/**
 * Posts bytes to one server over connections that are kept. Fetch costs four times as much here: its streams and header objects serve callers
 * who read bodies piece by piece. A kept connection may have been closed by the other side just now, so what finds one closed is sent again;
 * only for requests that may be repeated.
 */
export function createPostBytes(baseUrl: string, { timeoutMs }: { timeoutMs: number }): (input: PostBytes) => Promise<Answer> {
  const isSecure = baseUrl.startsWith('https:');
  const agent = isSecure ? new HttpsAgent({ keepAlive: true }) : new HttpAgent({ keepAlive: true });
  const request = isSecure ? httpsRequest : httpRequest;
  const { protocol, hostname, port } = new URL(baseUrl);

  function post({ path, headers, body }: PostBytes): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const sent = request({
        protocol,
        hostname,
        port,
        path,
        method: 'POST',
        agent,
        timeout: timeoutMs,
        headers: { ...headers, 'content-length': body.length },
      });
      sent.once('timeout', () => sent.destroy(new Error(`no answer within ${timeoutMs} ms`)));
      sent.once('response', (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.once('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }));
        response.once('error', reject);
      });
      sent.once('error', (error: NodeJS.ErrnoException) => {
        if (sent.reusedSocket && error.code === 'ECONNRESET') resolve(post({ path, headers, body }));
        else reject(error);
      });
      sent.end(body);
    });
  }
  return post;
}
