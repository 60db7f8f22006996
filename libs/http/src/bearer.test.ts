import { afterEach, expect, test, vi } from 'vitest';
import { signToken, tokenVerifier } from './bearer.ts';

const key = new TextEncoder().encode('k'.repeat(32));
const signed = (input: { key?: Uint8Array; ttlSec?: number; runId?: string } = {}): Promise<string> =>
  signToken(input.key ?? key, { issuer: 'test', ttlSec: input.ttlSec ?? 60, claims: { run_id: input.runId ?? 'one' } });
afterEach(() => vi.useRealTimers());

test('a token that comes again is good until its time is over, and not longer', async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  const verify = tokenVerifier(key, { issuer: 'test' });
  const token = await signed({ ttlSec: 60 });
  expect((await verify(token))['run_id']).toBe('one');
  vi.setSystemTime(Date.now() + 59_000);
  expect((await verify(token))['run_id']).toBe('one');
  vi.setSystemTime(Date.now() + 2_000);
  await expect(verify(token)).rejects.toMatchObject({ code: 'auth.unauthorized' });
});

test('a token of another key, or one that was changed, is refused at every call', async () => {
  const verify = tokenVerifier(key, { issuer: 'test' });
  const good = await signed();
  await verify(good);
  const forged = await signed({ key: new TextEncoder().encode('x'.repeat(32)) });
  const [head, , signature] = good.split('.');
  const [, body] = (await signed({ runId: 'two' })).split('.');
  for (const bad of [forged, forged, `${head}.${body}.${signature}`]) {
    await expect(verify(bad)).rejects.toMatchObject({ code: 'auth.unauthorized' });
  }
});

test('tokens that were forgotten are simply checked anew', async () => {
  const verify = tokenVerifier(key, { issuer: 'test', remembers: 1 });
  const [one, two] = [await signed(), await signed({ runId: 'two' })];
  for (const _ of [1, 2]) {
    expect((await verify(one))['run_id']).toBe('one');
    expect((await verify(two))['run_id']).toBe('two');
  }
});
