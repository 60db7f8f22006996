/** The life of a run: its statuses and the only moves between them (reference §5.1). Read by the SQL guard, the audit and the console. */
export const runStatuses = [
  'pending',
  'running',
  'waiting_mcp',
  'waiting_owner_review',
  'succeeded',
  'failed',
  'timed_out',
  'cancelled',
] as const;
export type RunStatus = (typeof runStatuses)[number];

/** Nothing happens to a run in one of these any more. */
export const finalStatuses = ['succeeded', 'failed', 'timed_out', 'cancelled'] as const satisfies readonly RunStatus[];

/** A run in one of these blocks another stage run of its issue; one in owner review does not block its own revise (§5.1). */
export const activeStatuses = ['pending', 'running', 'waiting_mcp'] as const satisfies readonly RunStatus[];

/** In these a person or a tool is waited for. */
export const waitingStatuses = ['waiting_mcp', 'waiting_owner_review'] as const satisfies readonly RunStatus[];

/** In these a process works on the run, so it holds a slot. */
export const occupyingStatuses = ['running', 'waiting_mcp'] as const satisfies readonly RunStatus[];

interface Move {
  readonly from: readonly RunStatus[];
  readonly to: RunStatus;
  readonly event: string;
}

export const runMoves = {
  start: { from: ['pending'], to: 'running', event: 'run.started' },
  awaitTool: { from: ['running'], to: 'waiting_mcp', event: 'run.wait.paused' },
  resume: { from: ['waiting_mcp'], to: 'running', event: 'run.wait.resumed' },
  awaitOwner: { from: ['running'], to: 'waiting_owner_review', event: 'run.wait.paused' },
  succeed: { from: ['running', 'waiting_owner_review'], to: 'succeeded', event: 'run.succeeded' },
  fail: { from: ['pending', 'running', 'waiting_mcp', 'waiting_owner_review'], to: 'failed', event: 'run.failed' },
  // NFR-012: never from waiting_mcp, the clock stands while a tool call waits.
  timeOut: { from: ['running', 'waiting_owner_review'], to: 'timed_out', event: 'run.failed' },
  cancel: { from: ['pending', 'running', 'waiting_mcp', 'waiting_owner_review'], to: 'cancelled', event: 'run.canceled' },
} as const satisfies Record<string, Move>;

export type RunMove = keyof typeof runMoves;

export function canMove(status: RunStatus, move: RunMove): boolean {
  const from: readonly RunStatus[] = runMoves[move].from;
  return from.includes(status);
}

export function isFinal(status: RunStatus): boolean {
  return (finalStatuses as readonly RunStatus[]).includes(status);
}

export function isActive(status: RunStatus): boolean {
  return (activeStatuses as readonly RunStatus[]).includes(status);
}
