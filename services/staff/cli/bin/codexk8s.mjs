#!/usr/bin/env node
// This file must parse on any Node >= 18: it finds the Node that the rest needs.
/* eslint-disable node/no-process-env -- runs before config.ts can be loaded */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const neededMajor = 24;
const here = fileURLToPath(import.meta.url);

/** `node_modules/.bin` of the nearest install that brings its own Node. */
function findBin(folder) {
  const bin = join(folder, 'node_modules', '.bin');
  if (existsSync(join(bin, 'node'))) return bin;
  const parent = dirname(folder);
  return parent === folder ? undefined : findBin(parent);
}

function rerun(bin) {
  const child = spawn(join(bin, 'node'), [here, ...process.argv.slice(2)], {
    stdio: 'inherit',
    // Marked, so that an install whose Node is too old ends in a message, not in a loop.
    env: { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH ?? ''}`, CODEXK8S_CLI_RERUN: '1' },
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('error', giveUp);
  child.on('exit', (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)));
}

function giveUp() {
  console.error(
    `codexk8s needs Node.js ${neededMajor} or newer; this is ${process.version}.\n` +
      `Run npm ci (Linux x64/arm64 brings its own) or install Node ${neededMajor}.`,
  );
  process.exit(1);
}

if (Number(process.versions.node.split('.')[0]) >= neededMajor) {
  const { main } = await import('../src/main.ts');
  await main();
} else {
  const bin = process.env.CODEXK8S_CLI_RERUN ? undefined : findBin(dirname(here));
  if (bin) rerun(bin);
  else giveUp();
}
