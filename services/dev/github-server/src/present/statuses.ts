import type { View } from '../forge.ts';
import type { CheckRunRecord, RepositoryRecord, StatusRecord } from '../store/records.ts';
import { openPulls } from '../app/open-pulls.ts';
import { repositoryUrls } from './repositories.ts';
import { nodeId, presentUserId } from './users.ts';

/** As in the combined status. */
export function presentSimpleStatus(view: View, repository: RepositoryRecord, status: StatusRecord) {
  const creator = presentUserId(view, status.creatorId);
  return {
    url: `${repositoryUrls(view, repository).api}/statuses/${status.sha}`,
    avatar_url: creator.avatar_url,
    id: status.id,
    node_id: nodeId('StatusContext', status.id),
    state: status.state,
    description: status.description,
    target_url: status.targetUrl,
    context: status.context,
    created_at: status.createdAt,
    updated_at: status.createdAt,
  };
}

export function presentStatus(view: View, repository: RepositoryRecord, status: StatusRecord) {
  return { ...presentSimpleStatus(view, repository, status), creator: presentUserId(view, status.creatorId) };
}

/** The latest status of each context, newest first. */
export function latestStatuses(statuses: readonly StatusRecord[]): StatusRecord[] {
  return [...new Map(statuses.map((status) => [status.context, status])).values()].toReversed();
}

/** GitHub's rule: one failure fails, one pending (or nothing at all) is pending. */
export function combinedState(statuses: readonly StatusRecord[]): 'failure' | 'pending' | 'success' {
  if (statuses.some(({ state }) => state === 'failure' || state === 'error')) return 'failure';
  return statuses.length === 0 || statuses.some(({ state }) => state === 'pending') ? 'pending' : 'success';
}

/** Check runs belong to apps; here whoever creates one stands for its app. */
function presentApp(view: View, creatorId: number) {
  const owner = presentUserId(view, creatorId);
  return {
    id: creatorId,
    slug: owner.login.toLowerCase(),
    node_id: nodeId('App', creatorId),
    owner,
    name: owner.login,
    description: null,
    external_url: owner.html_url,
    html_url: owner.html_url,
    created_at: '2020-01-01T00:00:00Z',
    updated_at: '2020-01-01T00:00:00Z',
    permissions: { checks: 'write', metadata: 'read' },
    events: ['check_run'],
  };
}

function presentPullsOf(view: View, repository: RepositoryRecord, sha: string) {
  const { api } = repositoryUrls(view, repository);
  const repo = { id: repository.id, url: api, name: repository.name };
  return openPulls(view.store, repository)
    .filter(({ pull }) => pull.headSha === sha)
    .map(({ id, number, pull }) => ({
      url: `${api}/pulls/${number}`,
      id,
      number,
      head: { ref: pull.headRef, sha: pull.headSha, repo },
      base: { ref: pull.baseRef, sha: pull.baseSha, repo },
    }));
}

export function presentCheckRun(view: View, repository: RepositoryRecord, run: CheckRunRecord) {
  const { api, html } = repositoryUrls(view, repository);
  const url = `${api}/check-runs/${run.id}`;
  return {
    id: run.id,
    node_id: nodeId('CheckRun', run.id),
    head_sha: run.headSha,
    external_id: run.externalId,
    url,
    html_url: `${html}/runs/${run.id}`,
    details_url: run.detailsUrl ?? `${html}/runs/${run.id}`,
    status: run.status,
    conclusion: run.conclusion,
    started_at: run.startedAt,
    completed_at: run.completedAt,
    output: { ...run.output, annotations_count: 0, annotations_url: `${url}/annotations` },
    name: run.name,
    check_suite: { id: run.id },
    app: presentApp(view, run.creatorId),
    pull_requests: presentPullsOf(view, repository, run.headSha),
  };
}

/** Webhooks carry the whole suite; here every run has one of its own. */
export function presentCheckRunEvent(view: View, repository: RepositoryRecord, run: CheckRunRecord) {
  const presented = presentCheckRun(view, repository, run);
  const { api } = repositoryUrls(view, repository);
  return {
    ...presented,
    check_suite: {
      id: run.id,
      node_id: nodeId('CheckSuite', run.id),
      head_branch: presented.pull_requests[0]?.head.ref ?? null,
      head_sha: run.headSha,
      status: run.status,
      conclusion: run.conclusion,
      url: `${api}/check-suites/${run.id}`,
      before: null,
      after: run.headSha,
      pull_requests: presented.pull_requests,
      app: presented.app,
      created_at: run.startedAt,
      updated_at: run.completedAt ?? run.startedAt,
    },
  };
}
