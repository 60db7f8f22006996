import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { changeIssue, createComment, createIssue } from '../app/issues.ts';
import { addLabels, removeLabel } from '../app/labels.ts';
import { issueOf, permissionOf, pullOf } from '../app/permissions.ts';
import { mergePull } from '../app/pulls.ts';
import { createReview } from '../app/reviews.ts';
import { forbidden } from '../errors.ts';
import type { Forge } from '../forge.ts';
import { atLeast } from '../present/repositories.ts';
import type { Permission } from '../store/records.ts';
import { parseBody } from './route.ts';
import { viewerOfForm } from './sessions.ts';
import { repositoryOf, type RepositoryParams } from './page-access.ts';

interface FormRoute {
  Params: RepositoryParams & { readonly number: string };
  Body: Readonly<Record<string, string>>;
}

const IssueForm = z.object({ title: z.string().trim().min(1), body: z.string().default('') });
const CommentForm = z.object({ body: z.string().default(''), action: z.enum(['comment', 'close', 'reopen']) });
const LabelForm = z.object({ add: z.string().optional(), remove: z.string().optional() });
const ReviewForm = z.object({ body: z.string().default(''), event: z.enum(['COMMENT', 'APPROVE', 'REQUEST_CHANGES']) });
const MergeForm = z.object({ method: z.enum(['merge', 'squash']) });

/** What the forms of the pages do: the same use cases as the REST API, then back to the page. */
export function mountForms(site: FastifyInstance, forge: Forge): void {
  site.post<FormRoute>('/:owner/:repo/issues', (request, reply) => {
    const { repository, actor } = formOf(forge, request, 'read');
    const issue = createIssue(forge, repository, actor, parseBody(IssueForm, request.body, 'Issue'));
    return reply.redirect(`/${repository.owner}/${repository.name}/issues/${issue.number}`, 303);
  });

  site.post<FormRoute>('/:owner/:repo/issues/:number/comments', (request, reply) => {
    const { repository, actor } = formOf(forge, request, 'read');
    const act = { repository, actor, issue: issueOf(forge, repository, Number(request.params.number)) };
    const { body, action } = parseBody(CommentForm, request.body, 'IssueComment');
    if (body.trim() !== '') createComment(forge, act, body);
    if (action !== 'comment') {
      const own = act.issue.userId === actor.id;
      if (!own && !atLeast(permissionOf(repository, actor), 'triage')) throw forbidden('You may not close this.');
      changeIssue(forge, act, { state: action === 'close' ? 'closed' : 'open' });
    }
    return reply.redirect(`/${repository.owner}/${repository.name}/issues/${act.issue.number}`, 303);
  });

  site.post<FormRoute>('/:owner/:repo/issues/:number/labels', (request, reply) => {
    const { repository, actor } = formOf(forge, request, 'triage');
    const act = { repository, actor, issue: issueOf(forge, repository, Number(request.params.number)) };
    const { add, remove } = parseBody(LabelForm, request.body, 'Label');
    if (add) addLabels(forge, act, [add]);
    if (remove) removeLabel(forge, act, remove);
    return reply.redirect(`/${repository.owner}/${repository.name}/issues/${act.issue.number}`, 303);
  });

  mountPullForms(site, forge);
}

function mountPullForms(site: FastifyInstance, forge: Forge): void {
  site.post<FormRoute>('/:owner/:repo/pull/:number/reviews', async (request, reply) => {
    const { repository, actor } = formOf(forge, request, 'read');
    const pull = pullOf(forge, repository, Number(request.params.number));
    await createReview(forge, { repository, pull, actor }, parseBody(ReviewForm, request.body, 'PullRequestReview'));
    return reply.redirect(`/${repository.owner}/${repository.name}/pull/${pull.number}`, 303);
  });

  site.post<FormRoute>('/:owner/:repo/pull/:number/merge', async (request, reply) => {
    const { repository, actor } = formOf(forge, request, 'write');
    const pull = pullOf(forge, repository, Number(request.params.number));
    await mergePull(forge, repository, pull.number, actor, parseBody(MergeForm, request.body, 'PullRequest'));
    return reply.redirect(`/${repository.owner}/${repository.name}/pull/${pull.number}`, 303);
  });
}

/** The repository of a form and who sent it, with at least this permission. */
function formOf(forge: Forge, request: FastifyRequest<FormRoute>, needed: Permission) {
  const viewer = viewerOfForm(forge.store, request, request.body['csrf']);
  const { repository, permission } = repositoryOf(forge, request);
  if (!atLeast(permission, needed)) throw forbidden(`This needs the permission ${needed}.`);
  return { repository, actor: viewer.user };
}
