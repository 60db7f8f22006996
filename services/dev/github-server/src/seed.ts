import { createHook } from './app/hooks.ts';
import { createIssue } from './app/issues.ts';
import { createLabel, findLabel } from './app/labels.ts';
import { findRepository, findUser } from './app/permissions.ts';
import { createRepository } from './app/repositories.ts';
import { saveToken } from './app/tokens.ts';
import { now, type Forge } from './forge.ts';
import type { Permission, RepositoryRecord, UserRecord } from './store/records.ts';

/** What should be there. Seeding again adds what is missing and changes nothing that is there. */
export interface Seed {
  readonly users?: readonly SeedUser[];
  readonly repositories?: readonly SeedRepository[];
  readonly oauthApps?: readonly SeedOauthApp[];
}

export interface SeedUser {
  readonly login: string;
  readonly name?: string;
  readonly type?: 'User' | 'Bot';
  readonly emails?: readonly { readonly email: string; readonly primary?: boolean; readonly verified?: boolean }[];
  /** Personal access tokens, any text. */
  readonly tokens?: readonly string[];
}

export interface SeedRepository {
  readonly owner: string;
  readonly name: string;
  readonly private?: boolean;
  readonly description?: string;
  readonly defaultBranch?: string;
  /** Login -> permission. */
  readonly collaborators?: Readonly<Record<string, Permission>>;
  /** Path -> text of the first commit. */
  readonly files?: Readonly<Record<string, string>>;
  readonly labels?: readonly { readonly name: string; readonly color?: string; readonly description?: string }[];
  /** Created once, with the repository. */
  readonly issues?: readonly {
    readonly title: string;
    readonly body?: string;
    readonly labels?: readonly string[];
    readonly author?: string;
  }[];
  /** By address: a hook that is there is left alone. */
  readonly hooks?: readonly { readonly url: string; readonly secret?: string; readonly events?: readonly string[] }[];
}

export interface SeedOauthApp {
  readonly clientId: string;
  readonly clientSecret: string;
  readonly redirectUris: readonly string[];
}

export async function applySeed(forge: Forge, { users = [], repositories = [], oauthApps = [] }: Seed): Promise<void> {
  forge.store.transaction(() => {
    for (const user of users) seedUser(forge, user);
    for (const app of oauthApps) {
      if (!forge.store.oauthApps.find('', app.clientId)) forge.store.oauthApps.insert({ parent: '', name: app.clientId }, app);
    }
  });
  for (const repository of repositories) await seedRepository(forge, repository);
}

function seedUser({ store }: Forge, { login, name, type = 'User', emails = [], tokens = [] }: SeedUser): void {
  const user =
    findUser(store, login) ??
    store.users.insert(
      { parent: '', name: login.toLowerCase() },
      {
        login,
        name: name ?? null,
        type,
        emails: emails.map(({ email, primary = emails.length === 1, verified = true }) => ({ email, primary, verified })),
        createdAt: now(),
      },
    );
  for (const token of tokens) saveToken(store, user, token, ['repo', 'workflow', 'user', 'admin:repo_hook']);
}

async function seedRepository(forge: Forge, seed: SeedRepository): Promise<void> {
  const owner = knownUser(forge, seed.owner);
  const existing = findRepository(forge.store, seed.owner, seed.name);
  const repository = existing ?? (await createSeeded(forge, owner, seed));
  forge.store.transaction(() => {
    for (const label of seed.labels ?? []) {
      if (!findLabel(forge, repository, label.name)) createLabel(forge, repository, label);
    }
    const known = new Set(forge.store.hooks.list(repository.id).map(({ url }) => url));
    for (const hook of seed.hooks ?? []) {
      if (!known.has(hook.url)) createHook(forge, repository, owner, { contentType: 'json', events: ['*'], ...hook });
    }
    if (existing) return;
    for (const { author, ...issue } of seed.issues ?? []) {
      createIssue(forge, repository, author === undefined ? owner : knownUser(forge, author), issue);
    }
  });
}

function createSeeded(forge: Forge, owner: UserRecord, seed: SeedRepository): Promise<RepositoryRecord> {
  const collaborators = Object.entries(seed.collaborators ?? {}).map(([login, permission]) => [knownUser(forge, login).id, permission]);
  return createRepository(forge, {
    owner,
    name: seed.name,
    private: seed.private,
    description: seed.description,
    defaultBranch: seed.defaultBranch,
    collaborators: Object.fromEntries(collaborators),
    files: seed.files,
  });
}

function knownUser(forge: Forge, login: string): UserRecord {
  const user = findUser(forge.store, login);
  if (!user) throw new Error(`The seed names the user ${login}, who is not there.`);
  return user;
}
