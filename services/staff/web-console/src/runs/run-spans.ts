import type { FlowEvent, Run } from '@codex-k8s/contracts/staff';

export const spanKinds = ['queue', 'prepare', 'agent', 'tool', 'wait'] as const;
export type SpanKind = (typeof spanKinds)[number];

/** A stretch of a run's time between two events. `end` absent: it still lasts. */
export interface Span {
  readonly kind: SpanKind;
  readonly detail?: string;
  readonly start: number;
  readonly end?: number;
}

interface Pairing {
  readonly kind: SpanKind;
  readonly from: readonly string[];
  readonly to: readonly string[];
}

const pairings: readonly Pairing[] = [
  { kind: 'queue', from: ['run.enqueued'], to: ['run.started', 'run.canceled', 'run.failed'] },
  { kind: 'prepare', from: ['run.started', 'run.attempt.started'], to: ['run.agent.started', 'run.failed', 'run.attempt.lost'] },
  {
    kind: 'agent',
    from: ['run.agent.started'],
    to: ['run.branch.pushed', 'run.result.claimed', 'run.attempt.lost', 'run.failed', 'run.canceled', 'run.succeeded'],
  },
  { kind: 'tool', from: ['mcp.tool.called'], to: ['mcp.tool.succeeded', 'mcp.tool.failed'] },
  { kind: 'wait', from: ['run.wait.paused'], to: ['run.wait.resumed', 'run.succeeded', 'run.failed', 'run.canceled'] },
];

function detailOf({ payload }: FlowEvent): string | undefined {
  const named = [payload['tool_name'], payload['tool'], payload['wait_state'], payload['wait_reason']];
  return named.find((value): value is string => typeof value === 'string');
}

/** Spans by their beginning. What never ended ends with the run. */
export function runSpans(events: readonly FlowEvent[], run: Run): Span[] {
  const finished = run.finished_at === undefined ? undefined : Date.parse(run.finished_at);
  const spans = pairings.flatMap(({ kind, from, to }) => {
    const found: Span[] = [];
    let open: FlowEvent | undefined;
    for (const event of events) {
      if (open && to.includes(event.event_type)) {
        found.push(span(kind, open, Date.parse(event.created_at)));
        open = undefined;
      }
      if (from.includes(event.event_type)) open ??= event;
    }
    if (open) found.push(span(kind, open, finished));
    return found;
  });
  return spans.toSorted((one, other) => one.start - other.start);
}

function span(kind: SpanKind, opened: FlowEvent, end: number | undefined): Span {
  const detail = detailOf(opened);
  return { kind, start: Date.parse(opened.created_at), ...(detail && { detail }), ...(end !== undefined && { end }) };
}
