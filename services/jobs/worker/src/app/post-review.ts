import { AppError, isAppError, type Review } from '@codex-k8s/domain';
import { moveRun, recordEvent, type Run } from '@codex-k8s/store';
import { hostOf, worker, type Context, type Host } from './context.ts';
import { verificationOf } from './verification.ts';
import { failRun } from './fail-run.ts';

interface ReviewReport {
  readonly summary: string;
  readonly verdict: 'approve' | 'request_changes' | 'comment';
  readonly findings: readonly { readonly path?: string; readonly line?: number; readonly severity?: string; readonly message: string }[];
}

/** The reviewer's report becomes one comment-only review (reference §6.9); a marker makes posting it repeatable. False: the run moved on. */
export async function postReview(context: Context, run: Run): Promise<boolean> {
  if (run.report === null) throw new AppError('run.report_missing', 'The reviewer ended without submitting its report.');
  if (run.prNumber === null || run.headSha === null) throw new AppError('run.pull_request_missing', 'There is no pull request to review.');
  const host = await hostOf(context, run);
  const marker = `<!-- codex-k8s:review ${run.id} -->`;
  const posted =
    (await findReview(host, run.prNumber, marker)) ??
    (await createReview(host, { run, prNumber: run.prNumber, headSha: run.headSha, marker }));
  const confirmed = await findReview(host, run.prNumber, marker);
  const verification = verificationOf([{ name: 'review_posted', ok: confirmed !== undefined, detail: posted.htmlUrl }]);
  if (!verification.confirmed) {
    return failRun(context, { run, code: 'run.delivery_unconfirmed', message: 'GitHub does not show the posted review.', verification });
  }
  return context.store.db.transaction().execute(async (tx) => {
    const moved = await moveRun(tx, 'succeed', {
      id: run.id,
      attempt: run.attempt,
      actor: worker,
      set: { verification: JSON.stringify(verification) },
    });
    if (!moved) return false;
    const { verdict, findings } = run.report as unknown as ReviewReport; // checked by submit_result
    await recordEvent(tx, {
      type: 'run.review.posted',
      correlationId: run.correlationId,
      runId: run.id,
      projectId: run.projectId,
      actor: worker,
      payload: { pr_number: run.prNumber, review_url: posted.htmlUrl, verdict, findings: findings.length },
    });
    return true;
  });
}

async function findReview({ provider, repository }: Host, prNumber: number, marker: string): Promise<Review | undefined> {
  return (await provider.listReviews(repository, prNumber)).find(({ body }) => body.includes(marker));
}

interface NewReview {
  readonly run: Run;
  readonly prNumber: number;
  readonly headSha: string;
  readonly marker: string;
}

async function createReview({ provider, repository }: Host, { run, prNumber, headSha, marker }: NewReview): Promise<Review> {
  const report = run.report as unknown as ReviewReport; // checked by submit_result
  const inline = report.findings.flatMap(({ path, line, message }) =>
    path !== undefined && line !== undefined ? [{ path, line, body: message }] : [],
  );
  try {
    return await provider.createReview(repository, prNumber, {
      commitSha: headSha,
      body: reviewBody(report, { marker, withPlaces: false }),
      comments: inline,
    });
  } catch (error) {
    if (inline.length === 0 || !isAppError(error, 'github.rejected')) throw error;
    // A line outside the diff is refused with all the others: then the places are named in the text.
    return provider.createReview(repository, prNumber, {
      commitSha: headSha,
      body: reviewBody(report, { marker, withPlaces: true }),
      comments: [],
    });
  }
}

const verdicts = { approve: 'looks good', request_changes: 'changes advised', comment: 'comments' } as const;

export function reviewBody(
  { summary, verdict, findings }: ReviewReport,
  { marker, withPlaces }: { marker: string; withPlaces: boolean },
): string {
  const listed = findings.filter(({ path, line }) => withPlaces || path === undefined || line === undefined);
  const lines = listed.map(({ path, line, severity, message }) => {
    const place = path === undefined ? '' : `\`${path}${line === undefined ? '' : `:${line}`}\` `;
    return `- ${severity === undefined ? '' : `**${severity}** `}${place}${message}`;
  });
  return [
    `**Pre-review: ${verdicts[verdict]}** (advice; the owner decides)`,
    summary,
    ...(lines.length > 0 ? [lines.join('\n')] : []),
    marker,
  ].join('\n\n');
}
