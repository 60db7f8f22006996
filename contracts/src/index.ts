import { readFileSync } from 'node:fs';

/** A contract document as it is committed, YAML text. */
export function contractText(name: 'staff' | 'internal' | 'webhooks'): string {
  return readFileSync(new URL(`../${name}.yaml`, import.meta.url), 'utf8');
}
