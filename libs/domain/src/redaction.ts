/**
 * Takes secrets out of text before it leaves a process. Two nets: the run's own values in every form they may be printed in, and the shapes
 * of tokens nobody told us about. Pure; the same rules serve the runner, the console and the tests.
 */
export const redacted = '[REDACTED]';

/** Values shorter than this are left alone: they would blank ordinary words. */
const shortestSecret = 6;

/** What a stream holds back of a line that does not end, in characters: no token is longer. */
const lookback = 8192;
const longestHeld = 65_536;

export interface RedactingStream {
  /** Returns what is safe to pass on: whole lines, or the beginning of a very long one. */
  write(chunk: string): string;
  /** Returns the rest. */
  end(): string;
}

export interface Redactor {
  redact(text: string): string;
  /** For text that comes in pieces cut anywhere. */
  stream(): RedactingStream;
}

/** Every quantifier has a bound, so that hostile output costs linear time. Groups 1 and 2 are kept, the rest of a match is not. */
const tokenShapes = [
  String.raw`gh[pousr]_[A-Za-z0-9]{16,255}`,
  String.raw`github_pat_[A-Za-z0-9_]{20,255}`,
  String.raw`(?<![A-Za-z0-9])sk-[A-Za-z0-9_-]{16,255}`,
  String.raw`(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{5,4096}\.[A-Za-z0-9_-]{5,4096}\.[A-Za-z0-9_-]{5,4096}`,
].join('|');
const headerShape = String.raw`(?<header>\b[Aa][Uu][Tt][Hh][Oo][Rr][Ii][Zz][Aa][Tt][Ii][Oo][Nn]["']?[ \t]{0,8}[:=][ \t]{0,8}["']?(?:[Bb]earer|[Bb]asic|[Tt]oken)[ \t]{1,8}|\b[Bb]earer[ \t]{1,8}(?=[A-Za-z0-9._~+/=-]{20}))[A-Za-z0-9._~+/=-]{1,8000}`;
const urlShape = String.raw`(?<scheme>\b[A-Za-z][A-Za-z0-9+.-]{1,20}:\/\/)(?:[^\s\/@"'\\:]{0,256}:[^\s\/@"'\\]{1,512}|[^\s\/@"'\\:]{20,512})@`;

/** `secrets`: values to remove wherever they stand, also in base64, base64url, hexadecimal, URL and JSON form. */
export function createRedactor(secrets: readonly string[]): Redactor {
  const needles = [...new Set(secrets.filter((secret) => secret.length >= shortestSecret).flatMap(formsOf))];
  const known = needles.sort((a, b) => b.length - a.length).map(escaped);
  const pattern = new RegExp([...known, tokenShapes, headerShape, urlShape].join('|'), 'g');

  function replacement(...match: unknown[]): string {
    const groups = match.at(-1) as Readonly<Record<string, string | undefined>>; // named groups come last
    if (groups['header'] !== undefined) return groups['header'] + redacted;
    return groups['scheme'] === undefined ? redacted : `${groups['scheme']}${redacted}@`;
  }

  const redact = (text: string): string => text.replace(pattern, replacement);

  /** The furthest place at or before `at` that no match spans. */
  function cutBefore(text: string, at: number): number {
    for (const match of text.matchAll(pattern)) {
      if (match.index >= at) break;
      if (match.index + match[0].length > at) return match.index;
    }
    return at;
  }

  return {
    redact,
    stream: () => {
      let held = '';
      return {
        write(chunk) {
          held += chunk;
          const newline = held.lastIndexOf('\n') + 1;
          let safe = redact(held.slice(0, newline));
          held = held.slice(newline);
          if (held.length > longestHeld) {
            const cut = cutBefore(held, held.length - lookback);
            // A match longer than what is held at most is no token of ours: it is blanked as far as it goes.
            const at = cut === 0 ? held.length : cut;
            safe += redact(held.slice(0, at));
            held = held.slice(at);
          }
          return safe;
        },
        end() {
          const rest = redact(held);
          held = '';
          return rest;
        },
      };
    },
  };
}

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\/-]/g, String.raw`\$&`);
}

/** The value as it may be printed. */
function formsOf(secret: string): string[] {
  const bytes = new TextEncoder().encode(secret);
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  const base64 = [0, 1, 2].flatMap((offset) => base64At(bytes, offset));
  const forms = [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1), hex, hex.toUpperCase(), ...base64];
  return forms.filter((form) => form.length >= shortestSecret);
}

/** The characters that the value surely becomes when it stands `offset` bytes (mod 3) into something encoded, as in `user:token`. */
function base64At(bytes: Uint8Array, offset: number): string[] {
  const binary = '\0'.repeat(offset) + Array.from(bytes, (byte) => String.fromCodePoint(byte)).join('');
  const whole = btoa(binary).replaceAll('=', '');
  const first = Math.ceil((offset * 8) / 6);
  const last = Math.floor((binary.length * 8) / 6);
  const sure = whole.slice(first, last);
  // The base64 command breaks lines after 76 characters; each line must be found alone.
  const lines = (offset === 0 ? (sure.match(/.{1,76}/g) ?? []) : []).filter((line) => line.length >= 16);
  return [sure, ...lines].flatMap((text) => [text, text.replaceAll('+', '-').replaceAll('/', '_')]);
}
