import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The command starts other parts of the repository by path; it imports none of them. */
const root = join(import.meta.dirname, '../../../..');

export const paths = {
  root,
  allInOne: join(root, 'services/dev/all-in-one/src/main.ts'),
  backup: join(root, 'services/dev/all-in-one/src/backup-main.ts'),
  migrate: join(root, 'services/internal/control-plane/src/migrate-main.ts'),
  preflight: join(root, 'services/jobs/worker/src/preflight-main.ts'),
  rotateKeys: join(root, 'services/internal/control-plane/src/rotate-keys-main.ts'),
  console: join(root, 'services/staff/web-console'),
  endWithParent: join(import.meta.dirname, 'end-with-parent.ts'),
} as const;

/** A file of an installed package, searched upwards as Node does; undefined when it is not installed. */
export function findInstalled(file: string, folder: string = root): string | undefined {
  const path = join(folder, 'node_modules', file);
  if (existsSync(path)) return path;
  const parent = dirname(folder);
  return parent === folder ? undefined : findInstalled(file, parent);
}
