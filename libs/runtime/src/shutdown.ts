import { once } from 'node:events';

/** Resolves with the name of the first SIGINT or SIGTERM. */
export async function shutdownSignal(): Promise<NodeJS.Signals> {
  const stop = new AbortController();
  const waitFor = async (signal: NodeJS.Signals): Promise<NodeJS.Signals> => {
    await once(process, signal, { signal: stop.signal });
    return signal;
  };
  try {
    return await Promise.race([waitFor('SIGINT'), waitFor('SIGTERM')]);
  } finally {
    stop.abort();
    // A loser of the race rejects with AbortError; nobody waits for it any more.
  }
}
