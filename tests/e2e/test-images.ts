/** Images for the stories on the real node: one of each kind for what is committed, whichever story asks first. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { ensureBinaries } from '../../dev/cluster/src/binaries.ts';
import { cacheFolder } from '../../dev/cluster/src/config.ts';
import { runCommand } from '../../dev/cluster/src/machine.ts';
import { buildImage, leftOut, type ImageName } from '../../deploy/images/build.ts';

const root = join(import.meta.dirname, '../..');

/** The name under which pods pull the image; built from what is committed, and pushed, unless the registry has it. */
export async function ensureImage(name: ImageName, { registry }: { readonly registry: string }): Promise<string> {
  return ensureOn({ name, base: 'debian:bookworm', version: versionOf(name), registry });
}

export interface Release {
  /** Of the platform; the name under which pods pull it. */
  readonly image: string;
  /** By which containers tell it from others. */
  readonly digest: string;
  /** That it says it has. */
  readonly version: string;
}

const versionFile = 'services/internal/control-plane/package.json';

/** What the next release does to the database: the one before has to work with it, during the upgrade and after going back. */
export const nextMigration = {
  name: '9999_next_release.sql',
  text: "alter table core.agent_runs add column next_release text not null default 'x';\ncreate index agent_runs_next on core.agent_runs (next_release);\n",
};

/** The platform as it is committed, and the same as its next release: one layer more, with another version and a migration. */
export async function ensureReleases(node: { readonly registry: string }): Promise<{ now: Release; next: Release }> {
  const image = await ensureImage('platform', node);
  const manifest = JSON.parse(git('show', `HEAD:${versionFile}`)) as { version: string }; // our own file
  const next = { image: `${image}-next`, version: `${manifest.version}-next` };
  const added = {
    [`app/${versionFile}`]: JSON.stringify({ ...manifest, version: next.version }),
    [`app/libs/store/migrations/${nextMigration.name}`]: nextMigration.text,
  };
  pushWithFiles(image, next.image, added, node);
  const digestOf = (name: string): string => crane('digest', reachable(name, node)).trim();
  return {
    now: { image, version: manifest.version, digest: digestOf(image) },
    next: { ...next, digest: digestOf(next.image) },
  };
}

/** `added`: contents by path. */
function pushWithFiles(
  from: string,
  to: string,
  added: Readonly<Record<string, string>>,
  { registry }: { readonly registry: string },
): void {
  const folder = mkdtempSync(join(tmpdir(), 'codexk8s-layer-'));
  try {
    for (const [path, content] of Object.entries(added)) {
      mkdirSync(join(folder, dirname(path)), { recursive: true });
      writeFileSync(join(folder, path), content);
    }
    const layer = join(folder, 'layer.tar');
    runCommand('tar', '--create', '--file', layer, '--owner=0', '--group=0', '--mtime=@0', '--directory', folder, ...Object.keys(added));
    crane('append', '--base', reachable(from, { registry }), '--new_layer', layer, '--new_tag', reachable(to, { registry }));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The agent's image with Codex in it: on a base that has it, as the manual says. */
export async function ensureCodexAgent({ registry }: { readonly registry: string }): Promise<string> {
  await ensureImage('codex', { registry });
  const codex = versionOf('codex');
  return ensureOn({ name: 'agent', base: `codex-k8s/codex:${codex}`, version: `${versionOf('agent')}-codex-${codex}`, registry });
}

interface Wanted {
  readonly name: ImageName;
  /** In the same registry. */
  readonly base: string;
  readonly version: string;
  readonly registry: string;
}

async function ensureOn({ name, base, version, registry }: Wanted): Promise<string> {
  const image = `${podsRegistry}/codex-k8s/${name}:${version}`;
  const tag = reachable(image, { registry });
  if (!(await hasImage(registry, name, version))) {
    const build = (): Promise<void> => buildImage({ name, base: `${registry}/${base}`, tag, isInsecure: true });
    if (isKept(name)) await pushKept(tag, join(cacheFolder(), 'images', `${name}-${version}.tar`), build);
    else await build();
  }
  return image;
}

const podsRegistry = 'localhost:5000';

/** What pods pull by this name, as this machine reaches it. */
function reachable(image: string, { registry }: { readonly registry: string }): string {
  return image.replace(podsRegistry, registry);
}

function crane(...args: readonly string[]): string {
  return runCommand(ensureBinaries('node', () => undefined)('crane'), '--insecure', ...args);
}

/** These are built from a folder of their own, which rarely changes. */
function isKept(name: ImageName): boolean {
  return name === 'postgres' || name === 'codex';
}

/** Of what the image is built from. */
function versionOf(name: ImageName): string {
  if (isKept(name)) return git('rev-parse', '--short=12', `HEAD:deploy/images/${name}`).trim();
  const sources = git('ls-tree', 'HEAD').split('\n');
  const copied = sources.filter((line) => !leftOut.includes(line.split('\t')[1] ?? ''));
  return createHash('sha256')
    .update(JSON.stringify([...copied, git('rev-parse', 'HEAD:deploy/images')]))
    .digest('hex')
    .slice(0, 12);
}

function git(...args: readonly string[]): string {
  return runCommand('git', '-C', root, ...args);
}

async function hasImage(registry: string, name: ImageName, version: string): Promise<boolean> {
  const headers = { accept: 'application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json' };
  return (await fetch(`http://${registry}/v2/codex-k8s/${name}/manifests/${version}`, { method: 'HEAD', headers })).ok;
}

/** An image that is the same for months, and takes Debian's mirror and a compiler to make, outlives the cluster's registry. */
async function pushKept(tag: string, archive: string, build: () => Promise<void>): Promise<void> {
  if (existsSync(archive)) {
    crane('push', archive, tag);
    return;
  }
  await build();
  mkdirSync(dirname(archive), { recursive: true });
  crane('pull', tag, `${archive}.${process.pid}`);
  renameSync(`${archive}.${process.pid}`, archive);
}

/** The base image with another program, for what an agent's image can be instead of one. */
export function pushProgram(name: string, script: string, { registry }: { readonly registry: string }): string {
  const image = `${podsRegistry}/codex-k8s/${name}:1`;
  const program = `/bin/sh,-c,"${script.replaceAll('"', '""')}"`; // CSV
  crane('mutate', `${registry}/debian:bookworm`, '--entrypoint', program, '-t', reachable(image, { registry }));
  return image;
}
