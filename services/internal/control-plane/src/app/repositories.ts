import { randomUUID } from 'node:crypto';
import { AppError, isAppError, type Actor, type RepositoryInfo } from '@codex-k8s/domain';
import { encryptSecret } from '@codex-k8s/runtime';
import {
  createRepository,
  deleteRepository,
  findRepositoryByExternalId,
  getRepository,
  listRepositories,
  recordEvent,
  repositoryTokenContext,
  updateRepository,
  type Repository,
} from '@codex-k8s/store';
import { providerOf, type Context } from './context.ts';

/** Events the platform reads (reference §2.7). */
export const webhookEvents = [
  'push',
  'pull_request',
  'issues',
  'issue_comment',
  'pull_request_review',
  'pull_request_review_comment',
] as const;

export interface AddRepositoryInput {
  /** Undefined: the platform itself, at start. */
  readonly actor: Actor | undefined;
  readonly projectId: string;
  readonly owner: string;
  readonly name: string;
  readonly token: string;
  readonly servicesYamlPath: string;
}

/**
 * Binds a repository: the token is checked at the host, stored encrypted, labels and the webhook are made sure of. Binding it again in
 * the same project stores the new token. `repository.already_bound`: another project has it. `request.unprocessable`: the host refuses.
 */
export async function addRepository(
  context: Context,
  { actor, projectId, owner, name, token, servicesYamlPath }: AddRepositoryInput,
): Promise<Repository> {
  const provider = context.providerFor(token);
  const info = await validate(() => provider.validateRepository({ owner, name }));
  const repository = await store(context, { projectId, token, info, servicesYamlPath });
  const { hookId } = await validate(async () => {
    await provider.ensureLabels(
      info,
      context.labels.all.map(({ spec, text }) => ({ name: text, color: '1f6feb', description: spec.description })),
    );
    return provider.ensureWebhook(info, { url: context.config.webhookUrl, secret: context.config.webhookSecret, events: webhookEvents });
  });
  const bound = await updateRepository(context.store.db, { id: repository.id, hookId });
  await recordEvent(context.store.db, {
    type: 'repository.bound',
    correlationId: randomUUID(),
    projectId,
    actor: actor ? { type: 'human', id: actor.email } : { type: 'system', id: 'control-plane' },
    payload: { repository: info.fullName, hook_id: hookId },
  });
  return bound ?? repository;
}

async function store(
  context: Context,
  { projectId, token, info, servicesYamlPath }: { projectId: string; token: string; info: RepositoryInfo; servicesYamlPath: string },
): Promise<Repository> {
  const known = await findRepositoryByExternalId(context.store.db, info.externalId);
  if (known && known.projectId !== projectId) throw new AppError('repository.already_bound', 'Another project has this repository.');
  const id = known?.id ?? randomUUID();
  const tokenEncrypted = encryptSecret(context.keys, { value: token, context: repositoryTokenContext(id) });
  const { owner, name, defaultBranch, htmlUrl, cloneUrl, externalId } = info;
  const columns = { owner, name, defaultBranch, htmlUrl, cloneUrl, tokenEncrypted, servicesYamlPath };
  const repository = known
    ? await updateRepository(context.store.db, { id, ...columns })
    : await createRepository(context.store.db, { id, projectId, provider: 'github', externalId, ...columns });
  if (!repository) throw new AppError('repository.already_bound', 'The repository was bound at the same moment.');
  return repository;
}

/** What the host refuses here is the caller's input, not an outage. */
async function validate<T>(act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (isAppError(error, 'github.unauthorized') || isAppError(error, 'github.forbidden')) {
      throw new AppError('request.unprocessable', error.message, { field: 'body.token', cause: error });
    }
    if (isAppError(error, 'github.not_found')) {
      throw new AppError('request.unprocessable', 'The repository does not exist, or the token may not see it.', {
        field: 'body.name',
        cause: error,
      });
    }
    throw error;
  }
}

export async function listProjectRepositories(context: Context, projectId: string): Promise<Repository[]> {
  return listRepositories(context.store.db, projectId);
}

export async function findProjectRepository(
  { store: { db } }: Context,
  { projectId, repositoryId }: { projectId: string; repositoryId: string },
): Promise<Repository> {
  const repository = await getRepository(db, repositoryId);
  if (!repository || repository.projectId !== projectId)
    throw new AppError('repository.not_found', 'There is no such repository in this project.');
  return repository;
}

/** Unbinds; removing the webhook is best effort, since the token may be the reason for unbinding. */
export async function removeRepository(
  context: Context,
  { actor, projectId, repositoryId }: { actor: Actor; projectId: string; repositoryId: string },
): Promise<void> {
  const repository = await findProjectRepository(context, { projectId, repositoryId });
  try {
    await providerOf(context, repository).deleteWebhook(repository, context.config.webhookUrl);
  } catch (error) {
    context.log.info({ err: error, repository: repository.name }, 'the webhook of an unbound repository stays');
  }
  await deleteRepository(context.store.db, repositoryId);
  await recordEvent(context.store.db, {
    type: 'repository.unbound',
    correlationId: randomUUID(),
    projectId,
    actor: { type: 'human', id: actor.email },
    payload: { repository: `${repository.owner}/${repository.name}` },
  });
}
