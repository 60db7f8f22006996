import { createUser, findUserByEmail, migrate, seedSystemAgents } from '@codex-k8s/store';
import type { Context } from './context.ts';

/** At start: the schema, the system agents, and the people named in the configuration; nothing a person changed is overwritten. */
export async function bootstrap({ config, store, log }: Context): Promise<void> {
  const applied = await migrate(store);
  if (applied.length > 0) log.info({ applied }, 'migrations applied');
  await seedSystemAgents(store.db, { program: config.agentProgram, model: config.agentModel });
  const owner = config.ownerEmail?.toLowerCase();
  if (owner) await createUser(store.db, { email: owner, isPlatformAdmin: true, isPlatformOwner: true });
  for (const email of config.adminEmails) {
    if (!(await findUserByEmail(store.db, email))) await createUser(store.db, { email, isPlatformAdmin: true });
  }
  for (const email of config.allowedEmails) await createUser(store.db, { email });
}
