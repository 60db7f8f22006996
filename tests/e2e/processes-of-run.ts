import { readdirSync, readFileSync } from 'node:fs';

/** Runners, agents and their commands: all have the run in their environment. */
export function processesOfRun(runId: string): string[] {
  return readdirSync('/proc').filter((name) => {
    try {
      return /^\d+$/.test(name) && readFileSync(`/proc/${name}/environ`, 'latin1').includes(`CODEXK8S_RUN_ID=${runId}`);
    } catch {
      return false; // ended meanwhile
    }
  });
}

/** The most memory a process has had, in MB. */
export function peakMb(pid: number | undefined): number {
  return Math.round(Number(/VmHWM:\s*(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024);
}
