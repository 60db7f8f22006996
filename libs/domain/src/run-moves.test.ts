import { expect, test } from 'vitest';
import { canMove, finalStatuses, isActive, runMoves, runStatuses, type RunMove } from './run-moves.ts';

const moves = Object.keys(runMoves) as RunMove[]; // the table's own keys

test('no move leaves a final status', () => {
  for (const status of finalStatuses) expect(moves.filter((move) => canMove(status, move))).toEqual([]);
});

test('every status can be reached and every other one can be left', () => {
  const reached = new Set<string>(moves.map((move) => runMoves[move].to));
  expect(runStatuses.filter((status) => status !== 'pending' && !reached.has(status))).toEqual([]);
  for (const status of runStatuses) {
    const isLeft = moves.some((move) => canMove(status, move));
    expect(isLeft).toBe(!(finalStatuses as readonly string[]).includes(status));
  }
});

test('the clock never ends a run that waits for a tool call (NFR-012)', () => {
  expect(canMove('waiting_mcp', 'timeOut')).toBe(false);
});

test('a run in owner review does not block its own revise', () => {
  expect(isActive('waiting_owner_review')).toBe(false);
});
