/** A push by REST: what delivery verification asks for is really there afterwards. */
export interface PushTarget {
  readonly apiUrl: string;
  readonly fullName: string;
  readonly token: string;
}

/** The branch's head; the base's when there is no such branch yet. */
export async function startOfBranch(target: PushTarget, { branch, base }: { branch: string; base: string }): Promise<string> {
  const own = await ask<Ref>(target, 'GET', `git/ref/heads/${branch}`);
  const { object } = own ?? (await ask<Ref>(target, 'GET', `git/ref/heads/${base}`)) ?? missing(`branch ${base}`);
  return object.sha;
}

/** Makes the branch at `start` unless it is there, and commits to it. Returns the new head. */
export async function commitFile(
  target: PushTarget,
  { branch, start, path, text }: { branch: string; start: string; path: string; text: string },
): Promise<string> {
  await ask(target, 'POST', 'git/refs', { ref: `refs/heads/${branch}`, sha: start }, 422); // of an earlier attempt
  const content = Buffer.from(text).toString('base64');
  const written = await ask<{ commit: { sha: string } }>(target, 'PUT', `contents/${path}`, { message: `Add ${path}`, content, branch });
  return (written ?? missing(`branch ${branch}`)).commit.sha;
}

interface Ref {
  readonly object: { readonly sha: string };
}

function missing(what: string): never {
  throw new Error(`the code host has no ${what}`);
}

/** Undefined: it is not there, or the answer is the one that may be. */
async function ask<T>(
  { apiUrl, fullName, token }: PushTarget,
  method: string,
  path: string,
  body?: object,
  orElse?: number,
): Promise<T | undefined> {
  const response = await fetch(`${apiUrl}/repos/${fullName}/${path}`, {
    method,
    headers: { authorization: `token ${token}`, 'content-type': 'application/json' },
    ...(body && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (response.status === 404 || response.status === orElse) return undefined;
  if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${text}`);
  return JSON.parse(text) as T; // held to GitHub's description by the conformance test
}
