import { z } from 'zod';
import { GithubError, notFound, validationFailed } from '../errors.ts';
import { now } from '../forge.ts';
import { objectType } from '../git/bare-repository.ts';
import { presentCheckRun, presentCheckRunEvent } from '../present/statuses.ts';
import type { CheckRunRecord } from '../store/records.ts';
import { publish } from '../webhooks/publish.ts';
import { commitOfCall, gitDirOfCall } from './commits.ts';
import { created, ok, paged, parseBody, signedIn, type Answer, type RepositoryCall, type Route } from './route.ts';

const Conclusion = z.enum(['success', 'failure', 'neutral', 'cancelled', 'skipped', 'timed_out', 'action_required']);
const Output = z.object({ title: z.string(), summary: z.string(), text: z.string().optional() });
const CheckRunChanges = z.object({
  name: z.string().min(1).optional(),
  details_url: z.string().optional(),
  external_id: z.string().optional(),
  status: z.enum(['queued', 'in_progress', 'completed']).optional(),
  started_at: z.iso.datetime({ offset: true }).optional(),
  completed_at: z.iso.datetime({ offset: true }).optional(),
  conclusion: Conclusion.optional(),
  output: Output.optional(),
});
const NewCheckRun = CheckRunChanges.extend({ name: z.string().min(1), head_sha: z.string().regex(/^[0-9a-f]{40}$/) });

type Outcome = Pick<CheckRunRecord, 'status' | 'conclusion' | 'completedAt'>;

/** A conclusion completes the run; completing it needs one. */
function outcomeOf({ status, conclusion, completed_at: completedAt }: z.infer<typeof CheckRunChanges>, before: Outcome): Outcome {
  if (conclusion === undefined) {
    if (status === 'completed' && before.conclusion === null) {
      throw validationFailed({ resource: 'CheckRun', field: 'conclusion', code: 'missing_field' });
    }
    return { ...before, status: status ?? before.status };
  }
  return { status: 'completed', conclusion, completedAt: completedAt ?? now() };
}

async function create(call: RepositoryCall): Promise<Answer> {
  const { forge, repository } = call;
  const body = parseBody(NewCheckRun, call.body, 'CheckRun');
  const type = await objectType(gitDirOfCall(call), body.head_sha);
  if (type !== 'commit') throw new GithubError(422, `No commit found for SHA: ${body.head_sha}`);
  const outcome = outcomeOf(body, { status: 'queued', conclusion: null, completedAt: null });
  const run = forge.store.transaction(() => {
    const saved = forge.store.checkRuns.insert(
      { parent: `${repository.id}:${body.head_sha}` },
      {
        repositoryId: repository.id,
        headSha: body.head_sha,
        creatorId: signedIn(call).id,
        name: body.name,
        externalId: body.external_id ?? '',
        detailsUrl: body.details_url ?? null,
        startedAt: body.started_at ?? now(),
        output: outputOf(body.output),
        ...outcome,
      },
    );
    tell(call, 'created', saved);
    if (saved.status === 'completed') tell(call, 'completed', saved);
    return saved;
  });
  const presented = presentCheckRun(forge, repository, run);
  return created(presented, presented.url);
}

function outputOf(output: z.infer<typeof Output> | undefined): CheckRunRecord['output'] {
  return { title: output?.title ?? null, summary: output?.summary ?? null, text: output?.text ?? null };
}

function tell(call: RepositoryCall, action: 'created' | 'completed', run: CheckRunRecord): void {
  const source = { repository: call.repository, sender: signedIn(call) };
  publish(call.forge, source, 'check_run', { action, check_run: presentCheckRunEvent(call.forge, call.repository, run) });
}

function runOf({ forge, repository, params }: RepositoryCall): CheckRunRecord {
  const run = forge.store.checkRuns.get(Number(params['run']));
  if (!run || run.repositoryId !== repository.id) throw notFound();
  return run;
}

function change(call: RepositoryCall): Answer {
  const { forge, repository } = call;
  const body = parseBody(CheckRunChanges, call.body, 'CheckRun');
  const run = runOf(call);
  const changed = forge.store.transaction(() => {
    const saved = forge.store.checkRuns.change(run, {
      ...outcomeOf(body, run),
      name: body.name ?? run.name,
      externalId: body.external_id ?? run.externalId,
      detailsUrl: body.details_url ?? run.detailsUrl,
      startedAt: body.started_at ?? run.startedAt,
      output: body.output === undefined ? run.output : outputOf(body.output),
    });
    if (saved.status === 'completed' && run.status !== 'completed') tell(call, 'completed', saved);
    return saved;
  });
  return ok(presentCheckRun(forge, repository, changed));
}

async function list(call: RepositoryCall): Promise<Answer> {
  const { forge, repository, query } = call;
  const sha = await commitOfCall(call, call.params['ref'] ?? '');
  const runs = forge.store.checkRuns
    .list(`${repository.id}:${sha}`)
    .filter(({ name }) => query['check_name'] === undefined || name === query['check_name'])
    .filter(({ status }) => query['status'] === undefined || status === query['status']);
  return paged(call, runs.toReversed(), (run) => presentCheckRun(forge, repository, run), 'check_runs');
}

export const checkRunRoutes: readonly Route[] = [
  { method: 'POST', path: '/repos/:owner/:repo/check-runs', access: 'write', handle: create },
  {
    method: 'GET',
    path: '/repos/:owner/:repo/check-runs/:run',
    access: 'read',
    handle: (call) => ok(presentCheckRun(call.forge, call.repository, runOf(call))),
  },
  { method: 'PATCH', path: '/repos/:owner/:repo/check-runs/:run', access: 'write', handle: change },
  { method: 'GET', path: '/repos/:owner/:repo/commits/:ref/check-runs', access: 'read', handle: list },
];
