import type { Command } from 'commander';
import { expect, test } from 'vitest';
import type { Context } from './context.ts';
import { createProgram } from './program.ts';
import { createTerminal } from './terminal.ts';

function aContext(): Context {
  const sink = { write: () => true };
  return {
    terminal: createTerminal({ stdout: sink, stderr: sink, stdin: {} }, {}),
    environment: {},
    cwd: '/',
    now: () => new Date(0),
    readInput: async () => '',
    ask: async () => '',
    setExitCode: () => undefined,
  };
}

interface Leaf {
  readonly path: string;
  readonly command: Command;
}

function leaves(command: Command, path: string): Leaf[] {
  if (command.commands.length === 0) return [{ path, command }];
  return command.commands.flatMap((sub) => leaves(sub, `${path} ${sub.name()}`));
}

const all = leaves(createProgram(aContext()), 'codexk8s');

test('every command that was promised is there', () => {
  expect(all.map(({ path }) => path.replace('codexk8s ', '')).toSorted((a, b) => a.localeCompare(b))).toEqual([
    'approvals decide',
    'approvals list',
    'backup',
    'demo',
    'doctor',
    'issues label',
    'issues list',
    'keys rotate',
    'migrate',
    'projects create',
    'projects list',
    'projects show',
    'repos add',
    'repos list',
    'repos remove',
    'restore',
    'runs cancel',
    'runs list',
    'runs logs',
    'runs retry',
    'runs show',
    'up',
    'users add',
    'users list',
    'users remove',
  ]);
});

test.each(all)('$path explains itself, takes --json, and every option says what it does', ({ command }) => {
  expect(command.description()).toMatch(/\w{3}.*[.]/s);
  expect(command.options.some(({ long }) => long === '--json')).toBe(true);
  expect(command.options.filter(({ description }) => description === '')).toEqual([]);
});

test('no command takes a repository token as an argument', () => {
  const add = all.find(({ path }) => path === 'codexk8s repos add');

  expect(add?.command.registeredArguments.map((argument) => argument.name())).toEqual(['owner/name']);
  expect(add?.command.options.map(({ long }) => long)).not.toContain('--repo-token');
});

test('help shows every group of commands, exit codes and how to connect', () => {
  let text = '';
  const program = createProgram(aContext()).configureOutput({ writeOut: (part) => (text += part) });

  program.outputHelp();

  for (const part of ['up', 'demo', 'doctor', 'runs', 'approvals', 'Exit codes', 'CODEXK8S_TOKEN', '6  the platform does not answer']) {
    expect(text).toContain(part);
  }
});
