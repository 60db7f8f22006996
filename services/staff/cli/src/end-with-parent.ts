/** Loaded into the platform's process before its own code: when the command that started it is gone, however it ended, it stops too. */
import { isMainThread } from 'node:worker_threads';

if (isMainThread && process.channel) {
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
  process.channel.unref();
}
