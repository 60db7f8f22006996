/** The two images a cluster cannot do without; everything else is built from the base one. Kept in the cache, pushed to the cluster's registry. */
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawnSync } from 'node:child_process';
import type { Binaries } from './binaries.ts';
import { ClusterError } from './cluster-error.ts';
import { cacheFolder, environment } from './config.ts';
import { registryPort, type Layout } from './layout.ts';
import { runCommand } from './machine.ts';

const suite = 'bookworm';
const packages = 'git,ca-certificates,curl,jq';

/** Waits for signals and reaps children: what holds a pod's namespaces. */
const pauseProgram = `package main

import (
	"os"
	"os/signal"
	"syscall"
)

func main() {
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGCHLD)
	for one := range signals {
		if one != syscall.SIGCHLD {
			os.Exit(0)
		}
		for {
			if pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil); pid <= 0 || err != nil {
				break
			}
		}
	}
}
`;

/** Names as pods write them. */
export const pauseImage = `localhost:${registryPort}/pause:1`;
export const baseImage = `localhost:${registryPort}/debian:${suite}`;

export function ensureImageArchives(log: (line: string) => void): { pause: string; base: string } {
  const folder = join(cacheFolder(), 'images');
  mkdirSync(folder, { recursive: true });
  const pause = join(folder, 'pause-1.tar.gz');
  const base = join(folder, `debian-${suite}-${packages.replaceAll(',', '-')}.tar.gz`);
  if (!existsSync(pause)) writeArchive(pause, makePause);
  if (!existsSync(base)) {
    log(`building a Debian ${suite} base image …`);
    writeArchive(base, makeDebian);
  }
  return { pause, base };
}

function writeArchive(path: string, fill: (folder: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), 'codexk8s-image-'));
  try {
    const root = join(folder, 'root');
    mkdirSync(root);
    fill(root);
    runCommand('tar', '-czf', `${path}.part`, '-C', root, '--exclude=./dev/*', '.');
    renameSync(`${path}.part`, path);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function makePause(root: string): void {
  const source = mkdtempSync(join(tmpdir(), 'codexk8s-pause-'));
  try {
    writeFileSync(join(source, 'main.go'), pauseProgram);
    const env = { ...environment(), CGO_ENABLED: '0', GO111MODULE: 'off' };
    const { status, stderr } = spawnSync('go', ['build', '-ldflags', '-s -w', '-o', join(root, 'pause'), 'main.go'], {
      cwd: source,
      env,
      encoding: 'utf8',
    });
    if (status !== 0) throw new ClusterError(`The pause program could not be built: ${stderr}`, 'Check the Go installation.');
  } finally {
    rmSync(source, { recursive: true, force: true });
  }
}

function makeDebian(root: string): void {
  const mirror = spawnSync('apt-get', ['indextargets', '--format', '$(REPO_URI)', 'Created-By: Packages'], { encoding: 'utf8' })
    .stdout.split('\n')
    .find((line) => line.endsWith('/debian/'));
  const args = ['--variant=minbase', `--include=${packages}`, suite, root, ...(mirror === undefined ? [] : [mirror])];
  const { status, stdout } = spawnSync('debootstrap', args, { encoding: 'utf8', env: environment(), maxBuffer: 64 * 1024 * 1024 });
  if (status !== 0)
    throw new ClusterError(`debootstrap failed:\n${stdout.trim().slice(-1000)}`, 'Check that the Debian mirror can be reached.');
  for (const waste of ['var/cache/apt', 'var/lib/apt/lists', 'var/log', 'usr/share/doc', 'usr/share/man', 'usr/share/locale']) {
    rmSync(join(root, waste), { recursive: true, force: true });
    mkdirSync(join(root, waste), { recursive: true });
  }
}

/** Pushes what the registry lacks. */
export function pushImages({ network }: Layout, binaries: Binaries, archives: { pause: string; base: string }): void {
  const registry = `${network?.address ?? ''}:${registryPort}`;
  const crane = (...args: string[]): string => runCommand(binaries('crane'), '--insecure', ...args);
  const has = (image: string): boolean => {
    try {
      crane('digest', image);
      return true;
    } catch {
      return false;
    }
  };
  const [pause, base] = [pauseImage, baseImage].map((image) => image.replace(`localhost:${registryPort}`, registry)) as [string, string]; // as many as went in
  if (!has(pause)) {
    crane('append', '--oci-empty-base', '-f', archives.pause, '-t', pause);
    crane('mutate', pause, '--entrypoint', '/pause', '-t', pause);
  }
  if (!has(base)) crane('append', '--oci-empty-base', '-f', archives.base, '-t', base);
}
