/**
 * Issue text, comments and reviews are data, never instructions of the platform. In a prompt they stand between a pair of tags whose
 * number does not occur in the text itself, so no text can close its own fence.
 */
export type UntrustedKind = 'issue' | 'review' | 'comment';

export interface UntrustedText {
  readonly kind: UntrustedKind;
  readonly text: string;
}

export function fenceUntrusted({ kind, text }: UntrustedText): string {
  let n = 1;
  while (text.includes(`untrusted-${n}`)) n += 1;
  return `<untrusted-${n} kind="${kind}">\n${text}\n</untrusted-${n}>`;
}

const fence = /<untrusted-(\d+) kind="(issue|review|comment)">\n([\s\S]*?)\n<\/untrusted-\1>/g;

/** The fenced texts of a prompt in order; the reverse of fenceUntrusted. */
export function readUntrusted(prompt: string): UntrustedText[] {
  return [...prompt.matchAll(fence)].map(([, , kind, text]) => ({ kind: kind as UntrustedKind, text: text ?? '' })); // the pattern allows these kinds only
}
