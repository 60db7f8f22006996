import { timingSafeEqual } from 'node:crypto';
import { AppError, projectRoles, type ProjectRole } from '@codex-k8s/domain';
import { bearerOf, verifyToken, type Operation } from '@codex-k8s/http';
import type { FastifyRequest } from 'fastify';
import { authorizeProject, isAdmin, loadActor } from '../app/authorize.ts';
import type { Context } from '../app/context.ts';
import type { RunCaller } from '../app/run-spec.ts';
import { actorOf } from './staff.ts';

export const staffIssuer = 'codex-k8s';
export const runTokenIssuer = 'codex-k8s/control-plane/mcp';

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** A session token names the user only; rights are read from the database at each call, so a withdrawn one ends at once. */
export async function authenticateStaff(context: Context, request: FastifyRequest): Promise<void> {
  const token = bearerOf(request.headers.authorization);
  if (!token) throw new AppError('auth.unauthorized', 'Sign in first.');
  const { sub } = await verifyToken(encode(context.config.jwtKey), { issuer: staffIssuer, token });
  request.actor = await loadActor(context, sub ?? '');
}

/** The least role stands in the contract (`x-codexk8s-role`). */
export async function authorizeStaff(context: Context, operation: Operation, request: FastifyRequest): Promise<void> {
  const role = operation.extensions['x-codexk8s-role'];
  const actor = actorOf(request);
  if (role === 'any') return;
  if (role === 'platform_admin') {
    if (!isAdmin(actor)) throw new AppError('auth.forbidden', 'Only a platform admin may do this.');
    return;
  }
  if (!isProjectRole(role)) throw new TypeError(`operation ${operation.operationId} has no usable x-codexk8s-role`);
  const path = request.params as { project_id?: string; run_id?: string; approval_id?: number }; // checked by the contract
  await authorizeProject(context, { actor, path, role });
}

function isProjectRole(value: unknown): value is ProjectRole {
  return (projectRoles as readonly unknown[]).includes(value);
}

export function authenticateGateway({ config }: Context, request: FastifyRequest): void {
  const given = encode(bearerOf(request.headers.authorization) ?? '');
  const expected = encode(config.internalToken);
  if (given.length !== expected.length || !timingSafeEqual(given, expected))
    throw new AppError('auth.unauthorized', 'The service token is not valid.');
}

/** What a run token opens: the runner's API, or the tools. The agent is given the second kind only (design, promise 5). */
export type RunScope = 'codexk8s:runner' | 'codexk8s:mcp';

/** A run token names the run, the attempt and its scope. */
export async function authenticateRun({ verifyRunToken }: Context, request: FastifyRequest, wanted: RunScope): Promise<RunCaller> {
  const token = bearerOf(request.headers.authorization);
  if (!token) throw new AppError('auth.unauthorized', 'A run token is needed.');
  const { run_id: runId, attempt, scope } = await verifyRunToken(token);
  if (typeof runId !== 'string' || typeof attempt !== 'number') throw new AppError('auth.unauthorized', 'The token is not a run token.');
  if (scope !== wanted) throw new AppError('auth.forbidden', `The token is not for ${wanted}.`);
  return { runId, attempt };
}
