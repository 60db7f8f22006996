/**
 * Changes of the cluster by a person. Each is judged by the guardrails, tried by the cluster and put on record before anything is applied, so that
 * no change exists whose attempt is not on record.
 */
import { randomUUID } from 'node:crypto';
import {
  AppError,
  changedGuardedLabel,
  isAppError,
  judgeClusterAction,
  type Actor,
  type ClusterAction,
  type ClusterVerdict,
  type ErrorCode,
  type FlowEventType,
} from '@codex-k8s/domain';
import {
  changedMeanwhile,
  holdsPlatformObjects,
  planUpdate,
  sendDelete,
  sendUpdate,
  type ClusterObject,
  type ObjectRef,
  type UpdatePlan,
} from '@codex-k8s/kube';
import { recordEvent } from '@codex-k8s/store';
import { clusterOf, guard, showObject, type Guarded } from './cluster-objects.ts';
import type { Context } from './context.ts';

interface Request {
  readonly actor: Actor;
  readonly ref: ObjectRef;
  /** Only try. */
  readonly dryRun: boolean;
  /** Of the person; goes on record. */
  readonly reason: string | undefined;
}

export interface UpdateRequest extends Request {
  readonly yaml: string;
  readonly resourceVersion: string;
}

export interface DeleteRequest extends Request {
  readonly uid: string;
}

interface Outcome {
  readonly applied: boolean;
  readonly verdict: Exclude<ClusterVerdict, { verdict: 'refused' }>;
}

export interface UpdateOutcome extends Outcome {
  readonly before: ClusterObject;
  /** As applied, or as it would be. */
  readonly after: Guarded<ClusterObject>;
  readonly changes: readonly string[];
}

export async function updateObject(context: Context, request: UpdateRequest): Promise<UpdateOutcome> {
  const kube = clusterOf(context);
  requireReason(request);
  const plan = await planUpdate(kube, request);
  const before = await guard(context, plan.before);
  const record = recorder(context, { request, object: before, action: 'update', changes: plan.changes });
  const verdict = await record.refusal(async () => {
    refuseGuardedLabels(plan);
    return allowedOrTried(judgeClusterAction(before, 'update'));
  });
  const tried = await record.refusal(() => sendUpdate(kube, plan, { dryRun: true }));
  const willApply = !request.dryRun && verdict.verdict === 'allowed' && plan.patch !== undefined;
  await record.event('cluster.object.dry_run', { then_apply: willApply });
  if (!willApply) return { applied: false, verdict, before, after: await guard(context, tried), changes: plan.changes };
  const applied = await record.refusal(() => sendUpdate(kube, plan, { dryRun: false }));
  await record.event('cluster.object.updated');
  return { applied: true, verdict, before, after: await guard(context, applied), changes: plan.changes };
}

export async function deleteObject(context: Context, request: DeleteRequest): Promise<Outcome> {
  const kube = clusterOf(context);
  const { ref, uid } = request;
  requireReason(request);
  const object = await showObject(context, ref);
  if (object.uid !== uid) throw changedMeanwhile(ref);
  const record = recorder(context, { request, object, action: 'delete' });
  const verdict = await record.refusal(async () => {
    const isOurs = object.isPlatformObject || (ref.kind === 'namespaces' && (await holdsPlatformObjects(kube, ref.name)));
    return allowedOrTried(judgeClusterAction({ ...object, isPlatformObject: isOurs }, 'delete'));
  });
  await record.refusal(() => sendDelete(kube, { ref, uid, dryRun: true }));
  const willApply = !request.dryRun && verdict.verdict === 'allowed';
  await record.event('cluster.object.dry_run', { then_apply: willApply });
  if (!willApply) return { applied: false, verdict };
  await record.refusal(() => sendDelete(kube, { ref, uid, dryRun: false }));
  await record.event('cluster.object.deleted');
  return { applied: true, verdict };
}

function requireReason({ dryRun, reason }: Request): void {
  if (!dryRun && !reason?.trim()) throw new AppError('request.invalid', 'Say why; the reason goes on record.', { field: 'body.reason' });
}

function allowedOrTried(verdict: ClusterVerdict): Outcome['verdict'] {
  if (verdict.verdict === 'refused') throw new AppError(verdict.code, refusalTexts[verdict.code] ?? 'The guardrails do not allow this.');
  return verdict;
}

const refusalTexts: Partial<Record<ErrorCode, string>> = {
  'cluster.view_only': 'This is part of the platform, which is view-only in this environment.',
  'cluster.platform_object': 'This is part of the platform, or holds a part of it, and cannot be deleted here.',
};

function refuseGuardedLabels({ before, askedLabels }: UpdatePlan): void {
  const label = changedGuardedLabel(before.labels, askedLabels);
  if (label !== undefined) throw new AppError('cluster.label_guarded', `The label ${label} is not changed here.`, { field: 'body.yaml' });
}

interface Subject {
  readonly request: Request;
  readonly object: Guarded<ClusterObject>;
  readonly action: ClusterAction;
  readonly changes?: readonly string[];
}

/** Puts on record what is done to one object by one request; field names, never what they hold. */
function recorder({ store }: Context, { request, object, action, changes }: Subject) {
  const correlationId = randomUUID();
  const about = {
    action,
    kind: object.kind,
    ...(object.namespace !== undefined && { namespace: object.namespace }),
    name: object.name,
    uid: object.uid,
    ...(object.environment !== undefined && { environment: object.environment }),
    ...(request.reason !== undefined && { reason: request.reason.trim() }),
    ...(changes && { changes: changes.slice(0, 100) }),
  };
  async function event(type: FlowEventType, more: Readonly<Record<string, unknown>> = {}): Promise<void> {
    await recordEvent(store.db, { type, correlationId, actor: { type: 'human', id: request.actor.email }, payload: { ...about, ...more } });
  }
  return {
    event,
    /** What the guardrails or the cluster refuse goes on record too. */
    async refusal<T>(act: () => Promise<T>): Promise<T> {
      try {
        return await act();
      } catch (error) {
        if (isAppError(error)) await event('cluster.object.refused', { code: error.code, dry_run: request.dryRun });
        throw error;
      }
    },
  };
}
