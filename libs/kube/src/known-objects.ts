import type { KubernetesObject } from '@kubernetes/client-node';

/** Objects by namespace and name, and by the group each may belong to. */
export interface KnownObjects<T> {
  put(object: T): void;
  remove(object: T): void;
  all(): readonly T[];
  of(group: string): readonly T[];
}

/** `groupOf` may answer otherwise later, as after somebody changed a label: an object is in the group of its newest version. */
export function knownObjects<T extends KubernetesObject>(groupOf: (object: T) => string | undefined): KnownObjects<T> {
  const known = new Map<string, T>();
  const groups = new Map<string, Map<string, T>>();

  function remove(object: T): void {
    const key = keyOf(object);
    const before = known.get(key);
    if (!before) return;
    known.delete(key);
    const group = groupOf(before);
    const members = group === undefined ? undefined : groups.get(group);
    members?.delete(key);
    if (group !== undefined && members?.size === 0) groups.delete(group);
  }

  return {
    put: (object) => {
      remove(object);
      const key = keyOf(object);
      known.set(key, object);
      const group = groupOf(object);
      if (group === undefined) return; // such as one whose label somebody took away
      const members = groups.get(group) ?? new Map<string, T>();
      groups.set(group, members.set(key, object));
    },
    remove,
    all: () => [...known.values()],
    of: (group) => [...(groups.get(group)?.values() ?? [])],
  };
}

function keyOf({ metadata }: KubernetesObject): string {
  return `${metadata?.namespace ?? ''}/${metadata?.name ?? ''}`;
}
