import { openTestStore } from '@codex-k8s/testkit';
import { afterAll, expect, test, vi } from 'vitest';
import { createRunAnnouncer } from './run-announcer.ts';

const store = await openTestStore();
afterAll(() => store[Symbol.asyncDispose]());

test('runs created within some milliseconds wake the workers once, a later one again', async () => {
  const heard: string[] = [];
  await store.listen('codexk8s', (key) => heard.push(key));
  const failures: unknown[] = [];
  const announce = createRunAnnouncer(store, (error) => failures.push(error));

  for (let n = 0; n < 5; n++) announce();
  await vi.waitFor(() => expect(heard).toEqual(['run:created']));
  announce();
  await vi.waitFor(() => expect(heard).toEqual(['run:created', 'run:created']));

  expect(failures).toEqual([]);
});

test('a database that is away is told, and nothing is thrown', async () => {
  const failures: unknown[] = [];
  const broken = { db: { executeQuery: () => Promise.reject(new Error('away')) } } as never; // only what the announcer calls
  const announce = createRunAnnouncer(broken, (error) => failures.push(error));

  announce();

  await vi.waitFor(() => expect(failures).toHaveLength(1));
});
