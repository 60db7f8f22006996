import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { aMe, uuid } from '../testing/builders.ts';
import { aClusterLog, aClusterObject, aClusterUpdate, aListedObject } from '../testing/cluster-builders.ts';
import { refuse } from '../testing/mock-api.ts';
import { openConsole, type TestConsole } from '../testing/open-console.ts';

let page: TestConsole;
beforeEach(() => localStorage.setItem('codexk8s_locale', 'en'));
afterEach(() => page.close());

const configmap = '/admin/configmaps/shop-settings?namespace=shop';

async function editor(): Promise<HTMLTextAreaElement> {
  return page.until('the editor', () => document.querySelector<HTMLTextAreaElement>('[data-test="yaml"] textarea'));
}

/** Edits the text and lets the cluster try it. */
async function tryEdit(from: string, to: string): Promise<void> {
  await page.click('edit');
  const field = await editor();
  await page.until('an editor that takes text', () => !field.readOnly);
  field.value = field.value.replace(from, to);
  field.dispatchEvent(new Event('input'));
  await page.until('a button to try', () => page.all('try').some((button) => !(button as HTMLButtonElement).disabled));
  await page.click('try');
}

function submitDialog(): void {
  const forms = document.querySelectorAll('.v-dialog form');
  forms[forms.length - 1]?.dispatchEvent(new Event('submit', { bubbles: true, cancelable: true }));
}

describe('the list', () => {
  test('shows what the cluster prints, page by page, filtered by the address', async () => {
    page = await openConsole('/admin/pods?namespace=shop&name=web', {
      listClusterObjects: ({ query }) =>
        query.has('cursor')
          ? {
              items: [
                aListedObject({ uid: uuid(502), name: 'web-2', columns: { ready: '0/1', status: 'CrashLoopBackOff', restarts: '7' } }),
              ],
            }
          : { items: [aListedObject({ name: 'web-1', columns: { ready: '1/1', status: 'Running', restarts: '0' } })], next_cursor: 'more' },
    });
    await page.sees('web-1');

    await page.click('more');
    await page.sees('CrashLoopBackOff');

    expect(page.all('object')).toHaveLength(2);
    const [first] = page.api.calls.filter(({ operation }) => operation === 'listClusterObjects');
    expect(Object.fromEntries(new URLSearchParams(first?.query))).toEqual({ limit: '50', namespace: 'shop', name: 'web' });
    expect((await page.called('listClusterObjects')).query).toContain('cursor=more');
  });

  test('puts a filter into the address', async () => {
    page = await openConsole('/admin/secrets', { listClusterObjects: () => ({ items: [] }) });
    await page.sees('Nothing of this kind');

    await page.type('[data-test="namespace-filter"]', 'shop');

    await page.until('the address', () => page.router.currentRoute.value.query['namespace'] === 'shop');
    await page.sees('Nothing fits');
  });

  test('says that there is no cluster', async () => {
    page = await openConsole('/admin', {
      listClusterObjects: () => refuse(409, 'kube.not_configured', 'The platform is connected to no cluster.'),
    });

    await page.sees('No cluster is connected');
    expect(page.all('error')).toEqual([]);
  });

  test('says what went wrong and begins again', async () => {
    let isBroken = true;
    page = await openConsole('/admin/jobs', {
      listClusterObjects: () =>
        isBroken ? refuse(410, 'kube.list_expired', 'Too old.', { remedy: 'Begin the list again.' }) : { items: [aListedObject()] },
    });
    await page.sees('Begin the list again.');

    isBroken = false;
    await page.clickText('Try again');

    await page.sees('shop-settings');
  });

  test.each(['/admin/pods', '/admin/pods/web?namespace=shop'])('%s is not for people who are no platform admins', async (path) => {
    page = await openConsole(path, { getMe: () => aMe({ is_platform_admin: false, is_platform_owner: false }) });

    await page.sees('There is no such page, or it is not for you to see.');
  });

  test('of a kind that is none is not found', async () => {
    page = await openConsole('/admin/lunches');

    await page.sees('There is no such page');
  });
});

describe('a change', () => {
  test('is tried, shown as a difference, and applied with a reason', async () => {
    page = await openConsole(configmap, {
      getClusterObject: () => aClusterObject(),
      updateClusterObject: ({ body }) => aClusterUpdate({ applied: !body.dry_run }),
    });

    await tryEdit('red', 'green');
    await page.sees('The cluster accepts it.');
    expect((await page.called('updateClusterObject')).body).toMatchObject({ dry_run: true, resource_version: '1001' });
    await page.click('apply');
    await page.sees('Change shop-settings?');
    await page.type('[data-test="reason"]', 'The shop is green');
    submitDialog();

    await page.sees('shop-settings was changed');
    expect((await page.called('updateClusterObject')).body).toMatchObject({
      dry_run: false,
      resource_version: '1001',
      reason: 'The shop is green',
    });
    expect((await editor()).value).toContain('colour: green');
  });

  test('of what was shown is not applied after the text was edited again', async () => {
    page = await openConsole(configmap, { getClusterObject: () => aClusterObject(), updateClusterObject: () => aClusterUpdate() });
    await tryEdit('red', 'green');
    await page.find('apply');

    const field = await editor();
    field.value += '# more\n';
    field.dispatchEvent(new Event('input'));

    await page.until('no button to apply', () => page.all('apply').length === 0);
  });

  test('among agents is only tried', async () => {
    page = await openConsole(configmap, {
      getClusterObject: () => aClusterObject({ environment: 'ai' }),
      updateClusterObject: () => aClusterUpdate({ verdict: 'dry_run_only', code: 'cluster.dry_run_only' }),
    });
    await page.sees('Only tried.');

    await tryEdit('red', 'green');

    await page.sees('Dry run ok, action not allowed here.');
    expect(page.all('apply')).toEqual([]);
  });

  test('that somebody else was faster with shows both versions and goes on from the newer', async () => {
    const theirs = aClusterObject({ resource_version: '1009', yaml: aClusterObject().yaml.replace('Good day', 'Hello') });
    let asked = 0;
    page = await openConsole(configmap, {
      getClusterObject: () => (asked++ === 0 ? aClusterObject() : theirs),
      updateClusterObject: ({ body }) =>
        body.resource_version === '1001'
          ? refuse(409, 'kube.conflict', 'ConfigMap shop/shop-settings has been changed meanwhile.')
          : aClusterUpdate(),
    });

    await tryEdit('red', 'green');
    await page.sees('Somebody else changed this meanwhile.');
    await page.until('what the cluster has now', () => document.querySelector('[data-test="diff"] pre')?.textContent?.includes('Hello'));
    const mine = document.querySelector<HTMLTextAreaElement>('[data-test="diff"] textarea');
    expect(mine?.value).toContain('colour: green');
    await page.click('go-on');
    await page.click('try');

    await page.sees('The cluster accepts it.');
    expect((await page.called('updateClusterObject')).body).toMatchObject({
      resource_version: '1009',
      yaml: expect.stringContaining('green'),
    });
  });

  test('can be given up for what the cluster has', async () => {
    const theirs = aClusterObject({ resource_version: '1009', yaml: aClusterObject().yaml.replace('Good day', 'Hello') });
    let asked = 0;
    page = await openConsole(configmap, {
      getClusterObject: () => (asked++ === 0 ? aClusterObject() : theirs),
      updateClusterObject: () => refuse(409, 'kube.conflict', 'Changed meanwhile.'),
    });
    await tryEdit('red', 'green');
    await page.until('what the cluster has now', () => document.querySelector('[data-test="diff"] pre')?.textContent?.includes('Hello'));

    await page.click('take');

    expect((await editor()).value).toBe(theirs.yaml);
  });

  test('that the cluster refuses keeps the text and says why', async () => {
    page = await openConsole(configmap, {
      getClusterObject: () => aClusterObject(),
      updateClusterObject: () => refuse(422, 'kube.rejected', 'unknown field "data.colours"', { remedy: 'Read the message.' }),
    });

    await tryEdit('red', 'green');

    await page.sees('unknown field "data.colours"');
    expect((await editor()).value).toContain('green');
  });
});

describe('the guardrails', () => {
  test('show the platform as view-only in production', async () => {
    page = await openConsole(configmap, { getClusterObject: () => aClusterObject({ environment: 'production', platform_object: true }) });
    await page.sees('This is part of the platform in production.');

    const disabled = ['edit', 'delete'].map((name) => (page.all(name)[0] as HTMLButtonElement).disabled);

    expect(disabled).toEqual([true, true]);
    expect((await editor()).readOnly).toBe(true);
  });

  test('let the platform be changed elsewhere, and never deleted', async () => {
    page = await openConsole(configmap, { getClusterObject: () => aClusterObject({ environment: 'dev', platform_object: true }) });
    await page.sees('Cannot be deleted.');

    const disabled = ['edit', 'delete'].map((name) => (page.all(name)[0] as HTMLButtonElement).disabled);

    expect(disabled).toEqual([false, true]);
  });

  test('ask the cluster before a deletion can be confirmed', async () => {
    page = await openConsole(configmap, {
      getClusterObject: () => aClusterObject(),
      deleteClusterObject: ({ body }) => ({ applied: !body.dry_run, verdict: 'allowed' }),
      listClusterObjects: () => ({ items: [] }),
    });
    await page.click('delete');
    await page.sees('The cluster would delete it.');
    expect((await page.called('deleteClusterObject')).body).toEqual({ uid: uuid(501), dry_run: true });

    await page.type('.v-dialog', 'Not needed');
    submitDialog();

    await page.sees('shop-settings is being deleted');
    expect((await page.called('deleteClusterObject')).body).toEqual({ uid: uuid(501), dry_run: false, reason: 'Not needed' });
    await page.sees('Nothing fits');
    expect(page.router.currentRoute.value.fullPath).toBe('/admin/configmaps?namespace=shop');
  });

  test('leave a deletion among agents at the try', async () => {
    page = await openConsole(configmap, {
      getClusterObject: () => aClusterObject({ environment: 'ai' }),
      deleteClusterObject: () => ({ applied: false, verdict: 'dry_run_only', code: 'cluster.dry_run_only' }),
    });

    await page.click('delete');

    await page.sees('Dry run ok, action not allowed here.');
    expect((await page.find('confirm')) as HTMLButtonElement).toHaveProperty('disabled', true);
  });
});

test('a Secret shows its keys and sizes, and says that values are not shown', async () => {
  const yaml = 'apiVersion: v1\nkind: Secret\nmetadata:\n  name: keys\ntype: Opaque\n';
  page = await openConsole('/admin/secrets/keys?namespace=shop&tab=keys', {
    getClusterObject: () => aClusterObject({ kind: 'secrets', name: 'keys', yaml, keys: [{ name: 'password', bytes: 1_024 }] }),
  });

  await page.sees('Values of Secrets are not shown here');

  expect(page.all('key').map(({ textContent }) => textContent?.replaceAll(/\s+/g, ' ').trim())).toEqual(['password1,024']);
});

test('a log is shown per container, with colours taken for what they are', async () => {
  page = await openConsole('/admin/jobs/shop-import?namespace=shop&tab=logs', {
    getClusterObject: () => aClusterObject({ kind: 'jobs', name: 'shop-import', keys: [] }),
    getClusterLogs: ({ query }) => aClusterLog({ container: query.get('container') ?? 'import' }),
  });
  await page.sees('1204 orders imported');
  await page.sees('warning line 12 has no price');

  const selects = document.querySelectorAll<HTMLSelectElement>('[data-test="cluster-log"] select');
  const [, containers] = selects;
  if (containers) containers.value = 'proxy';
  containers?.dispatchEvent(new Event('change', { bubbles: true }));

  await page.until('the other log', () => page.api.calls.some(({ query }) => query.includes('container=proxy')));
});

test('a container without a log says why', async () => {
  page = await openConsole('/admin/pods/web?namespace=shop&tab=logs', {
    getClusterObject: () => aClusterObject({ kind: 'pods', name: 'web', keys: [] }),
    getClusterLogs: () => refuse(409, 'kube.no_logs', 'Pod web is on no node yet.'),
  });

  await page.sees('Pod web is on no node yet.');
});
