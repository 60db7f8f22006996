import { AppError, type Actor } from '@codex-k8s/domain';
import { createUser, deleteUser, findUserByEmail, getUser, linkGithubIdentity, listUsers, recordEvent, type User } from '@codex-k8s/store';
import { randomUUID } from 'node:crypto';
import type { Context } from './context.ts';

/** First sign-in matches the verified e-mail with the allow-list and remembers who it is (FR-018). `auth.email_not_allowed` otherwise. */
export async function authorizeOAuthUser(
  { store }: Context,
  identity: { email: string; githubUserId: number; githubLogin: string },
): Promise<User> {
  const user = await findUserByEmail(store.db, identity.email);
  if (!user) throw new AppError('auth.email_not_allowed', 'Your e-mail is not on the list of allowed users.');
  if (user.githubUserId !== null && user.githubUserId !== identity.githubUserId) {
    throw new AppError('auth.email_not_allowed', 'This e-mail belongs to another GitHub account here.');
  }
  return (
    (await linkGithubIdentity(store.db, { id: user.id, githubUserId: identity.githubUserId, githubLogin: identity.githubLogin })) ?? user
  );
}

export async function getStaffUser({ store }: Context, id: string): Promise<User> {
  const user = await getUser(store.db, id);
  if (!user) throw new AppError('user.not_found', 'There is no such user.');
  return user;
}

export async function listStaffUsers({ store }: Context): Promise<User[]> {
  return listUsers(store.read);
}

export async function addStaffUser(
  { store }: Context,
  { actor, email, isPlatformAdmin }: { actor: Actor; email: string; isPlatformAdmin: boolean },
): Promise<User> {
  const user = await createUser(store.db, { email, isPlatformAdmin });
  if (!user) throw new AppError('user.exists', 'A user with this e-mail exists.', { field: 'body.email' });
  await recordEvent(store.db, {
    type: 'user.added',
    correlationId: randomUUID(),
    actor: { type: 'human', id: actor.email },
    payload: { user_id: user.id, is_platform_admin: isPlatformAdmin },
  });
  return user;
}

export async function removeStaffUser({ store }: Context, { actor, userId }: { actor: Actor; userId: string }): Promise<void> {
  const user = await getUser(store.db, userId);
  if (!user) throw new AppError('user.not_found', 'There is no such user.');
  const isTooHigh = user.isPlatformAdmin && !actor.isPlatformOwner;
  if (user.id === actor.userId || isTooHigh || !(await deleteUser(store.db, userId))) {
    throw new AppError('user.protected', 'You cannot remove yourself, the owner, or (as an admin) another admin.');
  }
  await recordEvent(store.db, {
    type: 'user.removed',
    correlationId: randomUUID(),
    actor: { type: 'human', id: actor.email },
    payload: { user_id: userId },
  });
}
