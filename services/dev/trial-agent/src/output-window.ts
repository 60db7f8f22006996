/** Keeps the first and the last part of an output of any length in bounded memory. */
export interface OutputWindow {
  add(chunk: Buffer): void;
  /** The text, with a note where something was left out. */
  text(): string;
}

export function outputWindow(headBytes: number, tailBytes: number): OutputWindow {
  const head: Buffer[] = [];
  let headSize = 0;
  let tail: Buffer[] = [];
  let tailSize = 0;
  let omitted = 0;
  return {
    add(chunk) {
      const first = chunk.subarray(0, Math.max(0, headBytes - headSize));
      if (first.length > 0) head.push(first);
      headSize += first.length;
      const rest = chunk.subarray(first.length);
      if (rest.length === 0) return;
      tail.push(rest);
      tailSize += rest.length;
      if (tailSize <= 2 * tailBytes) return; // cut rarely, so that many small chunks stay cheap
      const joined = Buffer.concat(tail);
      omitted += joined.length - tailBytes;
      tail = [joined.subarray(joined.length - tailBytes)];
      tailSize = tailBytes;
    },
    text() {
      const end = Buffer.concat(tail);
      const cut = Math.max(0, end.length - tailBytes);
      const left = omitted + cut;
      const note = left > 0 ? `\n[… ${left} bytes omitted …]\n` : '';
      return Buffer.concat(head).toString() + note + end.subarray(cut).toString();
    },
  };
}
