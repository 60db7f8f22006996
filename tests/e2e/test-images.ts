/** Images for the stories on the real node: one of each kind per commit, whichever story asks first. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ensureBinaries } from '../../dev/cluster/src/binaries.ts';
import { cacheFolder } from '../../dev/cluster/src/config.ts';
import { buildImage, type ImageName } from '../../deploy/images/build.ts';

const root = join(import.meta.dirname, '../..');

/** The name under which pods pull the image; built from what is committed, and pushed, unless the registry has it. */
export async function ensureImage(name: ImageName, { registry }: { readonly registry: string }): Promise<string> {
  return ensureOn({ name, base: 'debian:bookworm', version: versionOf(name), registry });
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
  const image = `codex-k8s/${name}:${version}`;
  const tag = `${registry}/${image}`;
  if (!(await hasImage(registry, name, version))) {
    const build = (): void => buildImage({ name, base: `${registry}/${base}`, tag, isInsecure: true });
    if (isKept(name)) pushKept(tag, join(cacheFolder(), 'images', `${name}-${version}.tar`), build);
    else build();
  }
  return `localhost:5000/${image}`;
}

/** These are built from a folder of their own, which rarely changes. */
function isKept(name: ImageName): boolean {
  return name === 'postgres' || name === 'codex';
}

/** Of what the image is built from. */
function versionOf(name: ImageName): string {
  const source = isKept(name) ? `HEAD:deploy/images/${name}` : 'HEAD';
  return execFileSync('git', ['rev-parse', '--short=12', source], { cwd: root, encoding: 'utf8' }).trim();
}

async function hasImage(registry: string, name: ImageName, version: string): Promise<boolean> {
  const headers = { accept: 'application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json' };
  return (await fetch(`http://${registry}/v2/codex-k8s/${name}/manifests/${version}`, { method: 'HEAD', headers })).ok;
}

/** An image that is the same for months, and takes Debian's mirror and a compiler to make, outlives the cluster's registry. */
function pushKept(tag: string, archive: string, build: () => void): void {
  const crane = ensureBinaries('node', () => undefined)('crane');
  if (existsSync(archive)) {
    execFileSync(crane, ['push', '--insecure', archive, tag], { stdio: 'ignore' });
    return;
  }
  build();
  mkdirSync(dirname(archive), { recursive: true });
  execFileSync(crane, ['pull', '--insecure', tag, `${archive}.${process.pid}`], { stdio: 'ignore' });
  renameSync(`${archive}.${process.pid}`, archive);
}

/** The base image with another program, for what an agent's image can be instead of one. */
export function pushProgram(name: string, script: string, { registry }: { readonly registry: string }): string {
  const image = `codex-k8s/${name}:1`;
  const crane = ensureBinaries('node', () => undefined)('crane');
  const program = `/bin/sh,-c,"${script.replaceAll('"', '""')}"`; // CSV
  execFileSync(crane, ['mutate', '--insecure', `${registry}/debian:bookworm`, '--entrypoint', program, '-t', `${registry}/${image}`], {
    stdio: 'ignore',
  });
  return `localhost:5000/${image}`;
}
