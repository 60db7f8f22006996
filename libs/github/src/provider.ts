import type { RepositoryProvider } from '@codex-k8s/domain';
import { issueCalls } from './issues.ts';
import { createOctokit, type OctokitOptions } from './octokit.ts';
import { pullRequestCalls } from './pull-requests.ts';
import { repositoryCalls } from './repositories.ts';
import { webhookCalls } from './webhooks.ts';

export type GithubProviderOptions = OctokitOptions;

/** GitHub behind the seam of FR-002. One provider per token: its rate limit is that of the token. */
export function createGithubProvider(options: GithubProviderOptions): RepositoryProvider {
  const octokit = createOctokit(options);
  return {
    kind: 'github',
    ...repositoryCalls(octokit),
    ...webhookCalls(octokit),
    ...issueCalls(octokit),
    ...pullRequestCalls(octokit),
  };
}
