import type { PullRecord, RepositoryRecord } from '../store/records.ts';
import type { Store } from '../store/store.ts';
import { isPull } from './permissions.ts';

export function openPulls(store: Store, repository: RepositoryRecord): PullRecord[] {
  return store.issues
    .list(repository.id)
    .filter(isPull)
    .filter((pull) => pull.state === 'open');
}
