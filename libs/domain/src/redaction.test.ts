import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createRedactor, redacted } from './redaction.ts';

const secret = fc
  .string({ unit: 'binary-ascii', minLength: 8, maxLength: 60 })
  .filter((text) => !/[\n\r]/.test(text) && text.trim().length >= 8);
const token = `ghp_${'a1'.repeat(18)}`;

/** Cuts a text at the given places. */
function pieces(text: string, cuts: readonly number[]): string[] {
  const at = [...new Set(cuts.map((cut) => cut % (text.length + 1)))].sort((a, b) => a - b);
  return [0, ...at].map((start, index) => text.slice(start, at[index] ?? text.length));
}

test('a known value is found in every form it may be printed in', () => {
  fc.assert(
    fc.property(secret, fc.string(), (value, before) => {
      const bytes = Buffer.from(value);
      const forms = [
        value,
        bytes.toString('base64').replaceAll('=', ''),
        bytes.toString('base64url'),
        bytes.toString('hex'),
        encodeURIComponent(value),
      ];
      const { redact } = createRedactor([value]);

      const text = redact(forms.map((form) => `${before}\n${form}`).join('\n'));

      expect(text).not.toContain(bytes.toString('hex'));
      expect(text.split(`\n`).filter((line) => line === value)).toEqual([]);
      expect(Buffer.from(redact(Buffer.from(`user:${value}`).toString('base64')), 'base64').includes(value)).toBe(false);
    }),
  );
});

test('cutting the text into chunks anywhere changes nothing', () => {
  const text = fc.array(
    fc.constantFrom(
      '\n',
      'word ',
      token,
      'hunter2hunter2',
      'sk-',
      'Authorization: Bearer abc.def',
      'https://u:p4ss@h/x',
      'eyJhbGci.eyJzdWIi.c2lnbmF0',
    ),
    { maxLength: 20 },
  );
  fc.assert(
    fc.property(text, fc.array(fc.nat(), { maxLength: 30 }), (parts, cuts) => {
      const { redact, stream } = createRedactor(['hunter2hunter2']);
      const whole = parts.join('');
      const target = stream();

      const out =
        pieces(whole, cuts)
          .map((piece) => target.write(piece))
          .join('') + target.end();

      expect(out).toBe(redact(whole));
    }),
  );
});

test('a token in a line without an end is found wherever the chunks fall, and little is held', () => {
  const { stream } = createRedactor([]);
  const target = stream();
  let out = '';
  for (let n = 0; n < 200; n += 1)
    out += target.write(`${'x'.repeat(997)} ${token.slice(0, n % 40)}`) + target.write(`${token.slice(n % 40)} `);
  const heldBack = target.end();

  expect(out + heldBack).not.toContain(token);
  expect((out + heldBack).split(redacted)).toHaveLength(201);
  expect(heldBack.length).toBeLessThan(70_000);
});

test('token shapes are recognised and ordinary words are not', () => {
  const { redact } = createRedactor(['short']);

  expect(redact(`a ${token} b github_pat_${'x'.repeat(30)} sk-${'y'.repeat(30)}`)).toBe(`a ${redacted} b ${redacted} ${redacted}`);
  expect(redact('Authorization: Bearer abc')).toBe(`Authorization: Bearer ${redacted}`);
  expect(redact('"authorization": "token x1"')).toBe(`"authorization": "token ${redacted}"`);
  expect(redact('git clone https://bot:pass@github.com/o/r and ssh://git@host/x')).toBe(
    `git clone https://${redacted}@github.com/o/r and ssh://git@host/x`,
  );
  expect(redact('a short task-with-a-rather-long-name-in-it, http://localhost:8080/x@y')).toBe(
    'a short task-with-a-rather-long-name-in-it, http://localhost:8080/x@y',
  );
});

test('a redacted session is still JSON', () => {
  const { redact } = createRedactor(['s3cret"value\\x']);
  const line = JSON.stringify({ text: `${token} Authorization: Bearer abc" https://u:s3cret"value\\x@h/` });

  expect(() => JSON.parse(redact(line)) as unknown).not.toThrow();
});

test('hostile output is worked through in bounded time', () => {
  const { redact } = createRedactor(['hunter2hunter2']);
  const texts = ['a', 'eyJ', 'sk-', 'http://', 'Bearer ', 'a:', 'eyJaaaaa.'].map((part) => part.repeat(Math.ceil(200_000 / part.length)));

  expect(texts.map((text) => redact(text).length > 0)).not.toContain(false);
});
