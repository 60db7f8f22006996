import { createHmac, randomUUID } from 'node:crypto';
import { now, type Forge } from '../forge.ts';
import { presentRepository } from '../present/repositories.ts';
import { presentUser } from '../present/users.ts';
import type { DeliveryRecord, HookRecord, RepositoryRecord, UserRecord } from '../store/records.ts';

export interface EventSource {
  readonly repository: RepositoryRecord;
  readonly sender: UserRecord;
}

/** How many attempts are remembered per hook. */
const keptDeliveries = 1000;

/**
 * Queues an event for every hook that asked for it. Call it in the transaction of the change it tells about: both are kept or neither.
 */
export function publish(
  forge: Forge,
  { repository, sender }: EventSource,
  event: string,
  payload: Readonly<Record<string, unknown>>,
): void {
  const hooks = forge.store.hooks
    .list(repository.id)
    .filter((hook) => hook.active && (hook.events.includes('*') || hook.events.includes(event)));
  if (hooks.length === 0) return;
  const current = forge.store.repositories.get(repository.id) ?? repository;
  const body = { ...payload, repository: presentRepository(forge, current), sender: presentUser(forge, sender) };
  for (const hook of hooks) queueDelivery(forge, hook, event, body);
}

/** Queues one attempt; its body and headers are fixed now, so that a redelivery is the same to the byte. */
export function queueDelivery(forge: Forge, hook: HookRecord, event: string, body: Readonly<Record<string, unknown>>): DeliveryRecord {
  const json = JSON.stringify(body);
  const payload = hook.contentType === 'form' ? `payload=${encodeURIComponent(json)}` : json;
  const guid = randomUUID();
  const action = body['action'];
  const delivery = forge.store.deliveries.insert(
    { parent: hook.id },
    {
      hookId: hook.id,
      repositoryId: hook.repositoryId,
      guid,
      event,
      action: typeof action === 'string' ? action : null,
      redelivery: false,
      queued: true,
      deliveredAt: now(),
      durationSec: 0,
      statusCode: 0,
      status: '',
      url: hook.url,
      requestHeaders: requestHeaders(hook, event, guid, payload),
      payload,
      responseHeaders: {},
      responseBody: '',
    },
  );
  forgetOld(forge, hook.id, delivery.id);
  forge.wakeDeliveries(hook.id);
  return delivery;
}

function forgetOld(forge: Forge, hookId: number, newestId: number): void {
  if (newestId % 100 !== 0) return; // looking is not free, so only now and then
  const done = forge.store.deliveries.list(hookId).filter((delivery) => !delivery.queued);
  for (const old of done.slice(0, Math.max(0, done.length - keptDeliveries))) forge.store.deliveries.remove(old);
}

/** Another attempt of the same event: same guid, same bytes. */
export function queueRedelivery(forge: Forge, original: DeliveryRecord): DeliveryRecord {
  const { id: _, ...draft } = original;
  const attempt = { ...draft, redelivery: true, queued: true, deliveredAt: now(), statusCode: 0, status: '', durationSec: 0 };
  const delivery = forge.store.deliveries.insert({ parent: original.hookId }, { ...attempt, responseHeaders: {}, responseBody: '' });
  forge.wakeDeliveries(original.hookId);
  return delivery;
}

function requestHeaders(hook: HookRecord, event: string, guid: string, payload: string): Record<string, string> {
  const sign = (algorithm: 'sha1' | 'sha256', secret: string): string =>
    `${algorithm}=${createHmac(algorithm, secret).update(payload).digest('hex')}`;
  const signatures: Record<string, string> =
    hook.secret === null ? {} : { 'X-Hub-Signature': sign('sha1', hook.secret), 'X-Hub-Signature-256': sign('sha256', hook.secret) };
  return {
    Accept: '*/*',
    'Content-Type': hook.contentType === 'form' ? 'application/x-www-form-urlencoded' : 'application/json',
    'User-Agent': `GitHub-Hookshot/${guid.slice(0, 7)}`,
    'X-GitHub-Delivery': guid,
    'X-GitHub-Event': event,
    'X-GitHub-Hook-ID': String(hook.id),
    'X-GitHub-Hook-Installation-Target-ID': String(hook.repositoryId),
    'X-GitHub-Hook-Installation-Target-Type': 'repository',
    ...signatures,
  };
}
