import type { EventRule } from './event-rule.ts';
import { onIssueClosed, onIssueReopened, onPullRequestClosed } from './on-closed.ts';
import { onIssueLabeled } from './on-issue-labeled.ts';
import { onPullRequestLabeled } from './on-pull-request-labeled.ts';
import { onReviewSubmitted } from './on-review-submitted.ts';

/** Which rule reads which event, by event and action. A known event without a rule is accepted and starts nothing. */
export const eventRules: Readonly<Record<string, Readonly<Record<string, EventRule>>>> = {
  ping: {},
  push: {},
  issues: { labeled: onIssueLabeled, closed: onIssueClosed, reopened: onIssueReopened },
  issue_comment: {},
  pull_request: { labeled: onPullRequestLabeled, closed: onPullRequestClosed },
  pull_request_review: { submitted: onReviewSubmitted },
  pull_request_review_comment: {},
};
