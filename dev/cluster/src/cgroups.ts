import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Layout } from './layout.ts';

const root = '/sys/fs/cgroup';

/** On v1 one hierarchy per controller, on v2 one for all. */
function hierarchies(): string[] {
  if (existsSync(join(root, 'cgroup.controllers'))) return [root];
  return readdirSync(root)
    .map((name) => join(root, name))
    .filter((path) => existsSync(join(path, 'cgroup.procs')));
}

/** A cgroup of the cluster's own: a kubelet ends whatever it does not know below its root, other clusters' pods too. */
export function makeCgroup({ name }: Layout): string {
  const own = `/ck8s-${name}`;
  for (const hierarchy of hierarchies()) mkdirSync(join(hierarchy, own), { recursive: true });
  return own;
}

/** Processes below it, on any hierarchy. */
export function processesInCgroup({ name }: Layout): number[] {
  const found = hierarchies().flatMap((hierarchy) => below(join(hierarchy, `ck8s-${name}`)).flatMap(pidsIn));
  return [...new Set(found)];
}

export function removeCgroup({ name }: Layout): void {
  for (const hierarchy of hierarchies()) {
    for (const folder of below(join(hierarchy, `ck8s-${name}`)).toReversed()) {
      try {
        rmdirSync(folder);
      } catch {
        // a process is still ending; the empty group costs nothing
      }
    }
  }
}

/** The folder and what is in it, outer ones first. */
function below(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const inner = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return [folder, ...inner.flatMap(({ name }) => below(join(folder, name)))];
}

function pidsIn(folder: string): number[] {
  try {
    return readFileSync(join(folder, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean).map(Number);
  } catch {
    return []; // removed meanwhile
  }
}
