import type { RepositoryRef } from '@codex-k8s/domain';

/** The seam's repository in Octokit's spelling. */
export function at({ owner, name }: RepositoryRef): { owner: string; repo: string } {
  return { owner, repo: name };
}

/** `undefined` where the seam says "not there" and GitHub says 404. */
export async function orUndefined<T>(call: () => Promise<T>, alsoStatus?: number): Promise<T | undefined> {
  try {
    return await call();
  } catch (error) {
    const status = error instanceof Error && 'status' in error ? error.status : undefined;
    if (status === 404 || (alsoStatus !== undefined && status === alsoStatus)) return undefined;
    throw error;
  }
}

export const pageSize = 100;
