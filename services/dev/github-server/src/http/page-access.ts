import type { FastifyReply, FastifyRequest } from 'fastify';
import { findRepository, permissionOf } from '../app/permissions.ts';
import { notFound } from '../errors.ts';
import type { Forge } from '../forge.ts';
import { viewerOf } from './sessions.ts';

const contentSecurityPolicy =
  "default-src 'none'; style-src 'self' 'unsafe-inline'; img-src 'self' https: data:; form-action *; frame-ancestors 'none'; base-uri 'none'";

export function sendPage(reply: FastifyReply, text: string): FastifyReply {
  return reply
    .type('text/html; charset=utf-8')
    .header('content-security-policy', contentSecurityPolicy)
    .header('x-content-type-options', 'nosniff')
    .header('cache-control', 'no-store')
    .send(text);
}

export interface RepositoryParams {
  readonly owner: string;
  readonly repo: string;
}

/** The repository of a page, hidden from those who may not see it. */
export function repositoryOf(forge: Forge, request: FastifyRequest<{ Params: RepositoryParams }>) {
  const viewer = viewerOf(forge.store, request);
  const repository = findRepository(forge.store, request.params.owner, request.params.repo);
  const permission = repository && permissionOf(repository, viewer?.user);
  if (!repository || permission === undefined) throw notFound();
  return { view: forge, repository, viewer, permission };
}
