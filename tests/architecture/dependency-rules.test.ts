import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import config from '../../.dependency-cruiser.js';

const root = join(import.meta.dirname, '..', '..');

/** One violation per rule: the file, and what it imports. */
const planted: Readonly<Record<string, readonly [file: string, imports: string]>> = {
  'no-cycles': ['libs/http/src/a.ts', './b.ts'],
  'everything-resolves': ['libs/http/src/c.ts', './not-there.ts'],
  'libs-know-no-service': ['libs/http/src/d.ts', '../../../services/jobs/worker/src/target.ts'],
  'services-are-islands': ['services/jobs/worker/src/e.ts', '../../../internal/control-plane/src/app/target.ts'],
  'domain-is-pure': ['libs/domain/src/f.ts', 'yaml'],
  'adapters-do-not-meet': ['libs/github/src/g.ts', '../../http/src/b.ts'],
  'edge-holds-no-state': ['services/external/api-gateway/src/h.ts', '../../../../libs/store/src/target.ts'],
  'entrances-go-through-app': ['services/internal/control-plane/src/http/i.ts', '../../../../../libs/store/src/target.ts'],
  'app-knows-no-transport': ['services/internal/control-plane/src/app/j.ts', '../http/target.ts'],
  'sql-lives-in-store': ['services/jobs/worker/src/k.ts', 'kysely'],
  'kubernetes-lives-in-kube': ['services/jobs/worker/src/l.ts', '@kubernetes/client-node'],
  'github-lives-in-github': ['services/jobs/worker/src/m.ts', '@octokit/core'],
  'tests-stay-out-of-production': ['services/jobs/worker/src/n.ts', '../../../../libs/testkit/src/target.ts'],
};

const innocent = [
  'libs/http/src/b.ts',
  'libs/store/src/target.ts',
  'libs/testkit/src/target.ts',
  'services/jobs/worker/src/target.ts',
  'services/internal/control-plane/src/app/target.ts',
  'services/internal/control-plane/src/http/target.ts',
  'node_modules/@kubernetes/client-node/index.js',
];

const folder = mkdtempSync(join(tmpdir(), 'codexk8s-arch-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function write(file: string, text: string): void {
  mkdirSync(dirname(join(folder, file)), { recursive: true });
  writeFileSync(join(folder, file), text);
}

test('every rule of the architecture reports the violation planted for it', () => {
  for (const file of innocent) write(file, file.endsWith('b.ts') ? "import './a.ts';\n" : 'export const target = 1;\n');
  write('node_modules/@kubernetes/client-node/package.json', '{ "name": "@kubernetes/client-node", "main": "index.js" }');
  for (const name of ['yaml', 'kysely', '@octokit']) symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name));
  for (const [file, imports] of Object.values(planted)) write(file, `import '${imports}';\n`);
  write('package.json', '{ "type": "module" }');
  write('tsconfig.json', '{ "compilerOptions": { "module": "nodenext", "allowImportingTsExtensions": true, "noEmit": true } }');
  write('.dependency-cruiser.js', `export { default } from '${join(root, '.dependency-cruiser.js')}';\n`);

  const output = execFileSync('depcruise', ['--config', '.dependency-cruiser.js', '--output-type', 'json', 'libs', 'services'], {
    cwd: folder,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });

  const { summary } = JSON.parse(output) as { summary: { violations: { rule: { name: string }; from: string }[] } }; // the tool's own format
  for (const [rule, [file]] of Object.entries(planted)) {
    expect(summary.violations.map((violation) => [violation.rule.name, violation.from])).toContainEqual([rule, file]);
  }
});

test('every rule has a planted violation', () => {
  expect(config.forbidden.map(({ name }: { name: string }) => name).toSorted()).toEqual(Object.keys(planted).toSorted());
});
