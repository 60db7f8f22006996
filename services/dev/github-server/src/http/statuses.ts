import { z } from 'zod';
import { GithubError, notFound } from '../errors.ts';
import { now } from '../forge.ts';
import { listRefs, objectType } from '../git/bare-repository.ts';
import { readCommit } from '../git/commits.ts';
import { presentBranch } from '../present/branches.ts';
import { presentCommitInEvent } from '../present/commits.ts';
import { presentMinimalRepository, repositoryUrls } from '../present/repositories.ts';
import { combinedState, latestStatuses, presentSimpleStatus, presentStatus } from '../present/statuses.ts';
import type { StatusRecord } from '../store/records.ts';
import { publish } from '../webhooks/publish.ts';
import { commitOfCall, gitDirOfCall } from './commits.ts';
import { created, ok, paged, pageOf, parseBody, signedIn, type Answer, type RepositoryCall, type Route } from './route.ts';

const NewStatus = z.object({
  state: z.enum(['error', 'failure', 'pending', 'success']),
  target_url: z.string().nullish(),
  description: z.string().max(140).nullish(),
  context: z.string().default('default'),
});

const keyOf = (repositoryId: number, sha: string): string => `${repositoryId}:${sha}`;

async function create(call: RepositoryCall): Promise<Answer> {
  const { forge, repository, params } = call;
  const sha = params['sha'] ?? '';
  const body = parseBody(NewStatus, call.body, 'Status');
  if (!/^[0-9a-f]{40}$/.test(sha)) throw notFound();
  if ((await objectType(gitDirOfCall(call), sha)) !== 'commit') throw new GithubError(422, `No commit found for SHA: ${sha}`);
  const creator = signedIn(call);
  const about = await aboutCommit(call, sha);
  const status = forge.store.transaction(() => {
    const saved = forge.store.statuses.insert(
      { parent: keyOf(repository.id, sha) },
      {
        sha,
        creatorId: creator.id,
        state: body.state,
        context: body.context,
        description: body.description ?? null,
        targetUrl: body.target_url ?? null,
        createdAt: now(),
      },
    );
    publish(forge, { repository, sender: creator }, 'status', { ...statusPayload(call, saved), ...about });
    return saved;
  });
  const presented = presentStatus(forge, repository, status);
  return created(presented, presented.url);
}

async function aboutCommit(call: RepositoryCall, sha: string) {
  const { forge, repository } = call;
  const gitDir = gitDirOfCall(call);
  const heads = Object.entries(await listRefs(gitDir)).filter(([ref, at]) => ref.startsWith('refs/heads/') && at === sha);
  const branches = heads.slice(0, 10).map(([ref]) => presentBranch(forge, repository, ref.slice('refs/heads/'.length), sha));
  return { commit: presentCommitInEvent(forge, repository, await readCommit(gitDir, sha)), branches };
}

function statusPayload({ forge, repository }: RepositoryCall, status: StatusRecord) {
  const { id, context, state, description, target_url, avatar_url, created_at, updated_at } = presentSimpleStatus(
    forge,
    repository,
    status,
  );
  const name = `${repository.owner}/${repository.name}`;
  return { id, sha: status.sha, name, avatar_url, context, state, description, target_url, created_at, updated_at };
}

async function statusesOf(call: RepositoryCall): Promise<StatusRecord[]> {
  const sha = await commitOfCall(call, call.params['ref'] ?? '');
  return call.forge.store.statuses.list(keyOf(call.repository.id, sha));
}

async function combined(call: RepositoryCall): Promise<Answer> {
  const { forge, repository } = call;
  const sha = await commitOfCall(call, call.params['ref'] ?? '');
  const statuses = latestStatuses(forge.store.statuses.list(keyOf(repository.id, sha)));
  const { page, perPage } = pageOf(call.query);
  const { api } = repositoryUrls(forge, repository);
  return ok({
    state: combinedState(statuses),
    statuses: statuses.slice((page - 1) * perPage, page * perPage).map((status) => presentSimpleStatus(forge, repository, status)),
    sha,
    total_count: statuses.length,
    repository: presentMinimalRepository(forge, repository),
    commit_url: `${api}/commits/${sha}`,
    url: `${api}/commits/${sha}/status`,
  });
}

export const statusRoutes: readonly Route[] = [
  { method: 'POST', path: '/repos/:owner/:repo/statuses/:sha', access: 'write', handle: create },
  { method: 'GET', path: '/repos/:owner/:repo/commits/:ref/status', access: 'read', handle: combined },
  {
    method: 'GET',
    path: '/repos/:owner/:repo/commits/:ref/statuses',
    access: 'read',
    handle: async (call) =>
      paged(call, (await statusesOf(call)).toReversed(), (status) => presentStatus(call.forge, call.repository, status)),
  },
];
