import { decideLabelTrigger, refusalAnswers } from '@codex-k8s/domain';
import { consumeLabelGrant, latestDeliveredRun, readTriggerFacts, type Tx } from '@codex-k8s/store';
import type { Context } from './context.ts';
import type { EventInput, RuleOutcome } from './event-rule.ts';
import { startStageRun } from './start-run.ts';
import { issueSnapshot } from './webhook-payload.ts';

/** A label was put on an issue: the trigger rule decides, under the lock the caller holds. */
export async function onIssueLabeled(
  context: Context,
  tx: Tx,
  { deliveryId, payload, repository, sender }: EventInput,
): Promise<RuleOutcome> {
  const { issue, label, sender: account } = payload;
  if (!issue || !label || !account) return { result: 'ignored', reason: 'issue_event_not_trigger_label' };
  const { labels } = context;
  const place = { repositoryId: repository.id, issueNumber: issue.number };
  const snapshot = issueSnapshot(issue);
  const { settings, activeRunId, stage, hasGrant, closedAt, user, agent } = await readTriggerFacts(tx, {
    ...place,
    projectId: repository.projectId,
    label: label.name,
    agentKey: labels.triggerOf(label.name)?.agentKey,
    account,
  });
  const decision = decideLabelTrigger({
    labels,
    addedLabel: label.name,
    issueLabels: snapshot.labels,
    isOpen: issue.state !== 'closed' && !isClosedSince(issue.updated_at, closedAt),
    sender: { login: account.login, isBot: account.type === 'Bot', hasGrant, ...(user && { user }) },
    hasActiveRun: activeRunId !== undefined,
    stageRecord: stage,
    allowDirectDev: settings.direct_dev ?? context.config.directDev,
  });
  if ('refuse' in decision) {
    const { comment } = refusalAnswers[decision.refuse];
    return {
      result: 'ignored',
      reason: decision.refuse,
      needsAnswer: comment && decision.trigger !== undefined,
      details: { label: label.name, conflicting: decision.conflicting, active_run_id: activeRunId },
    };
  }
  const grant = hasGrant ? await consumeLabelGrant(tx, { ...place, label: label.name }) : undefined;
  const continues = decision.start.isRevise ? await latestDeliveredRun(tx, place) : undefined;
  const run = await startStageRun(context, tx, {
    repository,
    known: { settings, agent },
    correlationId: deliveryId,
    trigger: decision.start,
    triggerLabel: label.name,
    actor: grant?.decidedBy ? { type: 'human', id: grant.decidedBy.replace(/^human:/, '') } : sender,
    continues,
    payload: {
      issue: snapshot,
      trigger: { source: 'issue_label', allowed_by: decision.allowedBy },
      delivery_id: deliveryId,
    },
  });
  if (!run) return { result: 'ignored', reason: 'active_run_exists', needsAnswer: true, details: { label: label.name } };
  return { result: 'accepted', runId: run.id, details: { label: label.name, run_kind: run.triggerKind, allowed_by: decision.allowedBy } };
}

/** Was the issue closed after the label was set? This delivery may come long after it happened. */
function isClosedSince(labelledAt: string | undefined, closedAt: Date | undefined): boolean {
  return closedAt !== undefined && labelledAt !== undefined && new Date(labelledAt) <= closedAt;
}
