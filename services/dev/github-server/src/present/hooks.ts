import type { View } from '../forge.ts';
import type { DeliveryRecord, HookRecord, RepositoryRecord } from '../store/records.ts';
import { repositoryUrls } from './repositories.ts';

export function presentHook(view: View, repository: RepositoryRecord, hook: HookRecord) {
  const url = `${repositoryUrls(view, repository).api}/hooks/${hook.id}`;
  return {
    type: 'Repository',
    id: hook.id,
    name: 'web',
    active: hook.active,
    events: hook.events,
    config: {
      content_type: hook.contentType,
      insecure_ssl: hook.insecureSsl,
      url: hook.url,
      ...(hook.secret === null ? {} : { secret: '********' }),
    },
    updated_at: hook.updatedAt,
    created_at: hook.createdAt,
    url,
    test_url: `${url}/test`,
    ping_url: `${url}/pings`,
    deliveries_url: `${url}/deliveries`,
    last_response: hook.lastResponse,
  };
}

/** As in lists. */
export function presentDelivery(delivery: DeliveryRecord) {
  return {
    id: delivery.id,
    guid: delivery.guid,
    delivered_at: delivery.deliveredAt,
    redelivery: delivery.redelivery,
    duration: delivery.durationSec,
    status: delivery.status,
    status_code: delivery.statusCode,
    event: delivery.event,
    action: delivery.action,
    installation_id: null,
    repository_id: delivery.repositoryId,
    throttled_at: null,
  };
}

export function presentFullDelivery(delivery: DeliveryRecord) {
  const json = delivery.payload.startsWith('payload=') ? decodeURIComponent(delivery.payload.slice('payload='.length)) : delivery.payload;
  const payload: unknown = JSON.parse(json);
  return {
    ...presentDelivery(delivery),
    url: delivery.url,
    request: { headers: delivery.requestHeaders, payload },
    response: { headers: delivery.responseHeaders, payload: delivery.responseBody },
  };
}
