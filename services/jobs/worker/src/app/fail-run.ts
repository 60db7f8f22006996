import { stageOfKind, type ErrorCode } from '@codex-k8s/domain';
import { inSpan, ofRun } from '@codex-k8s/runtime';
import { getProject, moveRun, setIssueStage, type Run, type Tx } from '@codex-k8s/store';
import { worker, type Context } from './context.ts';

/** Where the issue stands now, if this was a stage run. */
export async function setStage(tx: Tx, run: Run, status: 'in_review' | 'approved' | 'failed'): Promise<void> {
  const stage = stageOfKind(run.triggerKind);
  if (!stage || run.repositoryId === null || run.issueNumber === null) return;
  const project = await getProject(tx, run.projectId);
  await setIssueStage(tx, {
    repositoryId: run.repositoryId,
    projectId: run.projectId,
    issueNumber: run.issueNumber,
    profile: project?.settings.profile ?? 'feature',
    stage,
    status,
    runId: run.id,
    prNumber: run.prNumber ?? undefined,
    correlationId: run.correlationId,
    actor: worker,
  });
}

export interface Failing {
  readonly run: Run;
  readonly code: ErrorCode;
  readonly message: string;
  readonly move?: 'fail' | 'timeOut';
  readonly verification?: object;
}

/** Ends a run as failed with a code people can act on. False: it moved on meanwhile. */
export async function failRun({ store }: Context, { run, code, message, move = 'fail', verification }: Failing): Promise<boolean> {
  return inSpan('fail run', ofRun(run), async (span) => {
    span.fail(code);
    return store.db.transaction().execute(async (tx) => {
      const set = verification ? { verification: JSON.stringify(verification) } : {};
      const failed = await moveRun(tx, move, { id: run.id, attempt: run.attempt, actor: worker, failure: { code, message }, set });
      if (failed) await setStage(tx, failed, 'failed');
      return failed !== undefined;
    });
  });
}
