import type { KeyProvider, Logger } from '@codex-k8s/runtime';
import { decryptSecret } from '@codex-k8s/runtime';
import type { Labels, RepositoryProvider } from '@codex-k8s/domain';
import type { Kube } from '@codex-k8s/kube';
import { repositoryTokenContext, type Repository, type Store } from '@codex-k8s/store';
import type { Config } from '../config.ts';

/** What the use cases work with; made once in service.ts. */
export interface Context {
  readonly config: Config;
  readonly store: Store;
  readonly keys: KeyProvider;
  readonly labels: Labels;
  readonly log: Logger;
  /** After the transaction that created a run. */
  readonly announceRun: () => void;
  /** A client of the code host in the name of a token. */
  readonly providerFor: (token: string) => RepositoryProvider;
  /** The claims of a run token; throws `auth.unauthorized`. */
  readonly verifyRunToken: (token: string) => Promise<Readonly<Record<string, unknown>>>;
  /** Seconds until an attempt that works is to say again that it lives. */
  readonly heartbeatSec: () => Promise<number>;
  /** The cluster of the admin pages; the trial has none. */
  readonly kube: Kube | undefined;
}

export const system = { type: 'system', id: 'control-plane' } as const;

export function repositoryToken(context: Context, repository: Repository): string {
  return decryptSecret(context.keys, { value: repository.tokenEncrypted, context: repositoryTokenContext(repository.id) });
}

/** The code host in the name of the repository's own token. */
export function providerOf(context: Context, repository: Repository): RepositoryProvider {
  return context.providerFor(repositoryToken(context, repository));
}
