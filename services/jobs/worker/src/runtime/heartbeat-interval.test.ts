import { expect, test } from 'vitest';
import { heartbeatSec } from './heartbeat-interval.ts';

test.for([
  { inFlight: 0, timeoutSec: 120, sec: 5, why: 'few runs are heard often' },
  { inFlight: 250, timeoutSec: 120, sec: 5, why: 'so are 250: that is 50 a second' },
  { inFlight: 1_000, timeoutSec: 120, sec: 20, why: 'more share the 50' },
  { inFlight: 5_000, timeoutSec: 120, sec: 30, why: 'a quarter of the timeout is the most' },
  { inFlight: 5_000, timeoutSec: 300, sec: 75, why: 'of a longer one, too' },
  { inFlight: 10, timeoutSec: 8, sec: 2, why: 'and of a shorter one' },
])('with $inFlight runs and $timeoutSec s until one is taken for lost an attempt beats every $sec s: $why', ({ sec, ...given }) => {
  expect(heartbeatSec(given)).toBe(sec);
});
