import type { RepositoryProvider } from '@codex-k8s/domain';
import { at, orUndefined, pageSize } from './at.ts';
import { translateErrors } from './errors.ts';
import { toRepositoryInfo } from './map-objects.ts';
import type { GithubOctokit } from './octokit.ts';

type Calls = Pick<RepositoryProvider, 'validateRepository' | 'getBranchSha' | 'compare' | 'getFile'>;

const emptyRepository = 409;

export function repositoryCalls(octokit: GithubOctokit): Calls {
  return {
    validateRepository: (ref) =>
      translateErrors(`read ${ref.owner}/${ref.name}`, async () => toRepositoryInfo((await octokit.rest.repos.get(at(ref))).data)),

    getBranchSha: (ref, branch) =>
      translateErrors(`read the branch ${branch}`, async () => {
        const answer = await orUndefined(() => octokit.rest.git.getRef({ ...at(ref), ref: `heads/${branch}` }), emptyRepository);
        return answer?.data.object.sha;
      }),

    compare: (ref, base, head) =>
      translateErrors(`compare ${base} with ${head}`, async () => {
        const basehead = `${base}...${head}`;
        const { data } = await octokit.rest.repos.compareCommitsWithBasehead({ ...at(ref), basehead, per_page: pageSize });
        const files = (data.files ?? []).map(({ filename, status, additions, deletions }) => ({
          path: filename,
          status,
          additions,
          deletions,
        }));
        return { aheadBy: data.ahead_by, behindBy: data.behind_by, files };
      }),

    getFile: (ref, path, atRef) =>
      translateErrors(`read ${path}`, async () => {
        const answer = await orUndefined(() => octokit.rest.repos.getContent({ ...at(ref), path, ref: atRef }));
        if (!answer || Array.isArray(answer.data) || answer.data.type !== 'file') return undefined;
        if (answer.data.encoding === 'base64') return Buffer.from(answer.data.content, 'base64').toString('utf8');
        return readLargeFile(octokit, { ...at(ref), path, ref: atRef }); // above 1 MB GitHub leaves the content out
      }),
  };
}

async function readLargeFile(octokit: GithubOctokit, file: { owner: string; repo: string; path: string; ref: string }): Promise<string> {
  const { data } = await octokit.rest.repos.getContent({ ...file, mediaType: { format: 'raw' } });
  const text: unknown = data;
  return String(text); // the raw media type answers text, which the generated types do not know
}
