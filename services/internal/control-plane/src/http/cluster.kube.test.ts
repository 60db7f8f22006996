/** The admin API over a real API server, with the documented rights and no others. */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { environmentLabel, partOfLabel } from '@codex-k8s/domain';
import { applyObject, connectKube, managedLabels, readManifests, writeTokenKubeconfig } from '@codex-k8s/kube';
import { aUser } from '@codex-k8s/testkit';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { startTestControlPlane, type TestControlPlane } from '../testing/control-plane.ts';

const cluster = connectKube({ kubeconfig: inject('kubeconfig') });
const folder = mkdtempSync(join(tmpdir(), 'codexk8s-rights-'));
const api = '/api/v1/staff/cluster';
const secretValue = 'hunter2-battery-staple';
const made: string[] = [];
let plane: TestControlPlane;
let admin: Awaited<ReturnType<typeof aUser>>;

beforeAll(async () => {
  const rights = readFileSync(join(import.meta.dirname, '../../../../../deploy/kubernetes/control-plane-rights.yaml'), 'utf8');
  for (const manifest of readManifests(rights)) await applyObject(cluster, manifest);
  const path = join(folder, 'kubeconfig');
  await writeTokenKubeconfig(cluster, { namespace: 'codex-k8s', serviceAccount: 'codex-k8s-control-plane', path });
  plane = await startTestControlPlane({ kube: connectKube({ kubeconfig: path }), environment: 'production' });
  admin = await aUser(plane.context.store, { isPlatformAdmin: true });
});
afterAll(async () => {
  for (const name of made) await cluster.core.deleteNamespace({ name }).catch(() => undefined); // some are gone already
  await plane[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

async function aNamespace(labels: Record<string, string> = {}): Promise<string> {
  const name = `ck-api-${randomUUID().slice(0, 8)}`;
  await cluster.core.createNamespace({ body: { metadata: { name, labels } } });
  made.push(name);
  return name;
}

async function aConfigMap(namespace: string, name: string, labels: Record<string, string> = {}): Promise<string> {
  await cluster.core.createNamespacedConfigMap({ namespace, body: { metadata: { name, labels }, data: { colour: 'red' } } });
  return `${api}/configmaps/${namespace}/${name}`;
}

const ours = { [partOfLabel]: 'codex-k8s' };

async function shown(url: string) {
  return (await plane.as(admin, { url })).json();
}

async function change(url: string, body: { dry_run: boolean; reason?: string; edit?: (yaml: string) => string }) {
  const { yaml, resource_version } = await shown(url);
  const { edit = (text: string) => text.replace('red', 'green'), ...rest } = body;
  return plane.as(admin, { method: 'PUT', url, payload: { yaml: edit(yaml), resource_version, ...rest } });
}

async function remove(url: string, body: { dry_run: boolean; reason?: string }) {
  const { uid } = await shown(url);
  return plane.as(admin, { method: 'POST', url: `${url}/deletion`, payload: { uid, ...body } });
}

/** What is on record about an object, oldest first. */
async function recorded(name: string) {
  const { db } = plane.context.store;
  const events = await db.selectFrom('audit.flowEvents').selectAll().where('eventType', 'like', 'cluster.object.%').orderBy('id').execute();
  return events.filter(({ payload }) => (payload as { name?: string }).name === name); // written by the recorder
}

describe('in an ordinary namespace', () => {
  test('a change is shown as a difference, applied with a reason, and on record without what it holds', async () => {
    const namespace = await aNamespace({ [environmentLabel]: 'dev' });
    const url = await aConfigMap(namespace, 'shop');

    const tried = await change(url, { dry_run: true });
    const silent = await change(url, { dry_run: false });
    const applied = await change(url, { dry_run: false, reason: 'The shop is green now' });
    const nothing = await change(url, { dry_run: false, reason: 'Again' });

    expect(tried.json()).toMatchObject({ applied: false, verdict: 'allowed', changes: ['data.colour'] });
    expect([tried.json().before_yaml, tried.json().after_yaml]).toEqual([
      expect.stringContaining('colour: red'),
      expect.stringContaining('colour: green'),
    ]);
    expect([silent.statusCode, silent.json().field]).toEqual([400, 'body.reason']);
    expect(applied.json()).toMatchObject({ applied: true, object: { environment: 'dev', platform_object: false } });
    expect(nothing.json()).toMatchObject({ applied: false, changes: [] });
    const events = await recorded('shop');
    expect(events.map(({ eventType, payload }) => [eventType, (payload as { then_apply?: boolean }).then_apply])).toEqual([
      ['cluster.object.dry_run', false],
      ['cluster.object.dry_run', true],
      ['cluster.object.updated', undefined],
      ['cluster.object.dry_run', false],
    ]);
    expect(events[2]).toMatchObject({
      actorType: 'human',
      actorId: admin.email,
      correlationId: events[1]?.correlationId,
      payload: {
        action: 'update',
        kind: 'configmaps',
        namespace,
        name: 'shop',
        environment: 'dev',
        reason: 'The shop is green now',
        changes: ['data.colour'],
      },
    });
    expect(JSON.stringify(events.map(({ payload }) => payload))).not.toContain('green"');
  });

  test('an edit of an older state is a conflict', async () => {
    const url = await aConfigMap(await aNamespace(), 'race');
    const { yaml, resource_version } = await shown(url);
    await change(url, { dry_run: false, reason: 'First' });

    const late = await plane.as(admin, { method: 'PUT', url, payload: { yaml, resource_version, dry_run: false, reason: 'Second' } });

    expect([late.statusCode, late.json().code]).toEqual([409, 'kube.conflict']);
    expect((await shown(url)).yaml).toContain('colour: green');
  });

  test('an object is deleted after a try, and no other of the same name', async () => {
    const url = await aConfigMap(await aNamespace(), 'old');

    const tried = await remove(url, { dry_run: true });
    const wrong = await plane.as(admin, {
      method: 'POST',
      url: `${url}/deletion`,
      payload: { uid: randomUUID(), dry_run: false, reason: 'x' },
    });
    const gone = await remove(url, { dry_run: false, reason: 'Not needed' });

    expect([tried.json(), gone.json()]).toEqual([
      { applied: false, verdict: 'allowed' },
      { applied: true, verdict: 'allowed' },
    ]);
    expect([wrong.statusCode, wrong.json().code]).toEqual([409, 'kube.conflict']);
    expect((await plane.as(admin, { url })).statusCode).toBe(404);
    expect((await recorded('old')).at(-1)).toMatchObject({ eventType: 'cluster.object.deleted', payload: { reason: 'Not needed' } });
  });

  test('what the cluster refuses is told and on record', async () => {
    const url = await aConfigMap(await aNamespace(), 'strict');

    const answer = await change(url, { dry_run: true, edit: (yaml) => `${yaml}colour: red\n` });

    expect([answer.statusCode, answer.json().code]).toEqual([422, 'kube.rejected']);
    expect((await recorded('strict')).at(-1)).toMatchObject({ eventType: 'cluster.object.refused', payload: { code: 'kube.rejected' } });
  });
});

describe('the guardrails', () => {
  test('never let a part of the platform be deleted, or lose the label that says so', async () => {
    const namespace = await aNamespace();
    const url = await aConfigMap(namespace, 'ours', ours);

    const removed = await remove(url, { dry_run: true });
    const unlabelled = await change(url, { dry_run: true, edit: (yaml) => yaml.replace('part-of: codex-k8s', 'part-of: shop') });
    const edited = await change(url, { dry_run: false, reason: 'Allowed outside of production' });
    const around = await remove(`${api}/namespaces/_/${namespace}`, { dry_run: false, reason: 'With all in it' });

    expect([removed.statusCode, removed.json().code]).toEqual([403, 'cluster.platform_object']);
    expect([unlabelled.statusCode, unlabelled.json().code]).toEqual([403, 'cluster.label_guarded']);
    expect(edited.json().applied).toBe(true);
    expect([around.statusCode, around.json().code]).toEqual([403, 'cluster.platform_object']);
    expect((await recorded('ours')).slice(0, 2).map(({ payload }) => (payload as { code: string }).code)).toEqual([
      'cluster.platform_object',
      'cluster.label_guarded',
    ]);
  });

  test('keep the platform view-only in production and staging, and leave the rest there alone', async () => {
    for (const environment of ['production', 'ai-staging']) {
      const namespace = await aNamespace({ [environmentLabel]: environment });
      const [url, other] = [await aConfigMap(namespace, 'ours', ours), await aConfigMap(namespace, 'other')];

      const changed = await change(url, { dry_run: true });

      expect([changed.statusCode, changed.json().code]).toEqual([403, 'cluster.view_only']);
      expect((await change(other, { dry_run: false, reason: 'Not the platform' })).json().applied).toBe(true);
    }
  });

  test('only try what is asked for among agents', async () => {
    for (const labels of [{ [environmentLabel]: 'ai' }, managedLabels]) {
      const url = await aConfigMap(await aNamespace(labels), 'slot');

      const changed = await change(url, { dry_run: false, reason: 'Mend it' });
      const removed = await remove(url, { dry_run: false, reason: 'Clean up' });

      expect(changed.json()).toMatchObject({ applied: false, verdict: 'dry_run_only', code: 'cluster.dry_run_only' });
      expect(removed.json()).toEqual({ applied: false, verdict: 'dry_run_only', code: 'cluster.dry_run_only' });
      expect((await shown(url)).yaml).toContain('colour: red');
    }
  });

  test('hold for the namespace of the platform itself, which has the environment of the platform', async () => {
    const url = `${api}/namespaces/_/codex-k8s`;

    const removed = await remove(url, { dry_run: false, reason: 'No' });

    expect(await shown(url)).toMatchObject({ environment: 'production', platform_object: true });
    expect([removed.statusCode, removed.json().code]).toEqual([403, 'cluster.view_only']);
  });

  test('do not let a namespace change its environment', async () => {
    const url = `${api}/namespaces/_/${await aNamespace({ [environmentLabel]: 'ai-staging' })}`;

    const answer = await change(url, { dry_run: true, edit: (yaml) => yaml.replace('ai-staging', 'dev') });

    expect([answer.statusCode, answer.json().code]).toEqual([403, 'cluster.label_guarded']);
  });
});

test('the values of a Secret are in no answer and in no record', async () => {
  const namespace = await aNamespace();
  await cluster.core.createNamespacedSecret({ namespace, body: { metadata: { name: 'keys' }, stringData: { password: secretValue } } });
  const url = `${api}/secrets/${namespace}/keys`;
  const edit = (yaml: string) => yaml.replace('metadata:\n', 'metadata:\n  labels:\n    team: shop\n');

  const answers = [
    await plane.as(admin, { url: `${api}/secrets?namespace=${namespace}` }),
    await plane.as(admin, { url }),
    await change(url, { dry_run: true, edit }),
    await change(url, { dry_run: false, reason: 'Whose is it', edit }),
    await change(url, { dry_run: false, reason: 'New', edit: (yaml) => `${yaml}stringData:\n  password: ${secretValue}\n` }),
  ];

  expect(answers.map(({ statusCode }) => statusCode)).toEqual([200, 200, 200, 200, 422]);
  expect(answers[1]?.json().keys).toEqual([{ name: 'password', bytes: secretValue.length }]);
  const said = `${answers.map(({ payload }) => payload).join('\n')}${JSON.stringify(await recorded('keys'))}`;
  expect(said).not.toContain(secretValue);
  expect(said).not.toContain(Buffer.from(secretValue).toString('base64'));
});

test('a list comes page by page with the standing of each object', async () => {
  const namespace = await aNamespace({ [environmentLabel]: 'production' });
  for (const name of ['a', 'b']) await aConfigMap(namespace, `item-${name}`, name === 'a' ? ours : {});
  const list = `${api}/configmaps?namespace=${namespace}&name=item&limit=1`;

  const first = (await plane.as(admin, { url: list })).json();
  const second = (await plane.as(admin, { url: `${list}&cursor=${first.next_cursor}` })).json();

  expect(first.items).toMatchObject([
    { name: 'item-a', environment: 'production', platform_object: true, part_of: 'codex-k8s', columns: { data: '1' } },
  ]);
  expect(second.items).toMatchObject([{ name: 'item-b', platform_object: false }]);
  expect(second.next_cursor).toBeUndefined();
});

test('a pod that did not start has no log, and says why', async () => {
  const namespace = await aNamespace();
  const spec = { nodeSelector: { type: 'nowhere' }, containers: [{ name: 'web', image: 'none.invalid/none:1' }] };
  await cluster.core.createNamespacedPod({ namespace, body: { metadata: { name: 'waiting' }, spec } });

  const answer = await plane.as(admin, { url: `${api}/pods/${namespace}/waiting/logs` });

  expect([answer.statusCode, answer.json().code]).toEqual([409, 'kube.no_logs']);
});
