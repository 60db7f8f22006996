import type { Forge } from '../forge.ts';
import { gitDirOf, writeProtectedBranches } from '../git/bare-repository.ts';
import type { ProtectionRecord, RepositoryRecord } from '../store/records.ts';

export function branchProtection(forge: Forge, repository: RepositoryRecord, branch: string): ProtectionRecord | undefined {
  return forge.store.protections.find(repository.id, branch);
}

/** Puts the rules where the pre-receive hook reads them before the document, so that a kill between the two errs on the strict side. */
export async function protectBranch(
  forge: Forge,
  repository: RepositoryRecord,
  rules: Omit<ProtectionRecord, 'id' | 'repositoryId'>,
): Promise<ProtectionRecord> {
  const others = forge.store.protections.list(repository.id).filter(({ branch }) => branch !== rules.branch);
  await writeRules(forge, repository, [...others, rules]);
  const known = branchProtection(forge, repository, rules.branch);
  if (known) return forge.store.protections.change(known, rules);
  return forge.store.protections.insert({ parent: repository.id, name: rules.branch }, { repositoryId: repository.id, ...rules });
}

export async function unprotectBranch(forge: Forge, repository: RepositoryRecord, protection: ProtectionRecord): Promise<void> {
  forge.store.protections.remove(protection);
  await writeRules(forge, repository, forge.store.protections.list(repository.id));
}

type Rules = Omit<ProtectionRecord, 'id' | 'repositoryId'>;

async function writeRules(forge: Forge, repository: RepositoryRecord, list: readonly Rules[]): Promise<void> {
  await writeProtectedBranches(gitDirOf(forge.dataDir, repository.id), list.map(ruleLine));
}

/** One line of the file that the hook in bare-repository.ts reads. */
function ruleLine(rules: Rules): string {
  const flags = [
    ...(rules.allowForcePushes ? ['force'] : []),
    ...(rules.allowDeletions ? ['deletions'] : []),
    ...(rules.enforceAdmins ? ['admins'] : []),
    ...(rules.requirePullRequest ? ['pull-request'] : []),
    ...(rules.restrictedTo ? ['restricted', ...rules.restrictedTo.map((login) => `user:${login}`)] : []),
  ];
  return [`refs/heads/${rules.branch}`, 'protected', ...flags].join(' ');
}
