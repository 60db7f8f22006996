import { z } from 'zod';
import { GithubError } from '../errors.ts';
import { branchProtection, protectBranch, unprotectBranch } from '../app/protect-branch.ts';
import { listRefs } from '../git/bare-repository.ts';
import { readCommit } from '../git/commits.ts';
import { branchUrl, presentBranch, presentProtection, presentProtectionSummary } from '../present/branches.ts';
import { presentCommit } from '../present/commits.ts';
import { repositoryUrls } from '../present/repositories.ts';
import { gitDirOfCall } from './commits.ts';
import { noContent, ok, paged, parseBody, type Answer, type RepositoryCall, type Route } from './route.ts';

const Protection = z.object({
  required_status_checks: z.object({ strict: z.boolean().default(false), contexts: z.array(z.string()).default([]) }).nullable(),
  enforce_admins: z.boolean().nullable(),
  required_pull_request_reviews: z.object({ required_approving_review_count: z.number().int().min(0).max(6).default(1) }).nullable(),
  restrictions: z.object({ users: z.array(z.string()) }).nullable(),
  required_linear_history: z.boolean().optional(),
  allow_force_pushes: z.boolean().nullish(),
  allow_deletions: z.boolean().optional(),
});

async function heads(call: RepositoryCall): Promise<Map<string, string>> {
  const refs = Object.entries(await listRefs(gitDirOfCall(call))).filter(([ref]) => ref.startsWith('refs/heads/'));
  return new Map(refs.map(([ref, sha]) => [ref.slice('refs/heads/'.length), sha]));
}

async function branchOf(call: RepositoryCall): Promise<{ branch: string; sha: string }> {
  const branch = call.params['branch'] ?? '';
  const sha = (await heads(call)).get(branch);
  if (sha === undefined) throw new GithubError(404, 'Branch not found');
  return { branch, sha };
}

async function list(call: RepositoryCall): Promise<Answer> {
  const { forge, repository, query } = call;
  const only = query['protected'];
  const branches = [...(await heads(call))]
    .map(([branch, sha]) => presentBranch(forge, repository, branch, sha))
    .filter((branch) => only === undefined || branch.protected === (only === 'true'));
  return paged(call, branches, (branch) => branch);
}

async function get(call: RepositoryCall): Promise<Answer> {
  const { forge, repository } = call;
  const { branch, sha } = await branchOf(call);
  const protection = branchProtection(forge, repository, branch);
  const self = branchUrl(forge, repository, branch);
  return ok({
    name: branch,
    commit: presentCommit(forge, repository, await readCommit(gitDirOfCall(call), sha)),
    _links: { self, html: `${repositoryUrls(forge, repository).html}/tree/${branch}` },
    protected: protection !== undefined,
    protection: presentProtectionSummary(protection),
    protection_url: `${self}/protection`,
  });
}

async function getProtection(call: RepositoryCall): Promise<Answer> {
  const { branch } = await branchOf(call);
  const protection = branchProtection(call.forge, call.repository, branch);
  if (!protection) throw new GithubError(404, 'Branch not protected');
  return ok(presentProtection(call.forge, call.repository, protection));
}

async function putProtection(call: RepositoryCall): Promise<Answer> {
  const { branch } = await branchOf(call);
  const body = parseBody(Protection, call.body, undefined);
  const reviews = body.required_pull_request_reviews;
  const protection = await protectBranch(call.forge, call.repository, {
    branch,
    requirePullRequest: reviews && { approvals: reviews.required_approving_review_count },
    requiredChecks: body.required_status_checks,
    restrictedTo: body.restrictions && body.restrictions.users,
    enforceAdmins: body.enforce_admins ?? false,
    allowForcePushes: body.allow_force_pushes ?? false,
    allowDeletions: body.allow_deletions ?? false,
    requireLinearHistory: body.required_linear_history ?? false,
  });
  return ok(presentProtection(call.forge, call.repository, protection));
}

async function deleteProtection(call: RepositoryCall): Promise<Answer> {
  const { branch } = await branchOf(call);
  const protection = branchProtection(call.forge, call.repository, branch);
  if (!protection) throw new GithubError(404, 'Branch not protected');
  await unprotectBranch(call.forge, call.repository, protection);
  return noContent;
}

const branches = '/repos/:owner/:repo/branches';
const protection = `${branches}/:branch/protection`;

export const branchRoutes: readonly Route[] = [
  { method: 'GET', path: branches, access: 'read', handle: list },
  { method: 'GET', path: `${branches}/:branch`, access: 'read', handle: get },
  { method: 'GET', path: protection, access: 'admin', handle: getProtection },
  { method: 'PUT', path: protection, access: 'admin', handle: putProtection },
  { method: 'DELETE', path: protection, access: 'admin', handle: deleteProtection },
];
