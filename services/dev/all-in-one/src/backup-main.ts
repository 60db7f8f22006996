/** `backup-main.ts backup|restore FOLDER FILE`: one JSON object on standard output, or the error object on standard error. */
import { describeError, errorCodes } from '@codex-k8s/domain';
import { backUpDataFolder, restoreDataFolder } from './data-folder.ts';

const acts = { backup: backUpDataFolder, restore: restoreDataFolder };

const [act, dataDir = '', file = ''] = process.argv.slice(2);
try {
  if (act !== 'backup' && act !== 'restore') throw new Error('The first argument is backup or restore.');
  process.stdout.write(`${JSON.stringify(acts[act]({ dataDir, file }))}\n`);
} catch (error) {
  const { code, message } = describeError(error);
  process.stderr.write(`${JSON.stringify({ code, message, remedy: errorCodes[code].remedy })}\n`);
  process.exitCode = 1;
}
