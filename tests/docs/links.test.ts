/** The documents are true where a machine can tell: their links lead somewhere, and the commands they name exist. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '..', '..');

interface Page {
  /** In the repository. */
  readonly path: string;
  readonly text: string;
}

const pages: readonly Page[] = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.md'], {
  cwd: root,
  encoding: 'utf8',
})
  .split('\n')
  .filter((path) => path !== '' && existsSync(join(root, path)))
  .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }));

/** Blocks and spans of code are no Markdown. */
function prose(text: string): string {
  return text.replaceAll(/^ {0,3}(`{3,}|~{3,})[^\n]*\n[\s\S]*?^ {0,3}\1[^\n]*$/gm, '').replaceAll(/`[^`\n]*`/g, '');
}

function linksOf({ text }: Page): string[] {
  return [...prose(text).matchAll(/\]\(<?([^)\s>]+)>?(?:\s+"[^"]*")?\)/g)].flatMap(([, target]) => target ?? []);
}

/** GitHub's anchors of a page's headings. */
function anchorsOf(text: string): Set<string> {
  const headings = [...text.replaceAll(/^```[\s\S]*?^```/gm, '').matchAll(/^#{1,6} +(.+?) *$/gm)].map(([, heading]) => heading ?? '');
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}_ -]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}

/** Undefined: it leads somewhere. Screenshots are made by a browser test, so they may be missing. */
function problemOf(page: Page, link: string): string | undefined {
  if (/^[a-z]+:/i.test(link)) return undefined;
  const [file = '', anchor] = link.split('#');
  const target = file === '' ? join(root, page.path) : join(root, dirname(page.path), file);
  if (relative(root, target).startsWith('..')) return `${page.path}: ${link} leads out of the repository`;
  if (/^docs[/]images[/][^/]+[.]png$/.test(relative(root, target))) return undefined;
  if (!existsSync(target)) return `${page.path}: ${link} is not there`;
  if (anchor === undefined || !target.endsWith('.md')) return undefined;
  return anchorsOf(readFileSync(target, 'utf8')).has(anchor) ? undefined : `${page.path}: ${link} has no such heading`;
}

function scriptsOf(path: string): string[] {
  const { scripts = {} } = JSON.parse(readFileSync(join(root, path, 'package.json'), 'utf8')) as { scripts?: Record<string, string> }; // ours
  return Object.keys(scripts);
}

test('every relative link and image of the documents leads to a file, and every anchor to a heading', () => {
  const problems = pages.flatMap((page) => linksOf(page).flatMap((link) => problemOf(page, link) ?? []));

  expect(pages.length).toBeGreaterThan(20);
  expect(problems).toEqual([]);
});

test('every npm script that the documents name exists, in the root or in the workspace they name', () => {
  const unknown = pages.flatMap(({ path, text }) =>
    [...text.matchAll(/npm run (?:-s )?([a-z][\w:-]*)(?:[^\n`]*? -w ([\w./@-]+))?/g)].flatMap(([command, script = '', workspace]) =>
      scriptsOf(workspace ?? '.').includes(script) ? [] : [`${path}: ${command}`],
    ),
  );

  expect(unknown).toEqual([]);
});

test('the README names the command that starts the platform and the command that tests it', () => {
  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  const commands = [...readme.matchAll(/^```(?:sh|bash)\n([\s\S]*?)^```/gm)].flatMap(([, block]) => (block ?? '').trim().split('\n'));

  expect(commands).toContain('npm ci && npm start');
  expect(commands).toContain('npm ci && npm test');
});

test('every variable of the tables is one that a service reads', () => {
  const sources = execFileSync('git', ['ls-files', 'services/*.ts', 'services/*.mjs', 'libs/*.ts', 'tests/*.ts'], {
    cwd: root,
    encoding: 'utf8',
  })
    .split('\n')
    .filter((path) => path !== '' && existsSync(join(root, path)))
    .map((path) => readFileSync(join(root, path), 'utf8'))
    .join('\n');
  const rows = pages.filter(({ path }) => path.startsWith('docs/')).flatMap(({ text }) => [...text.matchAll(/^\| `(CODEXK8S_\w+)` \|/gm)]);
  const unknown = rows.flatMap(([, name = '']) => (sources.includes(name) || name.endsWith('_LABEL') ? [] : [name])); // label variables are derived

  expect(rows.length).toBeGreaterThan(40);
  expect(unknown).toEqual([]);
});

test('every variable of a deployed service stands in its table of the guide', () => {
  const guide = readFileSync(join(root, 'docs/getting-started.md'), 'utf8');
  const configs = ['external/api-gateway', 'internal/control-plane', 'jobs/worker', 'jobs/agent-runner'];
  const missing = configs.flatMap((service) => {
    const folder = join(root, 'services', service, 'src');
    const files = readdirSync(folder).filter((name) => /(?:^|-)config\.ts$/.test(name));
    const text = files.map((name) => readFileSync(join(folder, name), 'utf8')).join('\n');
    const names = [...text.matchAll(/^ {2,4}(CODEXK8S_\w+):/gm)].flatMap(([, name]) => name ?? []);
    const heading = guide.indexOf(`### ${service.split('/')[1] ?? ''}\n`);
    const section =
      heading < 0 ? '' : guide.slice(heading, guide.indexOf('\n### ', heading + 1) < 0 ? undefined : guide.indexOf('\n### ', heading + 1));
    return names.flatMap((name) => (section.includes(`| \`${name}\` |`) ? [] : [`${service}: ${name}`]));
  });

  expect(missing).toEqual([]);
});
