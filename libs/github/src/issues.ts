import type { RepositoryProvider } from '@codex-k8s/domain';
import { at, orUndefined, pageSize } from './at.ts';
import { translateErrors } from './errors.ts';
import { toComment, toIssue } from './map-objects.ts';
import type { GithubOctokit } from './octokit.ts';

type Calls = Pick<
  RepositoryProvider,
  | 'getIssue'
  | 'listIssues'
  | 'ensureLabels'
  | 'addLabels'
  | 'removeLabel'
  | 'findComment'
  | 'createComment'
  | 'updateComment'
  | 'listComments'
  | 'addReaction'
>;

export function issueCalls(octokit: GithubOctokit): Calls {
  return { ...readIssues(octokit), ...labelCalls(octokit), ...commentCalls(octokit) };
}

function readIssues(octokit: GithubOctokit): Pick<Calls, 'getIssue' | 'listIssues'> {
  return {
    getIssue: (ref, number) =>
      translateErrors(`read #${number}`, async () => {
        const answer = await orUndefined(() => octokit.rest.issues.get({ ...at(ref), issue_number: number }), gone);
        return answer && toIssue(answer.data);
      }),

    listIssues: (ref, { state }) =>
      translateErrors('list the issues', async () => {
        const issues = await octokit.paginate(octokit.rest.issues.listForRepo, { ...at(ref), state, per_page: pageSize });
        return issues.map(toIssue);
      }),
  };
}

/** What GitHub answers for a deleted issue. */
const gone = 410;

function labelCalls(octokit: GithubOctokit): Pick<Calls, 'ensureLabels' | 'addLabels' | 'removeLabel'> {
  return {
    ensureLabels: (ref, labels) =>
      translateErrors('create the labels', async () => {
        const existing = await octokit.paginate(octokit.rest.issues.listLabelsForRepo, { ...at(ref), per_page: pageSize });
        const known = new Set(existing.map(({ name }) => name.toLowerCase()));
        for (const { name, color, description } of labels) {
          if (known.has(name.toLowerCase())) continue;
          await octokit.rest.issues.createLabel({ ...at(ref), name, color: color.replace(/^#/, ''), description });
        }
      }),

    addLabels: (ref, number, labels) =>
      translateErrors(`label #${number}`, async () => {
        if (labels.length === 0) return; // GitHub would answer 422
        await octokit.rest.issues.addLabels({ ...at(ref), issue_number: number, labels: [...labels] });
      }),

    removeLabel: (ref, number, label) =>
      translateErrors(`remove a label of #${number}`, async () => {
        const request = { ...at(ref), issue_number: number, name: label };
        const removed = await orUndefined(() => octokit.rest.issues.removeLabel(request));
        // The same 404 means "no such label" and "no such issue"; only the first is fine.
        if (!removed) await octokit.rest.issues.get({ ...at(ref), issue_number: number });
      }),
  };
}

function commentCalls(
  octokit: GithubOctokit,
): Pick<Calls, 'findComment' | 'createComment' | 'updateComment' | 'listComments' | 'addReaction'> {
  return {
    findComment: (ref, number, marker) =>
      translateErrors(`read the comments of #${number}`, async () => {
        const request = { ...at(ref), issue_number: number, per_page: pageSize };
        for await (const { data } of octokit.paginate.iterator(octokit.rest.issues.listComments, request)) {
          const found = data.find(({ body }) => body?.includes(marker));
          if (found) return toComment(found);
        }
        return undefined;
      }),

    createComment: (ref, number, body) =>
      translateErrors(`comment on #${number}`, async () =>
        toComment((await octokit.rest.issues.createComment({ ...at(ref), issue_number: number, body })).data),
      ),

    updateComment: (ref, commentId, body) =>
      translateErrors('edit a comment', async () => {
        const answer = await orUndefined(() => octokit.rest.issues.updateComment({ ...at(ref), comment_id: commentId, body }));
        return answer && toComment(answer.data);
      }),

    listComments: (ref, number) =>
      translateErrors(`read the comments of #${number}`, async () => {
        const request = { ...at(ref), issue_number: number, per_page: pageSize };
        return (await octokit.paginate(octokit.rest.issues.listComments, request)).map(toComment);
      }),

    addReaction: (ref, number, content) =>
      translateErrors(`react to #${number}`, async () => {
        await octokit.rest.reactions.createForIssue({ ...at(ref), issue_number: number, content });
      }),
  };
}
