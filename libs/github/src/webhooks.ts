import type { HookDelivery, RepositoryProvider, RepositoryRef } from '@codex-k8s/domain';
import { at, orUndefined, pageSize } from './at.ts';
import { translateErrors } from './errors.ts';
import { toHookDelivery } from './map-objects.ts';
import type { GithubOctokit } from './octokit.ts';

type Calls = Pick<RepositoryProvider, 'ensureWebhook' | 'deleteWebhook' | 'listHookDeliveries' | 'redeliver'>;

/** A hook is ours when its address is: the secret cannot be read back and the events may have changed. */
export function webhookCalls(octokit: GithubOctokit): Calls {
  async function findHook(ref: RepositoryRef, url: string): Promise<number | undefined> {
    const hooks = await octokit.paginate(octokit.rest.repos.listWebhooks, { ...at(ref), per_page: pageSize });
    return hooks.find((hook) => hook.config.url === url)?.id;
  }

  return {
    ensureWebhook: (ref, { url, secret, events }) =>
      translateErrors('set up the webhook', async () => {
        const config = { url, secret, content_type: 'json', insecure_ssl: '0' };
        const hookId = await findHook(ref, url);
        if (hookId !== undefined) {
          await octokit.rest.repos.updateWebhook({ ...at(ref), hook_id: hookId, config, events: [...events], active: true });
          return { hookId, created: false };
        }
        const { data } = await octokit.rest.repos.createWebhook({ ...at(ref), name: 'web', config, events: [...events], active: true });
        return { hookId: data.id, created: true };
      }),

    deleteWebhook: (ref, url) =>
      translateErrors('delete the webhook', async () => {
        const hookId = await findHook(ref, url);
        if (hookId !== undefined) await orUndefined(() => octokit.rest.repos.deleteWebhook({ ...at(ref), hook_id: hookId }));
      }),

    listHookDeliveries: (ref, hookId, since) =>
      translateErrors('list webhook deliveries', async () => {
        const found: HookDelivery[] = [];
        const request = { ...at(ref), hook_id: hookId, per_page: pageSize };
        for await (const { data } of octokit.paginate.iterator(octokit.rest.repos.listWebhookDeliveries, request)) {
          const page = data.map(toHookDelivery);
          found.push(...page.filter(({ deliveredAt }) => deliveredAt >= since));
          if (page.some(({ deliveredAt }) => deliveredAt < since)) break; // newest first: the rest is older still
        }
        return found;
      }),

    redeliver: (ref, hookId, deliveryId) =>
      translateErrors('redeliver a webhook', async () => {
        await octokit.rest.repos.redeliverWebhookDelivery({ ...at(ref), hook_id: hookId, delivery_id: deliveryId });
      }),
  };
}
