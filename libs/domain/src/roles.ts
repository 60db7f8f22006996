/** Rights in a project, weakest first (FR-017), and the least right an API operation may name. */
export const projectRoles = ['read', 'read_write', 'admin'] as const;
export type ProjectRole = (typeof projectRoles)[number];

export function roleIncludes(held: ProjectRole, needed: ProjectRole): boolean {
  return projectRoles.indexOf(held) >= projectRoles.indexOf(needed);
}

/** The signed-in person behind a request. */
export interface Actor {
  readonly userId: string;
  readonly email: string;
  readonly githubLogin: string | undefined;
  readonly isPlatformAdmin: boolean;
  readonly isPlatformOwner: boolean;
}

export type ActorType = 'human' | 'agent' | 'system';

/** Who did something, as flow events and requests name it. */
export interface ActorRef {
  readonly type: ActorType;
  readonly id: string;
}
