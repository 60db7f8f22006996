import { z } from 'zod';
import { notFound } from '../errors.ts';
import { addLabels, changeLabel, createLabel, deleteLabel, findLabel, removeLabel, setLabels } from '../app/labels.ts';
import { issueOf } from '../app/permissions.ts';
import { presentLabel, presentLabels } from '../present/issues.ts';
import type { IssueRecord, LabelRecord } from '../store/records.ts';
import { issueAct } from './issues.ts';
import { created, noContent, ok, paged, parseBody, type Answer, type RepositoryCall, type Route } from './route.ts';

const NewLabel = z.object({ name: z.string().min(1).max(50), color: z.string().optional(), description: z.string().max(100).nullish() });
const LabelChanges = z.object({
  new_name: z.string().min(1).max(50).optional(),
  color: z.string().optional(),
  description: z.string().max(100).nullish(),
});
const Names = z.array(z.union([z.string().min(1), z.object({ name: z.string() }).transform(({ name }) => name)]));
/** GitHub takes `{labels: […]}`, a bare list, or (old clients) one name. */
const LabelNames = z.union([z.object({ labels: Names }).transform(({ labels }) => labels), Names, z.string().transform((name) => [name])]);

function labelOf({ forge, repository, params }: RepositoryCall): LabelRecord {
  const label = findLabel(forge, repository, params['name'] ?? '');
  if (!label) throw notFound();
  return label;
}

function labelsOf(call: RepositoryCall, issue: IssueRecord): Answer {
  return ok(presentLabels(call.forge, call.repository, issue));
}

function create(call: RepositoryCall): Answer {
  const label = createLabel(call.forge, call.repository, parseBody(NewLabel, call.body, 'Label'));
  const presented = presentLabel(call.forge, call.repository, label);
  return created(presented, presented.url);
}

function change(call: RepositoryCall): Answer {
  const { new_name: name, color, description } = parseBody(LabelChanges, call.body, 'Label');
  const label = changeLabel(call.forge, call.repository, labelOf(call), { name, color, description });
  return ok(presentLabel(call.forge, call.repository, label));
}

const repository = '/repos/:owner/:repo';
const issue = `${repository}/issues/:number/labels`;

export const labelRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: `${repository}/labels`,
    access: 'read',
    handle: (call) =>
      paged(call, call.forge.store.labels.list(call.repository.id), (label) => presentLabel(call.forge, call.repository, label)),
  },
  { method: 'POST', path: `${repository}/labels`, access: 'triage', handle: create },
  {
    method: 'GET',
    path: `${repository}/labels/:name`,
    access: 'read',
    handle: (call) => ok(presentLabel(call.forge, call.repository, labelOf(call))),
  },
  { method: 'PATCH', path: `${repository}/labels/:name`, access: 'triage', handle: change },
  {
    method: 'DELETE',
    path: `${repository}/labels/:name`,
    access: 'triage',
    handle: (call) => {
      deleteLabel(call.forge, call.repository, labelOf(call));
      return noContent;
    },
  },
  {
    method: 'GET',
    path: issue,
    access: 'read',
    handle: (call) => {
      const found = issueOf(call.forge, call.repository, Number(call.params['number']));
      return paged(call, presentLabels(call.forge, call.repository, found), (label) => label);
    },
  },
  {
    method: 'POST',
    path: issue,
    access: 'triage',
    handle: (call) => labelsOf(call, addLabels(call.forge, issueAct(call), parseBody(LabelNames, call.body, 'Label'))),
  },
  {
    method: 'PUT',
    path: issue,
    access: 'triage',
    handle: (call) => labelsOf(call, setLabels(call.forge, issueAct(call), parseBody(LabelNames, call.body, 'Label'))),
  },
  {
    method: 'DELETE',
    path: issue,
    access: 'triage',
    handle: (call) => {
      setLabels(call.forge, issueAct(call), []);
      return noContent;
    },
  },
  {
    method: 'DELETE',
    path: `${issue}/:name`,
    access: 'triage',
    handle: (call) => labelsOf(call, removeLabel(call.forge, issueAct(call), call.params['name'] ?? '')),
  },
];
