import { now, type Forge } from '../forge.ts';
import { notFound, validationFailed } from '../errors.ts';
import { presentIssue, presentLabel } from '../present/issues.ts';
import { presentPull } from '../present/pulls.ts';
import type { IssueRecord, LabelRecord, RepositoryRecord, UserRecord } from '../store/records.ts';
import { publish } from '../webhooks/publish.ts';
import { isPull } from './permissions.ts';

export interface LabelDraft {
  readonly name: string;
  readonly color?: string | undefined;
  readonly description?: string | null | undefined;
}

/** The colours of GitHub's own labels, chosen by name so that a repeat gives the same. */
const palette = ['d73a4a', '0075ca', '008672', 'a2eeef', '7057ff', 'd876e3', 'e4e669', 'cfd3d7', 'fbca04', '0e8a16'];

export function createLabel(forge: Forge, repository: RepositoryRecord, { name, color, description }: LabelDraft): LabelRecord {
  if (findLabel(forge, repository, name)) throw validationFailed({ resource: 'Label', code: 'already_exists', field: 'name' });
  const chosen = color ?? palette[Buffer.from(name).reduce((sum, byte) => sum + byte, 0) % palette.length] ?? 'ededed';
  if (!/^[0-9a-fA-F]{6}$/.test(chosen)) throw validationFailed({ resource: 'Label', code: 'invalid', field: 'color' });
  return forge.store.labels.insert(
    { parent: repository.id, name: name.toLowerCase() },
    { repositoryId: repository.id, name, color: chosen.toLowerCase(), description: description ?? null },
  );
}

export function findLabel(forge: Forge, repository: RepositoryRecord, name: string): LabelRecord | undefined {
  return forge.store.labels.find(repository.id, name.toLowerCase());
}

export function changeLabel(
  forge: Forge,
  repository: RepositoryRecord,
  label: LabelRecord,
  { name = label.name, color = label.color, description = label.description }: Partial<LabelDraft>,
): LabelRecord {
  const other = findLabel(forge, repository, name);
  if (other && other.id !== label.id) throw validationFailed({ resource: 'Label', code: 'already_exists', field: 'name' });
  if (!/^[0-9a-fA-F]{6}$/.test(color)) throw validationFailed({ resource: 'Label', code: 'invalid', field: 'color' });
  return forge.store.transaction(() => {
    forge.store.labels.rename(label, name.toLowerCase());
    return forge.store.labels.change(label, { name, color: color.toLowerCase(), description });
  });
}

export function deleteLabel(forge: Forge, repository: RepositoryRecord, label: LabelRecord): void {
  forge.store.transaction(() => {
    for (const issue of forge.store.issues.list(repository.id)) {
      if (!issue.labelIds.includes(label.id)) continue;
      forge.store.issues.change(issue, { labelIds: issue.labelIds.filter((id) => id !== label.id) });
    }
    forge.store.labels.remove(label);
  });
}

export interface LabelAct {
  readonly repository: RepositoryRecord;
  readonly issue: IssueRecord;
  readonly actor: UserRecord;
}

/** Adds labels by name, creating unknown ones as GitHub does; one `labeled` event each, all of which show all of the labels. */
export function addLabels(forge: Forge, act: LabelAct, names: readonly string[]): IssueRecord {
  return forge.store.transaction(() => {
    const named = names.map((name) => findLabel(forge, act.repository, name) ?? createLabel(forge, act.repository, { name }));
    const added = [...new Map(named.map((label) => [label.id, label])).values()].filter(({ id }) => !act.issue.labelIds.includes(id));
    if (added.length === 0) return act.issue;
    const labelIds = [...act.issue.labelIds, ...added.map(({ id }) => id)];
    const issue = forge.store.issues.change(act.issue, { labelIds, updatedAt: now() });
    for (const label of added) tellLabelChange(forge, { ...act, issue }, 'labeled', label);
    return issue;
  });
}

/** Takes one label off; 404 when the issue has no such label. */
export function removeLabel(forge: Forge, act: LabelAct, name: string): IssueRecord {
  const label = findLabel(forge, act.repository, name);
  if (!label || !act.issue.labelIds.includes(label.id)) throw notFoundLabel();
  return forge.store.transaction(() => {
    const labelIds = act.issue.labelIds.filter((id) => id !== label.id);
    const issue = forge.store.issues.change(act.issue, { labelIds, updatedAt: now() });
    tellLabelChange(forge, { ...act, issue }, 'unlabeled', label);
    return issue;
  });
}

function notFoundLabel(): Error {
  return Object.assign(notFound(), { message: 'Label does not exist' });
}

/** Makes the names the issue's only labels. */
export function setLabels(forge: Forge, act: LabelAct, names: readonly string[]): IssueRecord {
  const wanted = new Set(names.map((name) => name.toLowerCase()));
  return forge.store.transaction(() => {
    let issue = act.issue;
    for (const label of issue.labelIds.flatMap((id) => forge.store.labels.get(id) ?? [])) {
      if (!wanted.has(label.name.toLowerCase())) issue = removeLabel(forge, { ...act, issue }, label.name);
    }
    return addLabels(forge, { ...act, issue }, names);
  });
}

function tellLabelChange(forge: Forge, { repository, issue, actor }: LabelAct, action: 'labeled' | 'unlabeled', label: LabelRecord): void {
  forge.store.issueEvents.insert(
    { parent: issue.id },
    {
      repositoryId: repository.id,
      issueId: issue.id,
      actorId: actor.id,
      event: action,
      label: { name: label.name, color: label.color },
      rename: null,
      assigneeId: null,
      commitSha: null,
      createdAt: now(),
    },
  );
  const about = isPull(issue)
    ? { number: issue.number, pull_request: presentPull(forge, repository, issue) }
    : { issue: presentIssue(forge, repository, issue) };
  const payload = { action, ...about, label: presentLabel(forge, repository, label) };
  publish(forge, { repository, sender: actor }, isPull(issue) ? 'pull_request' : 'issues', payload);
}
