import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRedactor } from '@codex-k8s/domain';
import { createLogger } from '@codex-k8s/runtime';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { LogLine } from './control-plane.ts';
import { startLogShipper } from './log-shipper.ts';

const log = createLogger({ service: 'test', level: 'silent' });
const redactor = createRedactor(['hunter2hunter2']);
let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'log-shipper-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

interface Sent {
  seq: number;
  lines: readonly LogLine[];
}

/** A platform that takes batches when `gate` opens. */
function receiver(gate: Promise<void> = Promise.resolve(), accepts: (seq: number) => boolean = () => true) {
  const sent: Sent[] = [];
  const logs = async (seq: number, lines: readonly LogLine[]): Promise<boolean> => {
    await gate;
    sent.push({ seq, lines });
    return accepts(seq);
  };
  return { sent, controlPlane: { logs }, texts: () => sent.flatMap(({ lines }) => lines.map(({ text }) => text)) };
}

test('lines are redacted, split and cut before they are kept anywhere', async () => {
  const { controlPlane, texts } = receiver();
  const shipper = await startLogShipper({ controlPlane, folder, redactor, log, onFailure: () => undefined });

  shipper.add('tool', `one hunter2hunter2\r\ntwo\n${'x'.repeat(20_000)}`);

  expect(await shipper.flush(5000)).toBe(true);
  expect(texts()).toEqual(['one [REDACTED]', 'two', 'x'.repeat(16_000), 'x'.repeat(4000)]);
});

test('while the platform is away batches go to disk, and arrive in order afterwards', async () => {
  const gate = Promise.withResolvers<void>();
  const { sent, controlPlane, texts } = receiver(gate.promise);
  const shipper = await startLogShipper({ controlPlane, folder, redactor, log, onFailure: () => undefined });
  const lines = Array.from({ length: 5000 }, (_, index) => `line ${index}`);

  shipper.add('tool', lines.join('\n'));
  expect(await shipper.flush(100)).toBe(false);
  await vi.waitFor(async () => expect(await readdir(folder)).toHaveLength(6));
  gate.resolve();

  expect(await shipper.flush(5000)).toBe(true);
  expect(texts()).toEqual(lines);
  expect(sent.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  expect(await readdir(folder)).toEqual([]);
});

test('what a killed runner left on disk is sent first', async () => {
  const { sent, controlPlane, texts } = receiver();
  await writeFile(
    join(folder, '1700000000000-00000007.json'),
    JSON.stringify([{ stream: 'agent', text: 'before', at: '2026-01-01T00:00:00.000Z' }]),
  );
  await writeFile(join(folder, '1700000000000-00000008.json'), '[{"stream"');

  const shipper = await startLogShipper({ controlPlane, folder, redactor, log, onFailure: () => undefined });
  shipper.add('agent', 'after');
  await shipper.flush(5000);

  expect(texts()).toEqual(['before', 'after']);
  expect(sent[0]?.seq).toBe(1);
});

test('only the first part of a long log is kept, and the rest is counted', async () => {
  const { controlPlane, texts } = receiver();
  const shipper = await startLogShipper({ controlPlane, folder, redactor, log, onFailure: () => undefined, limitBytes: 30 });

  for (let n = 0; n < 10; n += 1) shipper.add('tool', `line ${n} xx`);
  shipper.close();
  await shipper.flush(5000);

  expect(texts()).toEqual(['line 0 xx', 'line 1 xx', 'line 2 xx', 'The log of this run is full: 70 bytes were left out.']);
});

test('when the platform takes no more, nothing more is sent', async () => {
  const { sent, controlPlane } = receiver(undefined, () => false);
  const shipper = await startLogShipper({ controlPlane, folder, redactor, log, onFailure: () => undefined });

  shipper.add('tool', 'one');
  await shipper.flush(5000);
  shipper.add('tool', 'two');

  expect(await shipper.flush(5000)).toBe(true);
  expect(sent).toHaveLength(1);
});
