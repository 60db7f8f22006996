import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

/** Where one run lives on disk. A later attempt in the same folder goes on with what it finds. */
export interface RunFolder {
  readonly root: string;
  readonly workspace: string;
  readonly home: string;
  readonly logSpool: string;
}

/** The folder above it must be there: what belongs to a platform that was removed is not made again. */
export async function openRunFolder(root: string): Promise<RunFolder> {
  await mkdir(root).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error; // of node:fs
  });
  const folder = { root, workspace: join(root, 'workspace'), home: join(root, 'home'), logSpool: join(root, 'log-spool') };
  for (const path of [folder.workspace, folder.home, join(folder.home, 'tmp'), folder.logSpool]) await mkdir(path, { recursive: true });
  return folder;
}

/** Empties the folder of another run's leftovers. */
export async function emptyRunFolder({ workspace, home, logSpool }: RunFolder): Promise<void> {
  for (const path of [workspace, home, logSpool]) {
    await rm(path, { recursive: true, force: true });
    await mkdir(path, { recursive: true });
  }
  await mkdir(join(home, 'tmp'), { recursive: true });
}

/** What the next attempt must know. */
const RunnerState = z.object({
  runId: z.string(),
  /** The workspace was prepared to the end; HEAD was here then. */
  startSha: z.string().optional(),
  /** See agent-files.ts. */
  shownFiles: z.record(z.string(), z.string()).optional(),
  sessionId: z.string().optional(),
});
export type RunnerState = z.infer<typeof RunnerState>;

/** Undefined: no state, or one that cannot be read. */
export async function readState({ root }: RunFolder): Promise<RunnerState | undefined> {
  try {
    return RunnerState.parse(JSON.parse(await readFile(join(root, 'state.json'), 'utf8')));
  } catch {
    return undefined; // then the workspace is made anew, which is always right
  }
}

export async function writeState({ root }: RunFolder, state: RunnerState): Promise<void> {
  await writeJson(join(root, 'state.json'), state);
}

/** `runner.json` and `agent.json` let the worker see, after a restart, which processes belong to the run. */
export async function writePidFile({ root }: RunFolder, name: 'runner' | 'agent', pid: number): Promise<void> {
  await writeJson(join(root, `${name}.json`), { pid, startedAt: new Date().toISOString() });
}

export async function removePidFile({ root }: RunFolder, name: 'runner' | 'agent'): Promise<void> {
  await rm(join(root, `${name}.json`), { force: true });
}

/** Whole or not at all, also when the power fails. */
async function writeJson(path: string, value: unknown): Promise<void> {
  const draft = `${path}.${process.pid}.tmp`;
  const file = await open(draft, 'w', 0o600);
  try {
    await file.writeFile(JSON.stringify(value));
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(draft, path);
}
