import { expect, test } from 'vitest';
import { heartbeatSec } from './heartbeat-pace.ts';

test.for([
  { working: 0, sec: 5, why: 'few runs are heard often' },
  { working: 250, sec: 5, why: 'so are 250: that is 50 a second' },
  { working: 1_000, sec: 20, why: 'more share the 50' },
  { working: 5_000, sec: 100, why: 'however many there are' },
])('beside $working runs an attempt beats every $sec s: $why', ({ working, sec }) => {
  expect(heartbeatSec(working)).toBe(sec);
});
