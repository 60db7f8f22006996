import { z } from 'zod';
import { notFound, validationFailed } from '../errors.ts';
import { changeHook, createHook, deleteHook, pingHook, type HookChanges as HookDraftChanges } from '../app/hooks.ts';
import { presentDelivery, presentFullDelivery, presentHook } from '../present/hooks.ts';
import type { DeliveryRecord, HookRecord } from '../store/records.ts';
import { queueRedelivery } from '../webhooks/publish.ts';
import { created, noContent, ok, pageOf, parseBody, signedIn, type Answer, type RepositoryCall, type Route } from './route.ts';
import { paged } from './route.ts';

const HookConfig = z.object({
  url: z.url({ protocol: /^https?$/ }).optional(),
  content_type: z.enum(['json', 'form']).optional(),
  secret: z.string().optional(),
  insecure_ssl: z.union([z.enum(['0', '1']), z.number().transform((value) => (value === 0 ? ('0' as const) : ('1' as const)))]).optional(),
});
const Events = z.array(z.string().regex(/^[a-z_*]+$/)).min(1);
const NewHook = z.object({ config: HookConfig, events: Events.optional(), active: z.boolean().optional() });
const HookChanges = z.object({
  config: HookConfig.optional(),
  events: Events.optional(),
  add_events: Events.optional(),
  remove_events: Events.optional(),
  active: z.boolean().optional(),
});

function hookOf({ forge, repository, params }: RepositoryCall): HookRecord {
  const hook = forge.store.hooks.get(Number(params['hook']));
  if (!hook || hook.repositoryId !== repository.id) throw notFound();
  return hook;
}

function deliveryOf(call: RepositoryCall): DeliveryRecord {
  const delivery = call.forge.store.deliveries.get(Number(call.params['delivery']));
  if (!delivery || delivery.hookId !== hookOf(call).id) throw notFound();
  return delivery;
}

function draftOf(config: z.infer<typeof HookConfig> | undefined): HookDraftChanges {
  return {
    url: config?.url,
    secret: config?.secret,
    contentType: config?.content_type,
    insecureSsl: config?.insecure_ssl,
  };
}

function create(call: RepositoryCall): Answer {
  const { config, events, active } = parseBody(NewHook, call.body, 'Hook');
  if (config.url === undefined) throw validationFailed({ resource: 'Hook', code: 'custom', message: 'url cannot be blank' });
  const hook = createHook(call.forge, call.repository, signedIn(call), { ...draftOf(config), url: config.url, events, active });
  const presented = presentHook(call.forge, call.repository, hook);
  return created(presented, presented.url);
}

function change(call: RepositoryCall): Answer {
  const hook = hookOf(call);
  const body = parseBody(HookChanges, call.body, 'Hook');
  const removed = new Set(body.remove_events);
  const events = [...new Set([...(body.events ?? hook.events), ...(body.add_events ?? [])])].filter((event) => !removed.has(event));
  const changed = changeHook(call.forge, call.repository, hook, { ...draftOf(body.config), events, active: body.active });
  return ok(presentHook(call.forge, call.repository, changed));
}

/** Newest first, paged by cursor as on GitHub; what is still queued is not listed, so that a page may be shorter. */
function deliveries(call: RepositoryCall): Answer {
  const { perPage } = pageOf(call.query);
  const before = Number(call.query['cursor'] ?? Number.MAX_SAFE_INTEGER);
  const hook = hookOf(call).id;
  const found = call.forge.store.deliveries.before(hook, { id: before, limit: perPage + 1 });
  const shown = found.slice(0, perPage).filter(({ queued }) => !queued);
  const last = found.at(perPage - 1);
  if (found.length <= perPage || !last) return ok(shown.map(presentDelivery));
  const next = new URL(call.url);
  next.searchParams.set('cursor', String(last.id));
  return { status: 200, body: shown.map(presentDelivery), headers: { link: `<${next.href}>; rel="next"` } };
}

const hooks = '/repos/:owner/:repo/hooks';
const one = `${hooks}/:hook`;

export const hookRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: hooks,
    access: 'admin',
    handle: (call) =>
      paged(call, call.forge.store.hooks.list(call.repository.id), (hook) => presentHook(call.forge, call.repository, hook)),
  },
  { method: 'POST', path: hooks, access: 'admin', handle: create },
  { method: 'GET', path: one, access: 'admin', handle: (call) => ok(presentHook(call.forge, call.repository, hookOf(call))) },
  { method: 'PATCH', path: one, access: 'admin', handle: change },
  {
    method: 'DELETE',
    path: one,
    access: 'admin',
    handle: (call) => {
      deleteHook(call.forge, hookOf(call));
      return noContent;
    },
  },
  {
    method: 'POST',
    path: `${one}/pings`,
    access: 'admin',
    handle: (call) => {
      pingHook(call.forge, call.repository, signedIn(call), hookOf(call));
      return noContent;
    },
  },
  { method: 'GET', path: `${one}/deliveries`, access: 'admin', handle: deliveries },
  { method: 'GET', path: `${one}/deliveries/:delivery`, access: 'admin', handle: (call) => ok(presentFullDelivery(deliveryOf(call))) },
  {
    method: 'POST',
    path: `${one}/deliveries/:delivery/attempts`,
    access: 'admin',
    handle: (call) => {
      queueRedelivery(call.forge, deliveryOf(call));
      return { status: 202, body: {} };
    },
  },
];
