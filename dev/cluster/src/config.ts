/** The only reader of the environment. */
import { homedir } from 'node:os';
import { join } from 'node:path';

/** With the folders where Debian keeps `ip`, `iptables` and `debootstrap`, and a user's PATH does not look. */
export function environment(): NodeJS.ProcessEnv {
  return { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/local/sbin:/usr/sbin:/sbin` };
}

/** A folder per cluster: its keys, logs, data. Short, since sockets in it have at most 107 characters. */
export function clustersFolder(): string {
  return process.env['CODEXK8S_CLUSTER_DIR'] ?? join(homedir(), '.local/state/codexk8s-cluster');
}

/** Built binaries and images, shared by all clusters and checkouts. */
export function cacheFolder(): string {
  return process.env['CODEXK8S_CLUSTER_CACHE'] ?? join(homedir(), '.cache/codexk8s-cluster');
}
