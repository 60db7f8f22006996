/**
 * Claiming pending runs: one, two and four workers empty a backlog of many projects through the store's own claim, beside pgbench taking rows of
 * the same table with `for update skip locked` and no limits to keep.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { migrate, openStore } from '@codex-k8s/store';
import { startPostgres } from '@codex-k8s/testkit';
import { median, perSecond, ratio, table } from '../figures.ts';
import { describeMachine } from '../machine.ts';
import { runPgbench } from '../pgbench.ts';
import { pathOf } from '../processes.ts';
import { backlog, claimable, fill, problemsOf } from './backlog.ts';

const workerCounts = [1, 2, 4];
const rounds = 3;
const rawClaim = `
update core.agent_runs set lease_owner = 'raw', lease_until = now() + interval '1 hour', attempt = attempt + 1, updated_at = now()
where id = (select id from core.agent_runs where status = 'pending' and lease_until is null order by created_at for update skip locked limit 1);`;

await using stack = new AsyncDisposableStack();
const postgres = await startPostgres([]); // durable, as a deployment has it
stack.defer(() => postgres.stop());
console.log(`## Claims\n\n${describeMachine(postgres.binDir)}\n`);
const store = stack.use(openStore(postgres.url, { poolSize: 1 }));
await migrate(store);

interface Claimer {
  readonly isReady: Promise<unknown>;
  /** Ids it claimed. */
  claim(): Promise<string[]>;
}

function startClaimer(owner: string): Claimer {
  const child = spawn(process.execPath, [pathOf('bench/claims/claimer.ts'), JSON.stringify({ url: postgres.url, owner, claimable })], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface(child.stdout);
  const failed = once(child, 'exit').then(([code]) => Promise.reject(new Error(`a claimer ended with ${String(code)}`)));
  failed.catch(() => undefined); // it ends well after its last line
  const nextLine = async (): Promise<string> => String((await Promise.race([once(lines, 'line'), failed]))[0]);
  return {
    isReady: nextLine(),
    claim: async () => {
      child.stdin.write('go\n');
      return JSON.parse(await nextLine()) as string[]; // printed by claimer.ts
    },
  };
}

/** Claims per second of so many workers together. */
async function measure(workers: number): Promise<number> {
  await fill(postgres.url, store);
  const claimers = Array.from({ length: workers }, (_, n) => startClaimer(`worker-${n + 1}`));
  await Promise.all(claimers.map(({ isReady }) => isReady));
  const startAt = performance.now();
  const claimed = (await Promise.all(claimers.map(({ claim }) => claim()))).flat();
  const elapsedSec = (performance.now() - startAt) / 1000;
  for (const problem of await problemsOf(postgres.url, claimed)) {
    console.error(`${workers} workers: ${problem}`);
    process.exitCode = 1;
  }
  return claimed.length / elapsedSec;
}

async function measureRaw(workers: number): Promise<number> {
  await fill(postgres.url, store);
  return runPgbench(rawClaim, { ...postgres, connections: workers, for: { transactionsEach: claimable / workers } });
}

const rates = new Map(workerCounts.map((workers) => [workers, { claims: [] as number[], raw: [] as number[] }]));
for (let round = 0; round < rounds; round += 1) {
  for (const [workers, { claims, raw }] of rates) {
    claims.push(await measure(workers));
    raw.push(await measureRaw(workers));
  }
}
const { projects, limits, pending } = backlog;
console.log(
  `${claimable} claims of ${projects * (pending.dev + pending.km)} pending runs; ${projects} projects with ${limits.project} slots each, ` +
    `${limits.roles.dev} of dev and ${limits.roles.km} of km; median of ${rounds} rounds\n`,
);
const single = median(rates.get(1)?.claims ?? []);
console.log(
  table(
    ['workers', 'claims', 'of one worker', '`update … skip locked` by pgbench', 'of it'],
    [...rates].map(([workers, { claims, raw }]) => [
      String(workers),
      perSecond(median(claims)),
      ratio(median(claims), single),
      perSecond(median(raw)),
      ratio(median(claims), median(raw)),
    ]),
  ),
);
console.log('');
