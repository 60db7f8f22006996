import { expect, test } from 'vitest';
import { beatAfterMs } from './heartbeat.ts';

const answer = { status: 'running', continue: true };

test.for([
  { answer: { ...answer, next_in_seconds: 20 }, longestMs: 30_000, ms: 20_000, why: 'as the platform says' },
  { answer: { ...answer, next_in_seconds: 100 }, longestMs: 30_000, ms: 30_000, why: 'but before it is taken for lost' },
  { answer, longestMs: 30_000, ms: 5_000, why: 'a platform of before says nothing' },
  { answer: undefined, longestMs: 30_000, ms: 5_000, why: 'soon again after no answer' },
  { answer: undefined, longestMs: 500, ms: 500, why: 'never later than it was told at its start' },
])('the next sign of life comes after $ms ms: $why', ({ ms, ...given }) => {
  expect(beatAfterMs(given.answer, given.longestMs)).toBe(ms);
});
