import { z } from 'zod';
import type { IssueSnapshot } from './start-run.ts';

const Account = z.object({ id: z.number(), login: z.string(), type: z.string().optional() });
const Label = z.object({ name: z.string() });

const IssuePart = z.object({
  number: z.number(),
  title: z.string(),
  body: z.string().nullish(),
  state: z.string().optional(),
  /** When the event happened, to the second, however late it comes. */
  updated_at: z.iso.datetime({ offset: true }).optional().catch(undefined),
  html_url: z.string(),
  user: Account.nullish(),
  labels: z.array(Label).optional(),
});

/** The members of GitHub's events that the rules look at; everything else stays unread. */
export const WebhookPayload = z.object({
  action: z.string().optional(),
  repository: z.object({ id: z.number(), full_name: z.string() }).optional(),
  sender: Account.optional(),
  label: Label.optional(),
  issue: IssuePart.optional(),
  pull_request: z
    .object({
      number: z.number(),
      html_url: z.string(),
      merged: z.boolean().nullish(),
      state: z.string().optional(),
      head: z.object({ sha: z.string(), ref: z.string() }).optional(),
    })
    .optional(),
  review: z
    .object({ id: z.number(), state: z.string(), body: z.string().nullish(), commit_id: z.string().nullish(), user: Account.nullish() })
    .optional(),
});
export type WebhookPayload = z.infer<typeof WebhookPayload>;

export function issueSnapshot(issue: z.infer<typeof IssuePart>): IssueSnapshot {
  return {
    number: issue.number,
    title: issue.title,
    body: issue.body ?? '',
    html_url: issue.html_url,
    author: issue.user?.login ?? 'ghost',
    labels: (issue.labels ?? []).map(({ name }) => name),
  };
}
