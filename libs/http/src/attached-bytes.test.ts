import { createLogger } from '@codex-k8s/runtime';
import { expect, test } from 'vitest';
import { acceptAttachedBytes, attachBytes, attachedBytesType, splitBytes } from './attached-bytes.ts';
import { createHttpServer } from './server.ts';

async function post(payload: Buffer) {
  await using app = createHttpServer({ log: createLogger({ service: 'test', level: 'silent' }) });
  acceptAttachedBytes(app);
  app.post('/', async ({ body, attachedBytes }) => ({ body, bytes: attachedBytes?.toString('hex') }));
  return await app.inject({ method: 'POST', url: '/', headers: { 'content-type': attachedBytesType }, payload });
}

test('what was attached comes out as it went in, whatever the bytes are', async () => {
  const parts = [Buffer.from([0x0a, 0x00, 0xff]), Buffer.alloc(0), Buffer.from('{"a":1}\n')];

  const answer = await post(attachBytes({ text: 'one\ntwo' }, parts));

  expect(answer.json()).toEqual({ body: { text: 'one\ntwo' }, bytes: '0a00ff7b2261223a317d0a' });
  const { bytes } = answer.json<{ bytes: string }>();
  expect(
    splitBytes(
      Buffer.from(bytes, 'hex'),
      parts.map(({ length }) => length),
    ),
  ).toEqual(parts);
});

test.each(['', '\n', 'no json\nbytes', '{"cut":'])('a body that begins with %j is malformed', async (text) => {
  const answer = await post(Buffer.from(text));

  expect([answer.statusCode, answer.json().code]).toEqual([400, 'request.malformed']);
});

test.each([[[2]], [[4]], [[]]])('sizes %j of three bytes are refused', (sizes) => {
  expect(() => splitBytes(Buffer.from('abc'), sizes)).toThrow('and 3 are attached');
});

test('without attached bytes there is nothing to split', () => {
  expect(splitBytes(undefined, [0])).toEqual([Buffer.alloc(0)]);
});
