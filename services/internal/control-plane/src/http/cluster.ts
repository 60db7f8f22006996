import type { GetClusterObjectData, ClusterObject as ClusterObjectView, ClusterListedObject } from '@codex-k8s/contracts/staff';
import { partOfLabel } from '@codex-k8s/domain';
import { deleteObject, updateObject } from '../app/cluster-changes.ts';
import { listObjects, readObjectLog, showObject } from '../app/cluster-objects.ts';
import type { Context } from '../app/context.ts';
import { actorOf, type ClusterOperation, type StaffHandlers } from './staff.ts';

type Shown = Awaited<ReturnType<typeof showObject>>;
type Listed = Awaited<ReturnType<typeof listObjects>>['objects'][number];

/** `_` stands for what lies in no namespace. */
function refOf({ kind, namespace, name }: GetClusterObjectData['path']) {
  return { kind, namespace: namespace === '_' ? undefined : namespace, name };
}

export function clusterHandlers(context: Context): Pick<StaffHandlers, ClusterOperation> {
  return {
    listClusterObjects: async ({ params, query }, reply) => {
      const { namespace, name, limit = 50, cursor } = query ?? {};
      const { objects, nextCursor } = await listObjects(context, { kind: params.kind, namespace, name, limit, cursor });
      return reply.code(200).send({ items: objects.map(listedView), ...(nextCursor !== undefined && { next_cursor: nextCursor }) });
    },
    getClusterObject: async ({ params }, reply) => reply.code(200).send(objectView(await showObject(context, refOf(params)))),
    updateClusterObject: async (request, reply) => {
      const { yaml, resource_version: resourceVersion, dry_run: dryRun, reason } = request.body;
      const change = { actor: actorOf(request), ref: refOf(request.params), yaml, resourceVersion, dryRun, reason };
      const { applied, verdict, before, after, changes } = await updateObject(context, change);
      return reply.code(200).send({
        applied,
        ...verdict,
        changes: [...changes],
        before_yaml: before.yaml,
        after_yaml: after.yaml,
        object: objectView(after),
      });
    },
    deleteClusterObject: async (request, reply) => {
      const { uid, dry_run: dryRun, reason } = request.body;
      const { applied, verdict } = await deleteObject(context, {
        actor: actorOf(request),
        ref: refOf(request.params),
        uid,
        dryRun,
        reason,
      });
      return reply.code(200).send({ applied, ...verdict });
    },
    getClusterLogs: async ({ params, query }, reply) => {
      const { pod, container, tail_lines: tailLines = 500, previous = false } = query ?? {};
      const log = await readObjectLog(context, { ref: refOf(params), pod, container, tailLines, previous });
      const { lines, pods, containers, isCut, ...rest } = log;
      return reply.code(200).send({
        ...rest,
        pods: [...pods],
        containers: [...containers],
        cut: isCut,
        lines: lines.map(({ at, text }) => ({ ...(at && { at: at.toISOString() }), text })),
      });
    },
  };
}

/** What lists and single objects say alike. */
function commonView({ namespace, name, uid, createdAt, isDeleting, environment, isPlatformObject }: Listed | Shown) {
  return {
    ...(namespace !== undefined && { namespace }),
    name,
    uid,
    created_at: createdAt.toISOString(),
    deleting: isDeleting,
    ...(environment !== undefined && { environment }),
    platform_object: isPlatformObject,
  };
}

function listedView(object: Listed): ClusterListedObject {
  const partOf = object.labels[partOfLabel];
  return { ...commonView(object), ...(partOf !== undefined && { part_of: partOf }), columns: { ...object.columns } };
}

function objectView(object: Shown): ClusterObjectView {
  const { kind, resourceVersion, labels, yaml, statusYaml, keys } = object;
  return {
    ...commonView(object),
    kind,
    resource_version: resourceVersion,
    labels: { ...labels },
    yaml,
    ...(statusYaml !== undefined && { status_yaml: statusYaml }),
    ...(keys && { keys: keys.map((key) => ({ ...key })) }),
  };
}
