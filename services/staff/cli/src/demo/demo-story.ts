/**
 * The demo as its owner lives it: an issue, a label, a run, a review, a decision. What it reports at the end comes from the code host, not
 * from the run's own claim: the pull request is asked for by number and must have the head that the run names.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  decideApproval,
  getRun,
  getRunDiff,
  listApprovals,
  listRunEvents,
  listRuns,
  type Failure,
  type FlowEvent,
  type RunDetails,
  type RunReport,
  type RunStatus,
  type Verification,
} from '@codex-k8s/contracts/staff';
import type { Client } from '@codex-k8s/contracts/staff/client';
import { createLabels, isFinal } from '@codex-k8s/domain';
import { unwrap } from '../api.ts';
import { CliError } from '../cli-error.ts';
import type { IssueText } from '../issue-file.ts';
import { eventWords } from '../event-words.ts';
import type { BranchFile, Github, Pull } from './github.ts';

export interface DemoReport {
  run_id?: string;
  status: RunStatus | 'not_started';
  pull_request?: { number: number; url: string; branch: string; head_sha: string };
  review?: { run_id: string; status: RunStatus } & Partial<RunReport>;
  verification?: Verification;
  files?: BranchFile[];
  failure?: Failure | { code: string; message: string; remedy?: string | undefined };
  events: FlowEvent[];
  duration_ms: number;
}

export interface Story {
  readonly client: Client;
  readonly github: Github;
  readonly issue: IssueText;
  readonly approve: boolean;
  /** Hears what happens, as it happens. */
  readonly say: (text: string, run?: 'reviewer') => void;
  /** Filled while the story goes on, so that what is known survives a time-out. */
  readonly report: DemoReport;
}

export interface Outcome {
  readonly pull: Pull;
  readonly diff: string;
}

const everyMs = 200;

/** Resolves when the pull request is there and confirmed; otherwise a `CliError` with the run's failure. */
export async function tellStory(story: Story): Promise<Outcome> {
  const { client, github, issue, report, say } = story;
  const { number, html_url: url } = await github.createIssue(issue);
  say(`issue #${number} opened: ${issue.title} (${url})`);
  const label = createLabels().triggerText('dev', false);
  await github.addLabel(number, label);
  say(`label ${label} set by the owner`);

  const runId = await untilRun(client, number);
  report.run_id = runId;
  const details = await followRun(story, runId);
  if (details.failure) throw new CliError('failed', details.failure);
  const pull = await confirmPull(github, details);
  report.pull_request = { number: pull.number, url: pull.html_url, branch: pull.head.ref, head_sha: pull.head.sha };
  report.files = await github.readFiles(pull);
  const { diff } = await unwrap(getRunDiff({ client, path: { run_id: runId } }));
  return { pull, diff };
}

async function untilRun(client: Client, issueNumber: number): Promise<string> {
  for (;;) {
    const { items } = await unwrap(listRuns({ client, query: { issue_number: issueNumber } }));
    const run = items.find(({ trigger_kind: kind }) => kind === 'dev');
    if (run) return run.id;
    await sleep(everyMs);
  }
}

/** Until the run is final, or, when the owner does not decide here, until it waits with its review done. */
async function followRun(story: Story, runId: string): Promise<RunDetails> {
  const seen = new Map<string, number>();
  let isApproved = false;
  let question: number | undefined;
  for (;;) {
    const details = await readRun(story, runId);
    const reviewId = details.related_runs.find(({ relation, trigger_kind: kind }) => relation === 'child' && kind === 'review')?.id;
    const review = reviewId === undefined ? undefined : await readReview(story, reviewId);
    await sayNews(story, seen, { runId, reviewId });
    if (isFinal(details.run.status)) return details;
    const isReviewed = details.run.status === 'waiting_owner_review' && review !== undefined && isFinal(review.run.status);
    if (isReviewed && !story.approve) return details;
    if (isReviewed && !isApproved) {
      await approve(story, details);
      isApproved = true;
    }
    if (details.run.status === 'waiting_mcp' && details.pending_approval_id !== question) {
      question = details.pending_approval_id;
      story.say('the agent asks its owner a question; the demo cannot answer it, `codexk8s up` and the console can');
    }
    await sleep(everyMs);
  }
}

async function readRun({ client, report }: Story, runId: string): Promise<RunDetails> {
  const details = await unwrap(getRun({ client, path: { run_id: runId } }));
  report.status = details.run.status;
  if (details.verification) report.verification = details.verification;
  return details;
}

async function readReview({ client, report }: Story, reviewId: string): Promise<RunDetails> {
  const details = await unwrap(getRun({ client, path: { run_id: reviewId } }));
  report.review = { run_id: reviewId, status: details.run.status, ...details.report };
  return details;
}

async function sayNews(
  { client, report, say }: Story,
  seen: Map<string, number>,
  { runId, reviewId }: { runId: string; reviewId: string | undefined },
): Promise<void> {
  for (const id of reviewId === undefined ? [runId] : [runId, reviewId]) {
    const { items } = await unwrap(listRunEvents({ client, path: { run_id: id }, query: { after: seen.get(id) ?? 0, limit: 1000 } }));
    for (const event of items) {
      seen.set(id, event.id);
      report.events.push(event);
      const text = eventWords(event);
      if (text !== undefined) say(text, id === reviewId ? 'reviewer' : undefined);
    }
  }
}

/** Decides what the platform shows, only when the code host shows the same commit. */
async function approve({ client, github, say }: Story, { run, head_sha: headSha }: RunDetails): Promise<void> {
  const { items } = await unwrap(listApprovals({ client, query: { run_id: run.id, state: ['requested'] } }));
  const request = items.find(({ tool_name: tool }) => tool === 'owner_review');
  if (!request) return; // decided elsewhere meanwhile
  const pull = await github.getPull(run.pr_number ?? 0);
  if (request.target['head_sha'] !== pull.head.sha || headSha !== pull.head.sha) throw unconfirmed(pull, headSha);
  await unwrap(decideApproval({ client, path: { approval_id: request.id }, body: { decision: 'approved', digest: request.digest } }));
  say(`approved by the owner: ${pull.head.ref} at ${pull.head.sha.slice(0, 12)}`);
}

async function confirmPull(github: Github, { run, branch, head_sha: headSha }: RunDetails): Promise<Pull> {
  if (run.pr_number === undefined) throw unconfirmed(undefined, headSha);
  const pull = await github.getPull(run.pr_number);
  if (pull.state !== 'open' || pull.head.ref !== branch || pull.head.sha !== headSha) throw unconfirmed(pull, headSha);
  return pull;
}

function unconfirmed(pull: Pull | undefined, headSha: string | undefined): CliError {
  const found = pull ? `#${pull.number} is ${pull.state} at ${pull.head.sha}` : 'there is no pull request';
  return new CliError('failed', {
    code: 'run.delivery_unconfirmed',
    message: `The run names commit ${headSha ?? '(none)'}, but at the code host ${found}.`,
    remedy: 'Look at the branch on GitHub, then label the issue again.',
  });
}
