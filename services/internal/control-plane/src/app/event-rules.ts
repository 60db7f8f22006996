import type { Tx } from '@codex-k8s/store';
import type { Context } from './context.ts';
import type { EventInput, RuleOutcome } from './ingest-event.ts';
import { onIssueClosed, onPullRequestClosed } from './on-closed.ts';
import { onIssueLabeled } from './on-issue-labeled.ts';
import { onPullRequestLabeled } from './on-pull-request-labeled.ts';
import { onReviewSubmitted } from './on-review-submitted.ts';

export type EventRule = (context: Context, tx: Tx, input: EventInput) => Promise<RuleOutcome>;

/** Which rule reads which event, by event and action. A known event without a rule is accepted and starts nothing. */
export const eventRules: Readonly<Record<string, Readonly<Record<string, EventRule>>>> = {
  ping: {},
  push: {},
  issues: { labeled: onIssueLabeled, closed: onIssueClosed },
  issue_comment: {},
  pull_request: { labeled: onPullRequestLabeled, closed: onPullRequestClosed },
  pull_request_review: { submitted: onReviewSubmitted },
  pull_request_review_comment: {},
};
