import type { View } from '../forge.ts';
import type { ProtectionRecord, RepositoryRecord } from '../store/records.ts';
import { repositoryUrls } from './repositories.ts';
import { presentUser } from './users.ts';

export function branchUrl(view: View, repository: RepositoryRecord, branch: string): string {
  return `${repositoryUrls(view, repository).api}/branches/${encodeURIComponent(branch)}`;
}

/** As in lists. */
export function presentBranch(view: View, repository: RepositoryRecord, branch: string, sha: string) {
  const { api } = repositoryUrls(view, repository);
  const isProtected = view.store.protections.find(repository.id, branch) !== undefined;
  return { name: branch, commit: { sha, url: `${api}/commits/${sha}` }, protected: isProtected };
}

/** The short form inside a branch. */
export function presentProtectionSummary(protection: ProtectionRecord | undefined) {
  const checks = protection?.requiredChecks;
  const level = checks ? (protection.enforceAdmins ? 'everyone' : 'non_admins') : 'off';
  const contexts = checks?.contexts ?? [];
  return {
    enabled: protection !== undefined,
    required_status_checks: { enforcement_level: level, contexts, checks: contexts.map((context) => ({ context, app_id: null })) },
  };
}

export function presentProtection(view: View, repository: RepositoryRecord, protection: ProtectionRecord) {
  const url = `${branchUrl(view, repository, protection.branch)}/protection`;
  const { requirePullRequest, requiredChecks, restrictedTo } = protection;
  return {
    url,
    ...(requiredChecks === null ? {} : { required_status_checks: presentChecks(url, requiredChecks) }),
    ...(requirePullRequest === null ? {} : { required_pull_request_reviews: presentReviews(url, requirePullRequest.approvals) }),
    ...(restrictedTo === null ? {} : { restrictions: presentRestrictions(view, url, restrictedTo) }),
    required_signatures: { url: `${url}/required_signatures`, enabled: false },
    enforce_admins: { url: `${url}/enforce_admins`, enabled: protection.enforceAdmins },
    required_linear_history: { enabled: protection.requireLinearHistory },
    allow_force_pushes: { enabled: protection.allowForcePushes },
    allow_deletions: { enabled: protection.allowDeletions },
    block_creations: { enabled: false },
    required_conversation_resolution: { enabled: false },
    lock_branch: { enabled: false },
    allow_fork_syncing: { enabled: false },
  };
}

function presentChecks(url: string, { strict, contexts }: NonNullable<ProtectionRecord['requiredChecks']>) {
  return {
    url: `${url}/required_status_checks`,
    strict,
    contexts,
    contexts_url: `${url}/required_status_checks/contexts`,
    checks: contexts.map((context) => ({ context, app_id: null })),
  };
}

function presentReviews(url: string, approvals: number) {
  return {
    url: `${url}/required_pull_request_reviews`,
    dismiss_stale_reviews: false,
    require_code_owner_reviews: false,
    require_last_push_approval: false,
    required_approving_review_count: approvals,
  };
}

function presentRestrictions(view: View, url: string, logins: readonly string[]) {
  const users = logins.flatMap((login) => view.store.users.find('', login.toLowerCase()) ?? []);
  return {
    url: `${url}/restrictions`,
    users_url: `${url}/restrictions/users`,
    teams_url: `${url}/restrictions/teams`,
    apps_url: `${url}/restrictions/apps`,
    users: users.map((user) => presentUser(view, user)),
    teams: [],
    apps: [],
  };
}
