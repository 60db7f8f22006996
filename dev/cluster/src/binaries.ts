import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  accessSync,
  constants,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, extname, join } from 'node:path';
import { ClusterError } from './cluster-error.ts';
import { cacheFolder, environment } from './config.ts';
import { binariesOf, buildFolder, commandsOf, linkedValues, packages, type BinaryName, type Rung } from './versions.ts';

export type Binaries = (name: BinaryName) => string;

/** Paths of a rung's binaries; missing ones are built from source, once for each change of what they are built from, into a cache outside the checkout. */
export function ensureBinaries(rung: Rung, log: (line: string) => void): Binaries {
  const own = binariesOf[rung];
  const folder = ensureBuilt(own, log);
  return (name) => {
    if (!own.includes(name)) throw new Error(`${name} is no part of rung ${rung}`);
    return join(folder, name);
  };
}

/** Path of Helm, for whoever installs a chart into a cluster. */
export function ensureHelm(log: (line: string) => void): string {
  return join(ensureBuilt(['helm'], log), 'helm');
}

/** Returns their folder. */
function ensureBuilt(wanted: readonly BinaryName[], log: (line: string) => void): string {
  const folder = join(cacheFolder(), 'bin', fingerprint());
  const missing = wanted.filter((name) => !existsSync(join(folder, name)));
  if (missing.length === 0) return folder;
  if (!isOnPath('go'))
    throw new ClusterError('Go is needed to build Kubernetes from source.', 'Install Go 1.26 or newer and put it on PATH.');
  build(missing, folder, log);
  return folder;
}

const flags = [
  '-mod=readonly',
  '-trimpath',
  '-gcflags=all=-dwarf=false', // nobody debugs them here
  `-ldflags=-s -w ${Object.entries(linkedValues)
    .map(([variable, value]) => `-X ${variable}=${value}`)
    .join(' ')}`,
];

/** Of all that the binaries are built from. */
function fingerprint(): string {
  const sources = readdirSync(buildFolder, { recursive: true, encoding: 'utf8' })
    .filter((path) => ['.go', '.mod', '.sum'].includes(extname(path)))
    .sort();
  const hash = createHash('sha256').update(JSON.stringify([process.arch, flags, packages]));
  for (const path of sources) hash.update(path).update(readFileSync(join(buildFolder, path)));
  return hash.digest('hex').slice(0, 12);
}

/** By one command: they share their packages, and both cores are busy to the end. */
function build(names: readonly BinaryName[], folder: string, log: (line: string) => void): void {
  const startedAt = Date.now();
  log(`building ${names.join(', ')} …`);
  const output = mkdtempSync(join(tmpdir(), 'codexk8s-build-'));
  const env = { ...environment(), CGO_ENABLED: '0', GOFLAGS: '-buildvcs=false' };
  const args = ['build', ...flags, '-o', `${output}/`, ...names.map((name) => packages[name])];
  try {
    const { status, stderr } = spawnSync('go', args, { cwd: buildFolder, env, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
    if (status !== 0)
      throw new ClusterError(`go build failed:\n${stderr.trim().slice(-2000)}`, 'Check that the Go modules can be fetched.');
    mkdirSync(folder, { recursive: true });
    for (const name of names) keep(builtFile(output, packages[name]), join(folder, name));
  } finally {
    rmSync(output, { recursive: true, force: true });
  }
  log(`built in ${((Date.now() - startedAt) / 1000).toFixed(0)} s`);
}

/** Go names a binary after the last element of its package that is no version. */
function builtFile(folder: string, path: string): string {
  return join(folder, path.split('/').findLast((part) => !/^v\d+$/.test(part)) ?? path);
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
