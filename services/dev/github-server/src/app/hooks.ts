import { validationFailed } from '../errors.ts';
import { now, type Forge } from '../forge.ts';
import { presentHook } from '../present/hooks.ts';
import { presentRepository } from '../present/repositories.ts';
import { presentUser } from '../present/users.ts';
import type { HookRecord, RepositoryRecord, UserRecord } from '../store/records.ts';
import { queueDelivery } from '../webhooks/publish.ts';

export interface HookDraft {
  readonly url: string;
  readonly secret?: string | undefined;
  readonly contentType?: 'json' | 'form' | undefined;
  readonly insecureSsl?: '0' | '1' | undefined;
  readonly events?: readonly string[] | undefined;
  readonly active?: boolean | undefined;
}

/** Absent and undefined fields stay as they are. */
export type HookChanges = { readonly [K in keyof HookDraft]?: HookDraft[K] | undefined };

/** Creates the hook and pings it. Two hooks of one repository may not have the same address. */
export function createHook(forge: Forge, repository: RepositoryRecord, actor: UserRecord, draft: HookDraft): HookRecord {
  refuseTaken(forge, repository, draft.url);
  const at = now();
  return forge.store.transaction(() => {
    const hook = forge.store.hooks.insert(
      { parent: repository.id },
      {
        repositoryId: repository.id,
        active: draft.active ?? true,
        events: draft.events ?? ['push'],
        url: draft.url,
        secret: draft.secret ?? null,
        contentType: draft.contentType ?? 'form',
        insecureSsl: draft.insecureSsl ?? '0',
        createdAt: at,
        updatedAt: at,
        lastResponse: { code: null, status: 'unused', message: null },
      },
    );
    if (hook.active) pingHook(forge, repository, actor, hook);
    return hook;
  });
}

function refuseTaken(forge: Forge, repository: RepositoryRecord, url: string, except?: number): void {
  const taken = forge.store.hooks.list(repository.id).some((hook) => hook.url === url && hook.id !== except);
  if (taken) throw validationFailed({ resource: 'Hook', code: 'custom', message: 'Hook already exists on this repository' });
}

export function changeHook(forge: Forge, repository: RepositoryRecord, hook: HookRecord, draft: HookChanges): HookRecord {
  if (draft.url !== undefined) refuseTaken(forge, repository, draft.url, hook.id);
  return forge.store.hooks.change(hook, {
    url: draft.url ?? hook.url,
    secret: draft.secret ?? hook.secret,
    contentType: draft.contentType ?? hook.contentType,
    insecureSsl: draft.insecureSsl ?? hook.insecureSsl,
    events: draft.events ?? hook.events,
    active: draft.active ?? hook.active,
    updatedAt: now(),
  });
}

export function pingHook(forge: Forge, repository: RepositoryRecord, actor: UserRecord, hook: HookRecord): void {
  const { deliveries_url: deliveriesUrl, ...presented } = presentHook(forge, repository, hook);
  queueDelivery(forge, hook, 'ping', {
    zen: 'Anything added dilutes everything else.',
    hook_id: hook.id,
    hook: { ...presented, deliveries_url: deliveriesUrl },
    repository: presentRepository(forge, repository),
    sender: presentUser(forge, actor),
  });
}

export function deleteHook(forge: Forge, hook: HookRecord): void {
  forge.store.transaction(() => {
    for (const delivery of forge.store.deliveries.list(hook.id)) forge.store.deliveries.remove(delivery);
    forge.store.hooks.remove(hook);
  });
}
