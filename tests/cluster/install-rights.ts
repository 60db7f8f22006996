import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { applyObject, readManifests, type Kube } from '@codex-k8s/kube';

export const rightsFiles = ['worker-rights', 'agent-profiles', 'admission-policies'] as const;

/** What a platform team applies before the first run: the worker's rights, the agents' profiles and the policies, as documented. */
export async function installRights(kube: Kube): Promise<void> {
  for (const manifest of rightsManifests()) await applyObject(kube, manifest);
}

export function rightsManifests() {
  return rightsFiles.flatMap((name) =>
    readManifests(readFileSync(join(import.meta.dirname, `../../deploy/kubernetes/${name}.yaml`), 'utf8')),
  );
}
