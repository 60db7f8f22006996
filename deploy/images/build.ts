/**
 * Builds a service's image with buildah from the committed sources, and pushes it: `npm run image -- agent --base IMAGE --tag IMAGE`. Needs neither
 * root nor a daemon of its own beyond what buildah needs.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

interface Image {
  /** Workspaces installed into it, the one that starts first. */
  readonly workspaces: readonly [string, ...string[]];
  readonly main: string;
}

export const images: Readonly<Record<string, Image>> = {
  agent: { workspaces: ['@codex-k8s/agent-runner', '@codex-k8s/trial-agent'], main: 'services/jobs/agent-runner/src/main.ts' },
  worker: { workspaces: ['@codex-k8s/worker'], main: 'services/jobs/worker/src/main.ts' },
  'control-plane': { workspaces: ['@codex-k8s/control-plane'], main: 'services/internal/control-plane/src/main.ts' },
  'api-gateway': { workspaces: ['@codex-k8s/api-gateway'], main: 'services/external/api-gateway/src/main.ts' },
};

const root = join(import.meta.dirname, '../..');
/** Of no use in an image. */
const leftOut = ['.ci', '.github', 'bench', 'deploy', 'dev', 'docs', 'tests', 'tools'];

export interface BuildOptions {
  readonly name: string;
  readonly base: string;
  readonly tag: string;
  /** A registry without TLS, such as that of a test cluster. */
  readonly isInsecure: boolean;
}

/** Throws what git, npm or buildah said when one of them fails. */
export function buildImage({ name, base, tag, isInsecure }: BuildOptions): void {
  const image = images[name];
  if (!image) throw new Error(`There is no image ${name}; take one of ${Object.keys(images).join(', ')}.`);
  const context = mkdtempSync(join(tmpdir(), 'codexk8s-image-'));
  try {
    stage(context, image);
    const tls = `--tls-verify=${String(!isInsecure)}`;
    const buildah = (...args: string[]): void => run('buildah', '--storage-driver', 'vfs', ...args);
    const file = join(root, 'deploy/images/Dockerfile');
    buildah('bud', '--isolation', 'chroot', tls, '--build-arg', `BASE_IMAGE=${base}`, '-t', tag, '-f', file, context);
    buildah('push', tls, tag);
    buildah('rmi', tag);
  } finally {
    rmSync(context, { recursive: true, force: true });
  }
}

/** The sources and exactly the dependencies the lockfile names for the image's workspaces, Node.js among them. */
function stage(context: string, { workspaces, main }: Image): void {
  execFileSync('sh', ['-c', 'git archive HEAD | tar -x -C "$0"', context], { cwd: root });
  const chosen = workspaces.flatMap((workspace) => ['--workspace', workspace]);
  run(
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
  for (const name of readdirSync(context)) {
    if (leftOut.includes(name)) rmSync(join(context, name), { recursive: true, force: true });
  }
  writeFileSync(join(context, 'start.mjs'), `import './${main}';\n`);
}

function run(command: string, ...args: readonly string[]): void {
  try {
    execFileSync(command, args, { stdio: ['ignore', 'ignore', 'pipe'], maxBuffer: 64 * 1024 * 1024 });
  } catch (error) {
    const { stderr, message } = error as Error & { stderr?: Buffer }; // execFileSync throws nothing else
    throw new Error(`${command} ${args[0]}: ${stderr?.toString().trim().slice(-2000) ?? message}`, { cause: error });
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
  const [name = ''] = positionals;
  buildImage({ name, base: values.base, tag: values.tag ?? `codex-k8s/${name}:dev`, isInsecure: values.insecure });
}
