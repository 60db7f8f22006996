import type { RouteHandlers } from '@codex-k8s/contracts/staff/handlers';
import { AppError, type Actor } from '@codex-k8s/domain';
import type { FastifyRequest } from 'fastify';
import { listPlatformAgents, showPlatform } from '../app/platform.ts';
import { canDecide, decideApproval, listApprovals } from '../app/approvals.ts';
import { mayWrite } from '../app/authorize.ts';
import type { Context } from '../app/context.ts';
import { labelIssue, listProjectIssues } from '../app/issues.ts';
import {
  addProject,
  changeProject,
  listProjectMembers,
  listVisibleProjects,
  removeProject,
  removeProjectMember,
  setMemberLearning,
  setProjectMember,
  showProject,
} from '../app/projects.ts';
import { addRepository, listProjectRepositories, removeRepository } from '../app/repositories.ts';
import { listEvents, readRunLog } from '../app/run-history.ts';
import { cancelRun, listVisibleRuns, listVisibleWaits, retryRun, showDiff, showRun } from '../app/runs.ts';
import { addStaffUser, listStaffUsers, removeStaffUser } from '../app/users.ts';
import {
  approvalView,
  eventView,
  issueView,
  logLineView,
  memberView,
  projectView,
  repositoryView,
  runDetails,
  runPage,
  runView,
  userView,
} from './staff-views.ts';

/** Operations of the staff contract that the gateway answers itself. */
export const gatewayOperations = ['startLogin', 'finishLogin', 'logout', 'getMe'] as const;
type GatewayOperation = (typeof gatewayOperations)[number];
export type StaffHandlers = Omit<RouteHandlers, GatewayOperation>;
type StreamOperation = 'streamRun' | 'streamRunLogs' | 'downloadRunLogs';
export type ClusterOperation = 'listClusterObjects' | 'getClusterObject' | 'updateClusterObject' | 'deleteClusterObject' | 'getClusterLogs';

export function actorOf({ actor }: Pick<FastifyRequest, 'actor'>): Actor {
  if (!actor) throw new AppError('auth.unauthorized', 'Sign in first.');
  return actor;
}

export function staffHandlers(context: Context): Omit<StaffHandlers, StreamOperation | ClusterOperation> {
  return {
    getPlatform: async (_request, reply) => reply.code(200).send(await showPlatform(context)),
    listAgents: async (_request, reply) => reply.code(200).send({ items: await listPlatformAgents(context) }),

    listProjects: async (request, reply) =>
      reply.code(200).send({ items: (await listVisibleProjects(context, actorOf(request))).map(projectView) }),
    createProject: async (request, reply) =>
      reply.code(201).send(projectView(await addProject(context, { actor: actorOf(request), ...request.body }))),
    getProject: async (request, reply) =>
      reply.code(200).send(projectView(await showProject(context, { actor: actorOf(request), projectId: request.params.project_id }))),
    updateProject: async (request, reply) => {
      const { name, settings } = request.body;
      return reply
        .code(200)
        .send(projectView(await changeProject(context, { actor: actorOf(request), projectId: request.params.project_id, name, settings })));
    },
    deleteProject: async (request, reply) => {
      await removeProject(context, { actor: actorOf(request), projectId: request.params.project_id });
      return reply.code(204).send();
    },

    listMembers: async ({ params }, reply) =>
      reply.code(200).send({ items: (await listProjectMembers(context, params.project_id)).map(memberView) }),
    upsertMember: async (request, reply) =>
      reply
        .code(200)
        .send(
          memberView(await setProjectMember(context, { actor: actorOf(request), projectId: request.params.project_id, ...request.body })),
        ),
    removeMember: async (request, reply) => {
      await removeProjectMember(context, { actor: actorOf(request), projectId: request.params.project_id, userId: request.params.user_id });
      return reply.code(204).send();
    },
    setMemberLearningMode: async (request, reply) => {
      const { project_id: projectId, user_id: userId } = request.params;
      await setMemberLearning(context, { actor: actorOf(request), projectId, userId, enabled: request.body.enabled });
      return reply.code(204).send();
    },

    listRepositories: async ({ params }, reply) =>
      reply.code(200).send({ items: (await listProjectRepositories(context, params.project_id)).map(repositoryView) }),
    addRepository: async (request, reply) => {
      const { owner, name, token, services_yaml_path: servicesYamlPath = 'services.yaml' } = request.body;
      const bound = await addRepository(context, {
        actor: actorOf(request),
        projectId: request.params.project_id,
        owner,
        name,
        token,
        servicesYamlPath,
      });
      return reply.code(201).send(repositoryView(bound));
    },
    removeRepository: async (request, reply) => {
      await removeRepository(context, {
        actor: actorOf(request),
        projectId: request.params.project_id,
        repositoryId: request.params.repository_id,
      });
      return reply.code(204).send();
    },
    listIssues: async (request, reply) => {
      const { project_id: projectId, repository_id: repositoryId } = request.params;
      return reply
        .code(200)
        .send({ items: (await listProjectIssues(context, { actor: actorOf(request), projectId, repositoryId })).map(issueView) });
    },
    addIssueLabel: async (request, reply) => {
      const { project_id: projectId, repository_id: repositoryId, issue_number: issueNumber } = request.params;
      const { label } = request.body;
      await labelIssue(context, { actor: actorOf(request), projectId, repositoryId, issueNumber, label });
      return reply.code(202).send({ issue_number: issueNumber, label });
    },

    listUsers: async (_request, reply) => reply.code(200).send({ items: (await listStaffUsers(context)).map(userView) }),
    createUser: async (request, reply) => {
      const { email, is_platform_admin: isPlatformAdmin = false } = request.body;
      return reply.code(201).send(userView(await addStaffUser(context, { actor: actorOf(request), email, isPlatformAdmin })));
    },
    deleteUser: async (request, reply) => {
      await removeStaffUser(context, { actor: actorOf(request), userId: request.params.user_id });
      return reply.code(204).send();
    },

    listRuns: async (request, reply) => {
      const {
        project_id: projectId,
        status: statuses,
        agent_key: agentKey,
        issue_number: issueNumber,
        q: text,
        limit = 50,
        cursor,
      } = request.query ?? {};
      const page = await listVisibleRuns(context, {
        actor: actorOf(request),
        projectId,
        statuses,
        agentKey,
        issueNumber,
        text,
        limit,
        cursor,
      });
      return reply.code(200).send(runPage(page));
    },
    listRunJobs: async (request, reply) => {
      const { project_id: projectId, trigger_kind: triggerKind, agent_key: agentKey, limit = 50, cursor } = request.query ?? {};
      const statuses = request.query?.status ?? ['running' as const];
      const filter = { actor: actorOf(request), projectId, triggerKind, statuses, agentKey };
      return reply.code(200).send(runPage(await listVisibleRuns(context, { ...filter, limit, cursor })));
    },
    listRunWaits: async (request, reply) => {
      const {
        project_id: projectId,
        trigger_kind: triggerKind,
        agent_key: agentKey,
        wait_state: waitReason,
        limit = 50,
      } = request.query ?? {};
      const filter = { actor: actorOf(request), projectId, triggerKind, agentKey, waitReason };
      return reply.code(200).send({ items: (await listVisibleWaits(context, { ...filter, limit })).map(runView) });
    },
    getRun: async (request, reply) => {
      const actor = actorOf(request);
      const path = { run_id: request.params.run_id };
      return reply
        .code(200)
        .send(runDetails(await showRun(context, { runId: path.run_id, actor, mayWrite: await mayWrite(context, { actor, path }) })));
    },
    cancelRun: async (request, reply) =>
      reply
        .code(200)
        .send(runView(await cancelRun(context, { runId: request.params.run_id, actor: actorOf(request), reason: request.body?.reason }))),
    retryRun: async (request, reply) =>
      reply.code(201).send(runView(await retryRun(context, { runId: request.params.run_id, actor: actorOf(request) }))),
    listRunEvents: async ({ params, query }, reply) => {
      const events = await listEvents(context, { runId: params.run_id, after: query?.after ?? 0, limit: query?.limit ?? 50 });
      return reply.code(200).send({ items: events.map(eventView) });
    },
    getRunLogs: async ({ params, query }, reply) => {
      const { after, before, search, limit = 200 } = query ?? {};
      const { head, lines } = await readRunLog(context, { runId: params.run_id, after, before, search, limit });
      return reply.code(200).send({
        run_id: params.run_id,
        items: lines.map(logLineView),
        total: head.lines,
        truncated: head.truncated,
        expired: head.expired,
      });
    },
    getRunDiff: async ({ params }, reply) => reply.code(200).send(await showDiff(context, params.run_id)),

    listApprovals: async (request, reply) => {
      const actor = actorOf(request);
      const { state = ['requested' as const], project_id: projectId, run_id: runId, limit = 50, cursor } = request.query ?? {};
      const page = await listApprovals(context, { actor, states: state, projectId, runId, limit, cursor });
      const items = page.requests.map((one) => approvalView(one, { canDecide: canDecide(actor, one) }));
      return reply.code(200).send({ items, ...(page.nextCursor !== undefined && { next_cursor: page.nextCursor }) });
    },
    decideApproval: async (request, reply) => {
      const actor = actorOf(request);
      const { decision, digest, reason, answer } = request.body;
      const decided = await decideApproval(context, { actor, id: request.params.approval_id, decision, digest, reason, answer });
      return reply.code(200).send(approvalView(decided, { canDecide: false }));
    },
  };
}
