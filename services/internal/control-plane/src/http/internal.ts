import type { RouteHandlers } from '@codex-k8s/contracts/internal/handlers';
import { AppError } from '@codex-k8s/domain';
import { signToken } from '@codex-k8s/http';
import type { FastifyRequest } from 'fastify';
import type { Context } from '../app/context.ts';
import { getWorkOrder, type RunCaller, type WorkOrder } from '../app/run-spec.ts';
import { recordHeartbeat, recordRunnerEvent, storeAttemptResult, storeRunLogs, storeSession } from '../app/runner-callbacks.ts';
import { authorizeOAuthUser, getStaffUser } from '../app/users.ts';
import { runTokenIssuer } from './authenticate.ts';
import { ingestHandler, type IngestOptions } from './ingest.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** The attempt a run token names; set by `authenticateRun`. */
    runCaller: RunCaller | undefined;
  }
}

/** The caller of a runner operation; the run in the path must be the token's. */
function callerOf({ runCaller, params }: Pick<FastifyRequest, 'runCaller' | 'params'>): RunCaller {
  const { run_id } = params as { run_id?: string }; // checked by the contract
  if (!runCaller || runCaller.runId !== run_id) throw new AppError('auth.forbidden', 'The token is for another run.');
  return runCaller;
}

interface UserRow {
  readonly id: string;
  readonly email: string;
  readonly githubLogin: string | null;
  readonly isPlatformAdmin: boolean;
  readonly isPlatformOwner: boolean;
}

function staffUser({ id, email, githubLogin, isPlatformAdmin, isPlatformOwner }: UserRow) {
  return {
    id,
    email,
    ...(githubLogin !== null && { github_login: githubLogin }),
    is_platform_admin: isPlatformAdmin,
    is_platform_owner: isPlatformOwner,
  };
}

export function internalHandlers(context: Context, ingest: IngestOptions): RouteHandlers {
  return {
    ingestEvents: ingestHandler(context, ingest),
    authorizeOAuthUser: async ({ body }, reply) =>
      reply
        .code(200)
        .send(
          staffUser(
            await authorizeOAuthUser(context, { email: body.email, githubUserId: body.github_user_id, githubLogin: body.github_login }),
          ),
        ),
    getStaffUser: async ({ params }, reply) => reply.code(200).send(staffUser(await getStaffUser(context, params.user_id))),

    getRunSpec: async (request, reply) => reply.code(200).send(await runSpec(context, await getWorkOrder(context, callerOf(request)))),
    heartbeat: async (request, reply) => reply.code(200).send(await recordHeartbeat(context, callerOf(request))),
    insertRunEvent: async (request, reply) => {
      const { event_type: type, key, payload } = request.body;
      await recordRunnerEvent(context, callerOf(request), { type, key, payload });
      return reply.code(204).send();
    },
    appendRunLogs: async (request, reply) =>
      reply.code(200).send({ accepted: await storeRunLogs(context, callerOf(request), request.body) }),
    saveAgentSession: async (request, reply) => {
      const { program, turns, session_id: sessionId, snapshot, resume_outcome: resumeOutcome, usage } = request.body;
      await storeSession(context, callerOf(request), { program, turns, sessionId, snapshot, resumeOutcome, usage });
      return reply.code(204).send();
    },
    finishAttempt: async (request, reply) => {
      await storeAttemptResult(context, callerOf(request), request.body);
      return reply.code(204).send();
    },
  };
}

async function runSpec({ config }: Context, { run, agentName, repository, token, prompt, session, startSha }: WorkOrder) {
  return {
    run_id: run.id,
    correlation_id: run.correlationId,
    attempt: run.attempt,
    kind: run.runKind as 'work' | 'revise' | 'review', // the check constraint holds the words
    agent: { key: run.agentKey, name: agentName },
    program: run.program as 'trial' | 'codex', // written from the configuration's enum
    model: run.model,
    reasoning_effort: run.reasoningEffort,
    trigger_kind: run.triggerKind,
    ...(run.issueNumber !== null && { issue_number: run.issueNumber }),
    ...(run.prNumber !== null && { pr_number: run.prNumber }),
    repository: { full_name: run.repositoryFullName, clone_url: repository.cloneUrl },
    base_branch: run.baseBranch,
    target_branch: run.branch,
    prompt,
    ...(startSha !== undefined && { start_sha: startSha }),
    git: { username: config.gitUser.name, email: config.gitUser.email, token },
    mcp_url: config.mcpUrl,
    mcp_token: await signToken(new TextEncoder().encode(config.runTokenKey), {
      issuer: runTokenIssuer,
      ttlSec: config.runTokenTtlSec,
      claims: { sub: `run:${run.id}`, scope: 'codexk8s:mcp', run_id: run.id, attempt: run.attempt },
    }),
    ...(session && {
      session: {
        run_id: session.runId,
        turns: session.turns,
        ...(session.sessionId !== null && { session_id: session.sessionId }),
        ...(session.snapshot !== null && { snapshot: session.snapshot }),
      },
    }),
  };
}
