/** The MCP tools of a run (reference §7.2), each with its schema and what it does. Which run sees which is `toolsFor`. */
import { AppError, type JsonValue } from '@codex-k8s/domain';
import {
  changeRun,
  getActionRequest,
  getRepository,
  moveRun,
  recordEvent,
  requestAction,
  type ActionRequest,
  type Run,
} from '@codex-k8s/store';
import reviewReport from '@codex-k8s/contracts/schemas/run-report.review.json' with { type: 'json' };
import workReport from '@codex-k8s/contracts/schemas/run-report.work.json' with { type: 'json' };
import { providerOf, type Context } from './context.ts';
import { loadRun, type RunCaller } from './run-spec.ts';
import type { Waiter } from './run-history.ts';

/** The caller of a tool: its attempt, and the run as it was when the request came. */
export interface ToolCaller extends RunCaller {
  readonly run: Run;
}

export interface RunTool {
  readonly name: string;
  readonly description: string;
  readonly inputSchema: Readonly<Record<string, unknown>>;
  readonly invalidCode?: 'run.report_invalid';
  readonly call: (caller: ToolCaller, input: unknown) => Promise<Readonly<Record<string, unknown>>>;
}

function agentOf({ run }: ToolCaller): { type: 'agent'; id: string } {
  return { type: 'agent', id: run.agentKey };
}

export function toolsFor(context: Context, waiter: Waiter, { run }: ToolCaller): RunTool[] {
  const shared = [submitResult(context, run), reportStatus(context), listLabels(context)];
  return run.runKind === 'review' ? shared : [...shared, askOwner(context, waiter)];
}

function submitResult(context: Context, run: Run): RunTool {
  return {
    name: 'submit_result',
    description: 'Submit the report of this run. Required once, at the end; a second call replaces the first.',
    inputSchema: run.runKind === 'review' ? reviewReport : workReport,
    invalidCode: 'run.report_invalid',
    call: async (caller, input) => {
      const current = await loadRun(context, caller);
      await context.store.db.transaction().execute(async (tx) => {
        await changeRun(tx, { id: caller.runId, attempt: caller.attempt, set: { report: JSON.stringify(input) } });
        await recordEvent(tx, {
          type: 'run.report.submitted',
          correlationId: current.correlationId,
          runId: current.id,
          projectId: current.projectId,
          actor: agentOf(caller),
          payload: { attempt: caller.attempt, report: input },
        });
      });
      return { status: 'ok', message: 'The report is on record. Nothing more is needed.' };
    },
  };
}

const statusSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['status'],
  properties: { status: { type: 'string', minLength: 1, maxLength: 100, description: 'What you are doing now, in a few words' } },
};

function reportStatus(context: Context): RunTool {
  return {
    name: 'run_status_report',
    description: 'Tell people in a few words what you are doing now.',
    inputSchema: statusSchema,
    call: async (caller, input) => {
      const { status } = input as { status: string }; // the schema was checked
      const run = await loadRun(context, caller);
      await recordEvent(context.store.db, {
        type: 'run.agent.status_reported',
        correlationId: run.correlationId,
        runId: run.id,
        projectId: run.projectId,
        actor: agentOf(caller),
        payload: { status },
      });
      return { status: 'ok' };
    },
  };
}

const labelsSchema = {
  type: 'object',
  additionalProperties: false,
  properties: { issue_number: { type: 'integer', minimum: 1, description: 'Default: the issue of this run' } },
};

function listLabels(context: Context): RunTool {
  return {
    name: 'github_labels_list',
    description: 'List the labels of an issue or pull request of this repository.',
    inputSchema: labelsSchema,
    call: async (caller, input) => {
      const { issue_number } = input as { issue_number?: number }; // the schema was checked
      const run = await loadRun(context, caller);
      const number = issue_number ?? run.issueNumber ?? undefined;
      const repository = run.repositoryId === null ? undefined : await getRepository(context.store.db, run.repositoryId);
      if (!repository || number === undefined) throw new AppError('run.precondition_failed', 'This run has no issue.');
      const issue = await providerOf(context, repository).getIssue(repository, number);
      if (!issue) throw new AppError('request.unprocessable', `There is no issue #${number}.`, { field: 'issue_number' });
      return { status: 'ok', issue_number: number, labels: issue.labels };
    },
  };
}

const feedbackSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['question', 'options'],
  properties: {
    question: { type: 'string', minLength: 1, maxLength: 2000 },
    options: { type: 'array', minItems: 2, maxItems: 5, uniqueItems: true, items: { type: 'string', minLength: 1, maxLength: 200 } },
    allow_custom: { type: 'boolean', description: 'May the owner answer in own words?' },
  },
};

interface FeedbackQuestion {
  readonly question: string;
  readonly options: readonly string[];
  readonly allow_custom?: boolean;
}

/** Waits a while for the answer and otherwise says `approval_required`; the same call again returns the present state (reference §7.6). */
function askOwner(context: Context, waiter: Waiter): RunTool {
  return {
    name: 'owner_feedback_request',
    description:
      'Ask the owner a question with two to five answers. When the result says approval_required, call again with the same arguments.',
    inputSchema: feedbackSchema,
    call: async (caller, input) => {
      const question = input as FeedbackQuestion; // the schema was checked
      const request = await openQuestion(context, caller, question);
      const until = Date.now() + context.config.inlineWaitSec * 1000;
      let current: ActionRequest | undefined = request;
      while (current?.state === 'requested' && Date.now() < until) {
        await waiter.wait(`event:${caller.runId}`, Math.min(1_000, until - Date.now()), AbortSignal.timeout(30_000));
        current = await getActionRequest(context.store.db, request.id);
      }
      return answerOf(current ?? request);
    },
  };
}

async function openQuestion(
  context: Context,
  caller: ToolCaller,
  { question, options, allow_custom = false }: FeedbackQuestion,
): Promise<ActionRequest> {
  const run = await loadRun(context, caller);
  const target: Record<string, JsonValue> = { question, options: [...options], allow_custom };
  return context.store.db.transaction().execute(async (tx) => {
    const { request, isNew } = await requestAction(tx, {
      correlationId: run.correlationId,
      runId: run.id,
      projectId: run.projectId,
      repositoryId: run.repositoryId ?? undefined,
      issueNumber: run.issueNumber ?? undefined,
      prNumber: run.prNumber ?? undefined,
      toolName: 'owner_feedback_request',
      action: 'owner_feedback_request',
      target,
      question,
      options,
      allowCustom: allow_custom,
      requestedBy: agentOf(caller),
      expiresInSec: context.config.feedbackExpiresSec,
    });
    if (isNew || request.state === 'requested') {
      await moveRun(tx, 'awaitTool', {
        id: run.id,
        actor: agentOf(caller),
        attempt: caller.attempt,
        payload: { request_id: request.id, wait_state: 'mcp', timeout_guard_disabled: true },
      });
    }
    return request;
  });
}

function answerOf({ id, state, answer, reason }: ActionRequest): Record<string, unknown> {
  if (state === 'requested') return { status: 'approval_required', request_id: id, approval_state: state, message: 'approval_required' };
  return { status: 'ok', request_id: id, approval_state: state, ...(answer !== null && { answer }), ...(reason !== null && { reason }) };
}
