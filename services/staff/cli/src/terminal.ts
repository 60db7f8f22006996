import { styleText } from 'node:util';
import type { Environment } from './config.ts';

type Tone = 'bold' | 'dim' | 'green' | 'yellow' | 'red' | 'cyan';

/** Where a command writes and what it may assume about the reader. */
export interface Terminal {
  out(line: string): void;
  err(line: string): void;
  paint(tone: Tone, text: string): string;
  /** A person reads and can answer. */
  readonly isInteractive: boolean;
}

export interface TerminalStreams {
  readonly stdout: { write(text: string): unknown; readonly isTTY?: boolean };
  readonly stderr: { write(text: string): unknown };
  readonly stdin: { readonly isTTY?: boolean };
}

export function createTerminal({ stdout, stderr, stdin }: TerminalStreams, environment: Environment): Terminal {
  const colours = stdout.isTTY === true && environment['NO_COLOR'] === undefined && environment['TERM'] !== 'dumb';
  return {
    out: (line) => void stdout.write(`${line}\n`),
    err: (line) => void stderr.write(`${line}\n`),
    paint: (tone, text) => (colours ? styleText(tone, text, { validateStream: false }) : text),
    isInteractive: stdout.isTTY === true && stdin.isTTY === true,
  };
}
