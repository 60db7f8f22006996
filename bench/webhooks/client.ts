/**
 * Sends deliveries, in a process of its own so that nothing else runs on its event loop. Closed loop: each connection sends the next one
 * when it has its answer. Open loop: one is sent when its time has come, whether or not earlier ones are answered, and its latency counts
 * from the time it was due, so a stall is charged to every delivery that it held up.
 */
import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { deliveriesFrom, type SignedDelivery } from './deliveries.ts';
import type { Load, Outcome } from './load.ts';
import { openConnection, renderPost } from './plain-http.ts';

async function sendClosed({ url, connections }: { url: string; connections: number }, queue: SignedDelivery[]): Promise<Outcome> {
  const requests = queue.map((delivery) => renderPost(url, delivery));
  const opened = await Promise.all(Array.from({ length: connections }, () => openConnection(url)));
  const seen = recorder();
  await Promise.all(
    opened.map(async ({ send, close }) => {
      for (let request = requests.pop(); request; request = requests.pop()) {
        const sentAt = performance.now();
        const status = await send(request);
        seen.add(status, performance.now() - sentAt);
        if (status === 0) break; // what is left goes over the other connections
      }
      close();
    }),
  );
  return seen.outcome();
}

async function sendOpen({ url, perSecond }: { url: string; perSecond: number }, queue: SignedDelivery[]): Promise<Outcome> {
  const seen = recorder();
  const agent = new Agent({ keepAlive: true });
  const startAt = performance.now();
  const answers: Promise<void>[] = [];
  for (const [index, delivery] of queue.entries()) {
    const dueAt = startAt + (index * 1000) / perSecond;
    while (performance.now() < dueAt) await sleep(Math.max(1, Math.floor(dueAt - performance.now())));
    answers.push(post({ url, agent, delivery }).then((status) => seen.add(status, performance.now() - dueAt)));
  }
  await Promise.all(answers);
  agent.destroy();
  return seen.outcome();
}

/** The status of the answer once it was read to its end; 0 when there was none. */
function post({ url, agent, delivery: { headers, body } }: { url: string; agent: Agent; delivery: SignedDelivery }): Promise<number> {
  return new Promise((resolve) => {
    const sent = request(url, { method: 'POST', agent, headers: { ...headers, 'content-length': body.length } }, (answer) => {
      answer.once('end', () => resolve(answer.statusCode ?? 0));
      answer.once('error', () => resolve(0));
      answer.resume();
    });
    sent.once('error', () => resolve(0));
    sent.end(body);
  });
}

function recorder(): { add(status: number, latencyMs: number): void; outcome(): Outcome } {
  const startAt = performance.now();
  let lastAt = startAt;
  const statuses: Record<number, number> = {};
  const latenciesMs: number[] = [];
  return {
    add: (status, latencyMs) => {
      lastAt = performance.now();
      statuses[status] = (statuses[status] ?? 0) + 1;
      latenciesMs.push(Math.round(latencyMs * 1000) / 1000);
    },
    outcome: () => ({ statuses, latenciesMs, elapsedMs: lastAt - startAt }),
  };
}

const load = JSON.parse(process.argv[2] ?? '') as Load; // written by main.ts
const { url, count, loop } = load;
const next = deliveriesFrom(load.firstIssue, load);
const queue = Array.from({ length: count }, next);
const outcome =
  'connections' in loop ? await sendClosed({ url, connections: loop.connections }, queue) : await sendOpen({ url, ...loop }, queue);
console.log(JSON.stringify(outcome));
