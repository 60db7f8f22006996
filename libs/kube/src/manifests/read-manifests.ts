import { loadAllYaml, type KubernetesObject } from '@kubernetes/client-node';

/** The objects of a YAML stream. */
export function readManifests(text: string): KubernetesObject[] {
  return loadAllYaml(text) as KubernetesObject[]; // the API server validates them
}
