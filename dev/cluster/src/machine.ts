import { execFileSync } from 'node:child_process';
import { ClusterError } from './cluster-error.ts';
import { environment } from './config.ts';

/** Runs a command of the machine; throws with what it said. */
export function runCommand(command: string, ...args: readonly string[]): string {
  try {
    return execFileSync(command, args, {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      maxBuffer: 64 * 1024 * 1024,
      env: environment(),
    });
  } catch (cause) {
    const { stderr, message } = cause as Error & { stderr?: string }; // execFileSync throws nothing else
    throw new ClusterError(`${command} ${args.join(' ')}: ${stderr?.trim() || message}`, 'Run it by hand to see more.', { cause });
  }
}

/** For what may fail because the work is done already. */
export function tryCommand(command: string, ...args: readonly string[]): boolean {
  try {
    runCommand(command, ...args);
    return true;
  } catch {
    return false;
  }
}
