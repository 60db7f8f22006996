/** A platform with more people, repositories and tokens than the trial: what the stories about failures need. */
import { join } from 'node:path';
import { createUser, linkGithubIdentity, upsertMember } from '@codex-k8s/store';
import { sql } from 'kysely';
import { startSeparateServices, type SeparateServices } from './separate-services.ts';

const logins = ['reader', 'outsider', 'stranger'] as const;

/** The token at the development GitHub of one of the people beside the owner. */
export const tokenOf = (login: string): string => `token-of-${login}`;

export async function startFailurePlatform(dataDir: string): Promise<SeparateServices> {
  const collaborators = { 'codex-bot': 'admin', robot: 'write', ...Object.fromEntries(logins.map((name) => [name, 'write'])) } as const;
  const owner = 'demo-owner';
  const platform = await startSeparateServices({
    dataDir,
    workers: 1,
    environment: { CODEXK8S_API_RATE_PER_MINUTE: '100000' }, // many stories ask at once
    workerEnvironment: { CODEXK8S_TRIAL_AGENT_PATH: join(import.meta.dirname, 'flooding-agent.mjs') },
    seed: {
      users: [
        ...logins.map((login) => ({ login, tokens: [tokenOf(login)] })),
        { login: 'robot', type: 'Bot', tokens: [tokenOf('robot')] },
        { login: 'codex-bot', tokens: ['bot-token-to-revoke', 'bot-token-after-it', 'bot-token-of-gone'] },
      ],
      repositories: ['people', 'gone', 'revoked'].map((name) => ({ owner, name, collaborators, files: { 'README.md': name } })),
    },
  });
  await sql`update core.agent_policies set max_parallel_runs = 50`.execute(platform.store.db);
  await sql`update core.projects set settings = settings || '{"max_parallel_runs": 20}'`.execute(platform.store.db);
  await knowPeople(platform);
  return platform;
}

/** `reader` may read the project, `outsider` is a user without a project, `stranger` is nobody. */
async function knowPeople({ api, store: { db }, projectId }: SeparateServices): Promise<void> {
  for (const login of ['reader', 'outsider'] as const) {
    const { id: githubUserId } = await api.github<{ id: number }>('GET', `/users/${login}`);
    const user = await createUser(db, { email: `${login}@demo.example` });
    if (!user) throw new Error(`${login} was not created`);
    await linkGithubIdentity(db, { id: user.id, githubUserId, githubLogin: login });
    if (login === 'reader') await upsertMember(db, { projectId, userId: user.id, role: 'read' });
  }
}
