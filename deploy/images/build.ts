/**
 * Builds an image with buildah from the committed sources, and pushes it: `npm run image -- platform --base IMAGE --tag IMAGE`. Needs neither
 * root nor a daemon of its own beyond what buildah needs.
 */
import { execFile, execFileSync } from 'node:child_process';
import { copyFileSync, cpSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';

/** One image for several programs: its first argument names the one to run, and needs no name when there is only one. */
interface ServiceImage {
  readonly workspaces: readonly string[];
  readonly programs: Readonly<Record<string, string>>;
  /** With the built pages of the console. */
  readonly hasConsole: boolean;
}

const serviceImages: Readonly<Record<string, ServiceImage>> = {
  agent: {
    workspaces: ['@codex-k8s/agent-runner', '@codex-k8s/trial-agent'],
    programs: { 'agent-runner': 'services/jobs/agent-runner/src/main.ts' },
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
async function stage(context: string, { workspaces, programs, hasConsole }: ServiceImage): Promise<void> {
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
  copyFileSync(join(context, 'deploy/images/Dockerfile'), join(context, 'Dockerfile'));
  for (const name of readdirSync(context)) {
    if (leftOut.includes(name)) rmSync(join(context, name), { recursive: true, force: true });
  }
  if (hasConsole) await buildConsole(join(context, consoleFolder, 'dist'));
  writeFileSync(join(context, 'start.mjs'), startScript(programs));
}

/** With the tools of the checkout, which an image has no use for; so the checkout must be what the image is built from. */
async function buildConsole(folder: string): Promise<void> {
  const sources = [consoleFolder, 'contracts', 'libs/domain'];
  const changed = execFileSync('git', ['status', '--porcelain', '--', ...sources], { cwd: root, encoding: 'utf8' });
  if (changed !== '') throw new Error(`Images are built from committed sources; commit or stash first:\n${changed}`);
  await run('npm', 'run', 'build', '--prefix', root, '-w', consoleFolder, '--', '--outDir', folder, '--emptyOutDir');
}

/** Runs the program it is told; with `--compile`, at the build, each once without configuration, so that it ends when all of it was loaded. */
function startScript(programs: ServiceImage['programs']): string {
  const [only, ...others] = Object.keys(programs);
  const modules = Object.fromEntries(Object.entries(programs).map(([name, path]) => [name, `/app/${path}`]));
  return `import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';

const programs = ${JSON.stringify(modules)};
const { NODE_COMPILE_CACHE, CODEXK8S_TRIAL_AGENT_PATH, PATH } = process.env;
if (process.argv[2] === '--compile') {
  const all = [...Object.values(programs), CODEXK8S_TRIAL_AGENT_PATH].filter(existsSync);
  for (const path of all) spawnSync(process.execPath, [path], { env: { NODE_COMPILE_CACHE, PATH }, stdio: 'ignore', timeout: 60_000 });
  const count = readdirSync(NODE_COMPILE_CACHE, { recursive: true }).length;
  process.stdout.write(\`\${count} files compiled for \${all.length} programs\\n\`);
  process.exit(count > 100 ? 0 : 1);
}
const module = programs[process.argv[2] ?? ${JSON.stringify(others.length === 0 ? only : '')}];
if (module === undefined) {
  process.stderr.write(\`Name what to run: \${Object.keys(programs).join(', ')}\\n\`);
  process.exit(2);
}
await import(module);
`;
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
