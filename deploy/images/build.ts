/**
 * Builds an image with buildah from the committed sources, and pushes it: `npm run image -- platform --base IMAGE --tag IMAGE`. Needs neither
 * root nor a daemon of its own beyond what buildah needs.
 */
import { execFile, execFileSync } from 'node:child_process';
import { copyFileSync, cpSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { rolldown } from 'rolldown';

/** One image for several programs: its first argument names the one to run, and needs no name when there is only one. */
interface ServiceImage {
  readonly workspaces: readonly string[];
  /** Files by name. */
  readonly programs: Readonly<Record<string, string>>;
  /** Sources by folder: a program that reads no file beside its sources starts in half the time as a bundle of few files. */
  readonly bundles: Readonly<Record<string, string>>;
  /** With the built pages of the console. */
  readonly hasConsole: boolean;
}

const serviceImages: Readonly<Record<string, ServiceImage>> = {
  agent: {
    workspaces: ['@codex-k8s/agent-runner', '@codex-k8s/trial-agent'],
    programs: { 'agent-runner': 'bundled/agent-runner/main.js' },
    bundles: {
      'bundled/agent-runner': 'services/jobs/agent-runner/src/main.ts',
      'bundled/trial-agent': 'services/dev/trial-agent/src/main.ts',
    },
    hasConsole: false,
  },
  platform: {
    workspaces: ['@codex-k8s/api-gateway', '@codex-k8s/control-plane', '@codex-k8s/worker'],
    programs: {
      'api-gateway': 'services/external/api-gateway/src/main.ts',
      'control-plane': 'services/internal/control-plane/src/main.ts',
      migrate: 'services/internal/control-plane/src/migrate-main.ts',
      worker: 'services/jobs/worker/src/main.ts',
    },
    bundles: {},
    hasConsole: true,
  },
};

export type ImageName = 'agent' | 'codex' | 'platform' | 'postgres';
export const imageNames: readonly ImageName[] = ['agent', 'codex', 'platform', 'postgres'];

const consoleFolder = 'services/staff/web-console';
const root = join(import.meta.dirname, '../..');
/** Of no use in an image of a service. */
export const leftOut: readonly string[] = ['.ci', '.github', 'bench', 'deploy', 'dev', 'docs', 'tests', 'tools'];

export interface BuildOptions {
  readonly name: ImageName;
  readonly base: string;
  readonly tag: string;
  /** A registry without TLS, such as that of a test cluster. */
  readonly isInsecure: boolean;
}

/** Throws what git, npm or buildah said when one of them fails. */
export async function buildImage({ name, ...options }: BuildOptions): Promise<void> {
  const image = serviceImages[name];
  const folder = join(root, 'deploy/images', name);
  if (!image && !existsSync(join(folder, 'package.json'))) return await buildAndPush(folder, options);
  const context = mkdtempSync(join(tmpdir(), 'codexk8s-image-'));
  try {
    await (image ? stage(context, image) : stageProgram(context, folder));
    await buildAndPush(context, options);
  } finally {
    rmSync(context, { recursive: true, force: true });
  }
}

/** The context brings its own Dockerfile. */
async function buildAndPush(context: string, { base, tag, isInsecure }: Omit<BuildOptions, 'name'>): Promise<void> {
  const tls = `--tls-verify=${String(!isInsecure)}`;
  const buildah = (...args: string[]): Promise<void> => run('buildah', '--storage-driver', 'vfs', ...args);
  await buildah('bud', '--isolation', 'chroot', tls, '--build-arg', `BASE_IMAGE=${base}`, '-t', tag, context);
  await buildah('push', tls, tag);
  await buildah('rmi', tag);
}

/** A program from npm, as the lockfile beside its Dockerfile names it. */
async function stageProgram(context: string, folder: string): Promise<void> {
  cpSync(folder, context, { recursive: true });
  await run('npm', 'ci', '--no-audit', '--no-fund', '--silent', '--prefer-offline', '--prefix', context);
}

/** The sources and exactly the dependencies the lockfile names for the image's workspaces, Node.js among them. */
async function stage(context: string, { workspaces, programs, bundles, hasConsole }: ServiceImage): Promise<void> {
  execFileSync('sh', ['-c', 'git archive HEAD | tar -x -C "$0"', context], { cwd: root });
  const chosen = workspaces.flatMap((workspace) => ['--workspace', workspace]);
  await run(
    'npm',
    'ci',
    '--omit=dev',
    '--include-workspace-root',
    '--no-audit',
    '--no-fund',
    '--silent',
    '--prefer-offline',
    '--prefix',
    context,
    ...chosen,
  );
  for (const file of ['Dockerfile', 'start.mjs']) copyFileSync(join(context, 'deploy/images', file), join(context, file));
  for (const name of readdirSync(context)) {
    if (leftOut.includes(name)) rmSync(join(context, name), { recursive: true, force: true });
  }
  if (hasConsole) await buildConsole(join(context, consoleFolder, 'dist'));
  for (const [folder, source] of Object.entries(bundles)) await bundle(join(context, source), join(context, folder));
  writeFileSync(join(context, 'programs.json'), JSON.stringify(programs));
}

/** The packages stay in the image beside it, with their licences. */
async function bundle(source: string, folder: string): Promise<void> {
  await using build = await rolldown({ input: source, platform: 'node', logLevel: 'silent' });
  await build.write({ dir: folder, format: 'esm' });
}

/** With the tools of the checkout, which an image has no use for; so the checkout must be what the image is built from. */
async function buildConsole(folder: string): Promise<void> {
  const sources = [consoleFolder, 'contracts', 'libs/domain'];
  const changed = execFileSync('git', ['status', '--porcelain', '--', ...sources], { cwd: root, encoding: 'utf8' });
  if (changed !== '') throw new Error(`Images are built from committed sources; commit or stash first:\n${changed}`);
  await run('npm', 'run', 'build', '--prefix', root, '-w', consoleFolder, '--', '--outDir', folder, '--emptyOutDir');
}

async function run(command: string, ...args: readonly string[]): Promise<void> {
  try {
    await promisify(execFile)(command, args, { maxBuffer: 64 * 1024 * 1024 });
  } catch (error) {
    const { stderr = '', message } = error as Error & { stderr?: string }; // execFile throws nothing else
    throw new Error(`${command} ${args[0]}: ${stderr.trim().slice(-2000) || message}`, { cause: error });
  }
}

if (import.meta.main) {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      base: { type: 'string', default: 'debian:bookworm-slim' },
      tag: { type: 'string' },
      insecure: { type: 'boolean', default: false },
    },
  });
  const name = imageNames.find((one) => one === positionals[0]);
  if (name === undefined) throw new Error(`There is no image ${positionals[0] ?? ''}; take one of ${imageNames.join(', ')}.`);
  await buildImage({ name, base: values.base, tag: values.tag ?? `codex-k8s/${name}:dev`, isInsecure: values.insecure });
}
