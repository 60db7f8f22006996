import type { View } from '../forge.ts';
import type { IssueRecord, RepositoryRecord, UserRecord } from '../store/records.ts';

/** GitHub's opaque global id. */
export function nodeId(kind: string, id: number | string): string {
  return Buffer.from(`${kind}:${id}`).toString('base64url');
}

export function presentUser({ urls }: View, user: UserRecord) {
  const url = `${urls.api}/users/${user.login}`;
  return {
    login: user.login,
    id: user.id,
    node_id: nodeId('User', user.id),
    avatar_url: `${urls.html}/avatars/${user.login}`,
    gravatar_id: '',
    url,
    html_url: `${urls.html}/${user.login}`,
    followers_url: `${url}/followers`,
    following_url: `${url}/following{/other_user}`,
    gists_url: `${url}/gists{/gist_id}`,
    starred_url: `${url}/starred{/owner}{/repo}`,
    subscriptions_url: `${url}/subscriptions`,
    organizations_url: `${url}/orgs`,
    repos_url: `${url}/repos`,
    events_url: `${url}/events{/privacy}`,
    received_events_url: `${url}/received_events`,
    type: user.type,
    site_admin: false,
  };
}

/** A user by id; an account that is gone is shown as GitHub's `ghost`. */
export function presentUserId(view: View, id: number) {
  return presentUser(view, view.store.users.get(id) ?? ghost);
}

const ghost: UserRecord = { id: 10_137, login: 'ghost', name: null, type: 'User', emails: [], createdAt: '2012-04-11T20:10:22Z' };

/** The public profile; email only when it is primary and verified. */
export function presentProfile(view: View, user: UserRecord) {
  const repositories = view.store.repositories.all().filter((repository) => repository.ownerId === user.id);
  return {
    ...presentUser(view, user),
    name: user.name,
    company: null,
    blog: '',
    location: null,
    email: user.emails.find(({ primary, verified }) => primary && verified)?.email ?? null,
    hireable: null,
    bio: null,
    twitter_username: null,
    public_repos: repositories.filter((repository) => !repository.private).length,
    public_gists: 0,
    followers: 0,
    following: 0,
    created_at: user.createdAt,
    updated_at: user.createdAt,
  };
}

/** What a user sees of themselves. */
export function presentPrivateProfile(view: View, user: UserRecord) {
  const owned = view.store.repositories.all().filter((repository) => repository.ownerId === user.id && repository.private);
  return {
    ...presentProfile(view, user),
    private_gists: 0,
    total_private_repos: owned.length,
    owned_private_repos: owned.length,
    disk_usage: 0,
    collaborators: 0,
    two_factor_authentication: true,
    plan: { name: 'free', space: 976_562_499, collaborators: 0, private_repos: 10_000 },
  };
}

export function authorAssociation(repository: RepositoryRecord, userId: number): 'OWNER' | 'COLLABORATOR' | 'NONE' {
  if (repository.ownerId === userId) return 'OWNER';
  return repository.collaborators[String(userId)] === undefined ? 'NONE' : 'COLLABORATOR';
}

export function presentAssignees(view: View, issue: IssueRecord) {
  const assignees = issue.assigneeIds.map((id) => presentUserId(view, id));
  return { assignee: assignees[0] ?? null, assignees };
}
