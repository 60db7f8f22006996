/**
 * `npm test`: what needs neither root nor a server. `npm run test:all`: everything, with a real PostgreSQL, Kubernetes and browser, GitHub's API
 * description and the real agent CLIs. The last line counts all suites: `N passed, N failed, N skipped`.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';

interface Suite {
  readonly name: string;
  /** Of the repository. */
  readonly folder?: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Has a lockfile of its own, since what it needs is too large for the root. */
  readonly install?: boolean;
}

interface Count {
  passed: number;
  failed: number;
  skipped: number;
}

const root = join(import.meta.dirname, '..');
const folder = temporaryFolder();
/** Thousands of small files and many short processes: half of the time would go to the disk's file system and to reading TypeScript again. */
const quick = { TMPDIR: folder, NODE_COMPILE_CACHE: join(folder, 'compile-cache') };
const everywhere: Suite[] = [
  // One worker more than the cores of a small machine: some tests wait for processes of their own.
  { name: 'rules, routes and pages', args: ['--project', 'rule', '--project', 'web', '--maxWorkers=3'], env: quick },
  { name: 'store on PGlite', args: ['--project', 'db'], env: quick },
];
/** Named in the report line, so that a run that failed can be repeated. */
const seed = process.env['CODEXK8S_CHAOS_SEED'] ?? String(Date.now() % 1_000_000);
const points = process.env['CODEXK8S_CHAOS_POINTS'] ?? '200';
const needsMore: Suite[] = [
  { name: 'store on PostgreSQL', args: ['--project', 'db'], env: { CODEXK8S_TEST_ENGINE: 'postgresql' } },
  { name: 'stories', args: ['--project', 'e2e'] },
  {
    name: `${points} times kill -9 (CODEXK8S_CHAOS_SEED=${seed} CODEXK8S_CHAOS_POINTS=${points} npm run test:chaos)`,
    args: ['--project', 'chaos'],
    env: { CODEXK8S_CHAOS_SEED: seed, CODEXK8S_CHAOS_POINTS: points },
  },
  { name: 'a real Kubernetes', args: ['--project', 'kube'] },
  { name: "GitHub's API description", folder: 'tests/github-conformance', args: [], install: true },
  { name: 'agent CLIs', folder: 'tests/agents', args: [], install: true },
];

/** In memory where there is room, without what runs that were killed have left there. */
function temporaryFolder(): string {
  const memory = '/dev/shm';
  const neededBytes = 2 * 1024 ** 3;
  const space = existsSync(memory) ? statfsSync(memory) : undefined;
  const parent = space && space.bavail * space.bsize > neededBytes ? memory : tmpdir();
  const ours = `codexk8s-tests-${userInfo().uid}-`; // the folders of others are theirs to remove
  for (const name of readdirSync(parent).filter((one) => one.startsWith(ours))) {
    if (!isRunning(Number(name.slice(ours.length)))) rmSync(join(parent, name), { recursive: true, force: true });
  }
  const made = join(parent, `${ours}${process.pid}`);
  mkdirSync(made, { mode: 0o700 });
  return made;
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

function run(
  command: string,
  args: readonly string[],
  { cwd, env }: { cwd: string; env?: Readonly<Record<string, string>> | undefined },
): boolean {
  return spawnSync(command, args, { cwd, stdio: 'inherit', env: { ...process.env, ...env } }).status === 0;
}

/** What vitest counted; a suite that could not be read counts as one failure, never as none. */
function readCount(path: string, succeeded: boolean): Count {
  if (!existsSync(path)) return { passed: 0, failed: 1, skipped: 0 };
  const report = JSON.parse(readFileSync(path, 'utf8')) as {
    numPassedTests: number;
    numFailedTests: number;
    numPendingTests: number;
    numTodoTests: number;
  }; // vitest's JSON reporter
  const failed = report.numFailedTests + (succeeded || report.numFailedTests > 0 ? 0 : 1);
  return { passed: report.numPassedTests, failed, skipped: report.numPendingTests + report.numTodoTests };
}

function runSuite({ name, folder = '.', args, env, install = false }: Suite, output: string): Count {
  const startedAt = Date.now();
  const cwd = join(root, folder);
  console.log(`\n=== ${name}`);
  if (install && !run('npm', ['ci', '--prefer-offline'], { cwd })) return { passed: 0, failed: 1, skipped: 0 };
  const succeeded = run('vitest', ['run', ...args, '--reporter=default', '--reporter=json', `--outputFile.json=${output}`], { cwd, env });
  const count = readCount(output, succeeded);
  console.log(`--- ${name}: ${count.passed} passed, ${count.failed} failed in ${((Date.now() - startedAt) / 1000).toFixed(0)} s`);
  return count;
}

const suites = process.argv.includes('--all') ? [...everywhere, ...needsMore] : everywhere;
const total: Count = { passed: 0, failed: 0, skipped: 0 };
for (const [index, suite] of suites.entries()) {
  const count = runSuite(suite, join(folder, `${index}.json`));
  total.passed += count.passed;
  total.failed += count.failed;
  total.skipped += count.skipped;
}
rmSync(folder, { recursive: true, force: true });
console.log(`\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exitCode = total.failed === 0 && total.passed > 0 ? 0 : 1;
