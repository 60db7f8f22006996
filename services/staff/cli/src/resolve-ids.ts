import { listProjects, listRepositories, listRuns, listUsers, type Project, type Repository, type User } from '@codex-k8s/contracts/staff';
import type { Client } from '@codex-k8s/contracts/staff/client';
import { unwrap } from './api.ts';
import { notFound, usageError } from './cli-error.ts';

/** People name things as the tables show them: a run by the first characters of its id, a project by its slug, a repository by its name. */
const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const uuidStart = /^[0-9a-f][0-9a-f-]{3,}$/i;

export const shortIdLength = 8;

export async function resolveRunId(client: Client, text: string): Promise<string> {
  if (uuid.test(text)) return text.toLowerCase();
  if (!uuidStart.test(text))
    throw usageError(`${JSON.stringify(text)} is not a run id.`, 'See `codexk8s runs list`; four characters of an id are enough.');
  const { items } = await unwrap(listRuns({ client, query: { limit: 1000 } }));
  return onlyOne(
    items.map(({ id }) => id).filter((id) => id.startsWith(text.toLowerCase())),
    `run ${text}`,
  );
}

export async function resolveProject(client: Client, text: string | undefined): Promise<Project> {
  const { items } = await unwrap(listProjects({ client }));
  if (text !== undefined)
    return onlyOne(
      items.filter(({ id, slug }) => slug === text || id === text.toLowerCase()),
      `project ${text}`,
    );
  const [only, ...others] = items;
  if (only && others.length === 0) return only;
  throw usageError('Which project?', `Name it with --project: ${items.map(({ slug }) => slug).join(', ') || 'none is visible to you'}.`);
}

/** `owner/name`, the name alone where it is unique, or the id. */
export async function resolveRepository(client: Client, project: Project, text: string | undefined): Promise<Repository> {
  const { items } = await unwrap(listRepositories({ client, path: { project_id: project.id } }));
  if (text !== undefined) {
    const wanted = text.toLowerCase();
    const named = ({ id, owner, name }: Repository): boolean => [id, name.toLowerCase(), `${owner}/${name}`.toLowerCase()].includes(wanted);
    return onlyOne(items.filter(named), `repository ${text} in project ${project.slug}`);
  }
  const [only, ...others] = items;
  if (only && others.length === 0) return only;
  throw usageError(
    'Which repository?',
    `Name it with --repo: ${items.map(({ owner, name }) => `${owner}/${name}`).join(', ') || 'there is none'}.`,
  );
}

export async function resolveUser(client: Client, text: string): Promise<User> {
  const { items } = await unwrap(listUsers({ client }));
  return onlyOne(
    items.filter(({ id, email }) => email.toLowerCase() === text.toLowerCase() || id === text.toLowerCase()),
    `user ${text}`,
  );
}

function onlyOne<T>(items: readonly T[], name: string): T {
  const [only, ...others] = items;
  if (only === undefined) throw notFound(`There is no ${name}.`, 'Check the name; the list command shows what there is.');
  if (others.length > 0) throw usageError(`More than one thing is meant by ${name}.`, 'Give more of it.');
  return only;
}
