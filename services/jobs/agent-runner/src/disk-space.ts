import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describeError, saysDiskFull } from '@codex-k8s/domain';
import type { RunFolder } from './run-folder.ts';

/** Enough for what an attempt still has to write, and for a row of a database on the same disk. */
const neededBytes = 256 * 1024;

export async function isDiskFull({ root }: RunFolder): Promise<boolean> {
  const probe = join(root, `.probe-${process.pid}`);
  try {
    await writeFile(probe, Buffer.alloc(neededBytes));
    return false;
  } catch (error) {
    return saysDiskFull(describeError(error).message);
  } finally {
    await rm(probe, { force: true });
  }
}

/**
 * Removes what a failed attempt has on the disk. It is of no use any more, and as long as it fills the disk the platform can neither
 * record the failure nor work on anything else, when its database lives there too, as in the trial.
 */
export async function makeRoom({ workspace, home }: RunFolder): Promise<void> {
  for (const folder of [workspace, join(home, 'tmp')]) {
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
    await mkdir(folder, { recursive: true });
  }
}
