/** A platform admin's way through the pages over a real cluster, in a real browser, with the documented rights of the control plane. */
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { applyObject, connectKube, labels, readClusterObject, readManifests, writeTokenKubeconfig } from '@codex-k8s/kube';
import axe from 'axe-core';
import { chromium, selectors, type Browser, type Page } from 'playwright-core';
import { afterAll, beforeAll, expect, inject, test, vi } from 'vitest';
import { startTrial, trialFolder, type Trial } from '../e2e/trial-platform.ts';

selectors.setTestIdAttribute('data-test');

const root = join(import.meta.dirname, '..', '..');
/** Committed pictures are made on purpose only: `CODEXK8S_DOC_IMAGES=1 npm run test:cluster`. */
const images = process.env['CODEXK8S_DOC_IMAGES'] === '1' ? join(root, 'docs/images') : undefined;
const kube = connectKube({ kubeconfig: inject('kubeconfig') });
const folder = trialFolder();
const shop = `shop-${randomUUID().slice(0, 6)}`;
const [production, slot] = [`${shop}-prod`, `${shop}-slot`];
const secretValue = 'hunter2-in-the-browser';
const ours = { [labels.partOf]: 'codex-k8s' };
let trial: Trial;
let browser: Browser;
let page: Page;
const problems: string[] = [];

async function aConfigMap(namespace: string, own: Record<string, string> = {}, greeting = 'Good day'): Promise<void> {
  const data = { colour: 'red', greeting, opens: '08:00', closes: '18:00' };
  const metadata = { name: 'shop-settings', namespace, labels: { app: 'shop', ...own } };
  await applyObject(kube, { apiVersion: 'v1', kind: 'ConfigMap', metadata, data } as never); // the general type has no data
}

async function fillCluster(): Promise<void> {
  for (const [name, environment] of [
    [shop, 'dev'],
    [production, 'production'],
    [slot, 'ai'],
  ] as const) {
    await kube.core.createNamespace({ body: { metadata: { name, labels: { [labels.environment]: environment } } } });
    await aConfigMap(name, name === production ? ours : {});
  }
  await kube.core.createNamespacedSecret({
    namespace: shop,
    body: { metadata: { name: 'payment' }, stringData: { password: secretValue } },
  });
  const template = {
    metadata: { labels: { app: 'web' } },
    spec: {
      nodeSelector: { type: 'kwok' },
      tolerations: [{ key: 'kwok.x-k8s.io/node', operator: 'Exists' }],
      containers: [{ name: 'web', image: 'shop/web:1.4.2' }],
    },
  };
  const spec = { replicas: 3, selector: { matchLabels: { app: 'web' } }, template };
  await kube.objects.create({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web', namespace: shop }, spec } as never); // nor a spec
  await kube.core.createNamespacedPod({
    namespace: shop,
    body: {
      metadata: { name: 'import-once' },
      spec: { nodeSelector: { type: 'nowhere' }, containers: [{ name: 'import', image: 'shop/import:2' }] },
    },
  });
}

beforeAll(async () => {
  execFileSync('npm', ['run', '-s', 'build', '-w', 'services/staff/web-console'], { cwd: root, stdio: 'ignore' });
  for (const manifest of readManifests(readFileSync(join(root, 'deploy/kubernetes/control-plane-rights.yaml'), 'utf8'))) {
    await applyObject(kube, manifest);
  }
  const kubeconfig = join(folder.path, 'control-plane.kubeconfig');
  await writeTokenKubeconfig(kube, { namespace: 'codex-k8s', serviceAccount: 'codex-k8s-control-plane', path: kubeconfig });
  await fillCluster();
  trial = await startTrial({ dataDir: folder.path, env: { CODEXK8S_KUBECONFIG: kubeconfig } });
  browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--no-first-run'],
  });
  const context = await browser.newContext({
    viewport: { width: 1440, height: 900 },
    locale: 'en',
    colorScheme: 'light',
    reducedMotion: 'reduce',
  });
  page = await context.newPage();
  page.setDefaultTimeout(30_000);
  page.on('pageerror', (error) => problems.push(error.message));
  // What the API refuses shows as a failed load; the stories below wait for what the page says about it.
  page.on('console', (message) => message.type() === 'error' && !message.text().includes('409') && problems.push(message.text()));
  await page.goto(trial.consoleUrl);
}, 240_000);

afterAll(async () => {
  await browser?.close();
  await trial?.stop();
  for (const name of [shop, production, slot]) await kube.core.deleteNamespace({ name }).catch(() => undefined); // not made when the set-up failed
  folder.remove();
});

async function open(path: string): Promise<void> {
  await page.goto(new URL(path, trial.consoleUrl).href);
  await page.locator('h1').waitFor();
  await vi.waitFor(async () => expect(await page.locator('[aria-busy="true"]').count()).toBe(0), 30_000);
}

async function picture(name: string): Promise<void> {
  if (!images) return;
  mkdirSync(images, { recursive: true });
  await page.screenshot({ path: join(images, `${name}.png`) });
}

async function violations(): Promise<string[]> {
  await page.evaluate(axe.source);
  return page.evaluate(async () => {
    const { axe: engine } = globalThis as unknown as {
      axe: { run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> };
    }; // put there by the line above
    return (await engine.run()).violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html ?? ''}`);
  });
}

/** Replaces a word of the text in the editor, as a person does. */
async function replaceWord(word: string, by: string): Promise<void> {
  await page.getByTestId('edit').click();
  await page.getByTestId('yaml').getByText(word, { exact: false }).last().waitFor();
  const line = page.getByTestId('yaml').locator('.view-line', { hasText: word });
  await line.locator('span', { hasText: word }).last().dblclick();
  await page.keyboard.type(by);
}

test('lists show what the cluster prints', async () => {
  await vi.waitFor(async () => {
    const { items } = await kube.core.listNamespacedPod({ namespace: shop, labelSelector: 'app=web' });
    expect(items.filter(({ status }) => status?.phase === 'Running')).toHaveLength(3);
  }, 30_000);
  await open(`/admin/pods?namespace=${shop}`);

  expect(await page.getByTestId('object').count()).toBe(4);
  expect(await page.getByTestId('object').filter({ hasText: 'import-once' }).textContent()).toContain('Pending');
  expect(await violations()).toEqual([]);
  await picture('cluster-pods');
  await page.getByRole('link', { name: 'Deployments' }).click();
  await page.getByTestId('object').filter({ hasText: '3/3' }).waitFor();
  expect(problems).toEqual([]);
});

test('a change is tried, compared and applied with a reason', async () => {
  await open(`/admin/configmaps/shop-settings?namespace=${shop}`);
  await replaceWord('red', 'green');
  await page.getByTestId('try').click();
  await page.getByText('The cluster accepts it.').waitFor();
  await page.locator('.char-insert, .line-insert').first().waitFor();
  expect(await violations()).toEqual([]);
  await picture('cluster-change');
  await page.getByTestId('apply').click();
  await page.getByTestId('reason').locator('textarea:visible').first().fill('The shop is green now');
  expect(await violations()).toEqual([]);
  await page.getByTestId('confirm').click();
  await page.getByText('shop-settings was changed').waitFor();

  const { yaml } = await readClusterObject(kube, { kind: 'configmaps', namespace: shop, name: 'shop-settings' });
  expect(yaml).toContain('colour: green');
  expect(problems).toEqual([]);
});

test('when somebody was faster, both versions are shown and the edit goes on from the newer one', async () => {
  await open(`/admin/configmaps/shop-settings?namespace=${shop}`);
  await replaceWord('green', 'blue');
  await aConfigMap(shop, {}, 'Hello');
  await page.getByTestId('try').click();
  await page.getByTestId('conflict').waitFor();
  await page.getByTestId('conflict').getByText('Hello').waitFor();
  expect(await violations()).toEqual([]);
  await page.getByTestId('go-on').click();
  await page.getByTestId('try').click();
  await page.getByText('The cluster accepts it.').waitFor();

  expect(problems).toEqual([]);
});

test('the guardrails are shown before they are met', async () => {
  await open(`/admin/configmaps/shop-settings?namespace=${production}`);
  await page.getByText('This is part of the platform in production.').waitFor();
  expect(await page.getByTestId('edit').isDisabled()).toBe(true);
  expect(await page.getByTestId('delete').isDisabled()).toBe(true);
  expect(await violations()).toEqual([]);

  await open(`/admin/configmaps/shop-settings?namespace=${slot}`);
  await page.getByTestId('delete').click();
  await page.getByText('Dry run ok, action not allowed here.').waitFor();
  expect(await violations()).toEqual([]);
  await page.keyboard.press('Escape');
  const still = await readClusterObject(kube, { kind: 'configmaps', namespace: slot, name: 'shop-settings' });
  expect(still.isDeleting).toBe(false);
  expect(problems).toEqual([]);
});

test('the value of a Secret is nowhere in what the browser gets', async () => {
  const received: string[] = [];
  page.on('response', async (response) => {
    if (response.url().includes('/staff/cluster/')) received.push(await response.text().catch(() => ''));
  });
  await open(`/admin/secrets?namespace=${shop}`);
  await open(`/admin/secrets/payment?namespace=${shop}&tab=keys`);
  await page.getByTestId('key').filter({ hasText: 'password' }).waitFor();

  expect(received).toHaveLength(2);
  const everything = received.join() + (await page.content());
  expect(everything).not.toContain(secretValue);
  expect(everything).not.toContain(Buffer.from(secretValue).toString('base64'));
  expect(await violations()).toEqual([]);
});

test('the editor is no trap for the keyboard, and dark is as readable as light', async () => {
  await page.emulateMedia({ colorScheme: 'dark' });
  await open(`/admin/configmaps/shop-settings?namespace=${shop}`);
  await page.getByTestId('edit').click();
  await page.getByTestId('yaml').locator('.view-lines').click();
  await page.keyboard.press('Tab');
  const isInside = (await page.locator('[data-test="yaml"] :focus').count()) > 0;

  expect(isInside).toBe(false);
  expect(await violations()).toEqual([]);
});
