/**
 * Resolves with the first SIGINT or SIGTERM, from the call on. It keeps listening: a terminal, npm and whoever runs us may each send one,
 * and the second must not cut the orderly stop short, which would leave agents behind. A stop that hangs is ended after `withinMs`.
 */
export async function shutdownSignal({ withinMs = 20_000 }: { withinMs?: number } = {}): Promise<NodeJS.Signals> {
  const first = await new Promise<NodeJS.Signals>((resolve) => {
    for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, resolve);
  });
  setTimeout(() => process.exit(1), withinMs).unref();
  return first;
}
