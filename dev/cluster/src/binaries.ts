import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { accessSync, constants, copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { ClusterError } from './cluster-error.ts';
import { cacheFolder, environment } from './config.ts';
import { binariesOf, commandsOf, helm, type GoBinary, type Rung } from './versions.ts';

const buildFolder = join(import.meta.dirname, '../build');

export type Binaries = (name: string) => string;

/** Paths of a rung's binaries; missing ones are built from source, once per version, into a cache outside the checkout. */
export function ensureBinaries(rung: Rung, log: (line: string) => void): Binaries {
  buildMissing(binariesOf[rung], log);
  const paths = new Map(binariesOf[rung].map((binary) => [binary.name, pathOf(binary)]));
  return (name) => {
    const path = paths.get(name);
    if (path === undefined) throw new Error(`${name} is no part of rung ${rung}`);
    return path;
  };
}

/** Path of Helm, for whoever installs a chart into a cluster. */
export function ensureHelm(log: (line: string) => void): string {
  buildMissing([helm], log);
  return pathOf(helm);
}

function buildMissing(wanted: readonly GoBinary[], log: (line: string) => void): void {
  const missing = wanted.filter((binary) => !existsSync(pathOf(binary)));
  if (missing.length === 0) return;
  if (!isOnPath('go'))
    throw new ClusterError('Go is needed to build Kubernetes from source.', 'Install Go 1.24 or newer and put it on PATH.');
  for (const group of Map.groupBy(missing, ({ name, module }) => module ?? name).values()) build(group, log);
}

function pathOf(binary: GoBinary): string {
  return join(cacheFolder(), 'bin', `${binary.name}-${binary.version}-${fingerprint(binary)}`);
}

/** Of what a binary is built from besides its version. */
function fingerprint({ module, ldflags, package: path }: GoBinary): string {
  const sources = module === undefined ? [] : ['go.sum', 'main.go'].map((name) => join(buildFolder, module, name));
  const contents = sources.filter((file) => existsSync(file)).map((file) => readFileSync(file, 'utf8'));
  return createHash('sha256')
    .update(`${process.arch} ${path} ${ldflags ?? ''} ${contents.join('')}`)
    .digest('hex')
    .slice(0, 8);
}

/** Binaries of one Go module share their packages, so they are built by one command. */
function build(group: readonly GoBinary[], log: (line: string) => void): void {
  const [first] = group;
  if (!first) return;
  const startedAt = Date.now();
  log(`building ${group.map(({ name, version }) => `${name} ${version}`).join(', ')} …`);
  const output = mkdtempSync(join(tmpdir(), 'codexk8s-build-'));
  const env = { ...environment(), CGO_ENABLED: '0', GOFLAGS: '-buildvcs=false', GOBIN: output };
  const flags = ['-trimpath', '-ldflags', `-s -w ${first.ldflags ?? ''}`.trim()];
  const [args, cwd] =
    first.module === undefined
      ? [['install', ...flags, `${first.package}@v${first.version}`], output]
      : [['build', '-mod=readonly', ...flags, '-o', `${output}/`, ...group.map((one) => one.package)], join(buildFolder, first.module)];
  try {
    const { status, stderr } = spawnSync('go', args, { cwd, env, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
    if (status !== 0) {
      throw new ClusterError(
        `go ${args[0]} failed for ${first.name}:\n${stderr.trim().slice(-2000)}`,
        'Check that the Go modules can be fetched.',
      );
    }
    mkdirSync(join(cacheFolder(), 'bin'), { recursive: true });
    for (const binary of group) keep(builtFile(output, binary), pathOf(binary));
  } finally {
    rmSync(output, { recursive: true, force: true });
  }
  log(`built in ${((Date.now() - startedAt) / 1000).toFixed(0)} s`);
}

/** Go names a binary after the last element of its package that is no version. */
function builtFile(folder: string, binary: GoBinary): string {
  const last = binary.package.split('/').findLast((part) => !/^v\d+$/.test(part)) ?? binary.name;
  return join(folder, last);
}

/** Whole or not at all: another command may look at the same moment. */
function keep(built: string, path: string): void {
  const unfinished = `${path}.${process.pid}`;
  copyFileSync(built, unfinished);
  execFileSync('chmod', ['755', unfinished]);
  renameSync(unfinished, path);
}

/** Says in one message everything of the machine that a rung lacks. */
export function requireMachine(rung: Rung, { isRoot = process.getuid?.() === 0, hasCommand = isOnPath } = {}): void {
  const missing = commandsOf[rung].filter(([command]) => !hasCommand(command)).map(([, name]) => name);
  const problems = [
    ...(rung === 'node' && !isRoot ? ['a real node needs root (namespaces, mounts, cgroups)'] : []),
    ...(missing.length > 0 ? [`missing: ${[...new Set(missing)].join(' ')}`] : []),
  ];
  if (problems.length === 0) return;
  const remedies = [
    ...(rung === 'node' && !isRoot ? ['Run it as root, or take --rung simulated, which needs no rights.'] : []),
    ...(missing.length > 0 ? [`On Debian: apt-get install ${[...new Set(missing)].join(' ')}`] : []),
  ];
  throw new ClusterError(`Rung ${rung} cannot run here: ${problems.join('; ')}.`, remedies.join(' '));
}

function isOnPath(command: string): boolean {
  const candidates = command.startsWith('/')
    ? [command]
    : (environment()['PATH'] ?? '').split(delimiter).map((folder) => join(folder, command));
  return candidates.some((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
