import type { Labels, RepositoryProvider } from '@codex-k8s/domain';
import { AppError } from '@codex-k8s/domain';
import { decryptSecret, type KeyProvider, type Logger } from '@codex-k8s/runtime';
import { getRepository, repositoryTokenContext, type Repository, type Run, type Store } from '@codex-k8s/store';
import type { Config } from '../config.ts';
import type { AgentRuntime } from './agent-runtime.ts';

/** What the reconcilers work with; made once in service.ts. */
export interface Context {
  readonly config: Config;
  readonly store: Store;
  readonly keys: KeyProvider;
  readonly labels: Labels;
  readonly log: Logger;
  readonly runtime: AgentRuntime;
  readonly providerFor: (token: string) => RepositoryProvider;
}

export const worker = { type: 'system', id: 'worker' } as const;

export interface Host {
  readonly repository: Repository;
  readonly provider: RepositoryProvider;
}

export function hostOfRepository(context: Context, repository: Repository): Host {
  return { repository, provider: context.providerFor(tokenOf(context, repository)) };
}

function tokenOf({ keys }: Context, { id, tokenEncrypted }: Repository): string {
  return decryptSecret(keys, { value: tokenEncrypted, context: repositoryTokenContext(id) });
}

/** For taking it out of texts; undefined once the repository was unbound. */
export async function tokenOfRepository(context: Context, { repositoryId }: Pick<Run, 'repositoryId'>): Promise<string | undefined> {
  const repository = repositoryId === null ? undefined : await getRepository(context.store.db, repositoryId);
  return repository && tokenOf(context, repository);
}

/** The code host of a run. `run.precondition_failed` once the repository was unbound. */
export async function hostOf(context: Context, { repositoryId }: Pick<Run, 'repositoryId'>): Promise<Host> {
  const repository = repositoryId === null ? undefined : await getRepository(context.store.db, repositoryId);
  if (!repository) throw new AppError('run.precondition_failed', 'The repository was removed from the platform.');
  return hostOfRepository(context, repository);
}
