import {
  mdiServerOutline,
  mdiAccountGroupOutline,
  mdiFolderOutline,
  mdiPlayCircleOutline,
  mdiRobotOutline,
  mdiCheckDecagramOutline,
} from '@mdi/js';

export interface NavPage {
  readonly name: 'runs' | 'approvals' | 'projects' | 'users' | 'cluster' | 'agents';
  readonly icon: string;
  /** Second key of the shortcut `g …`. */
  readonly key: string;
  readonly platformAdmin?: true;
}

export interface NavGroup {
  readonly name: 'operations' | 'platform' | 'governance' | 'admin' | 'configuration';
  readonly pages: readonly NavPage[];
}

/** The structure of the console. A group without a page is not shown: there are no links to what is not built. */
const groups: readonly NavGroup[] = [
  {
    name: 'operations',
    pages: [
      { name: 'runs', icon: mdiPlayCircleOutline, key: 'r' },
      { name: 'approvals', icon: mdiCheckDecagramOutline, key: 'a' },
    ],
  },
  { name: 'platform', pages: [{ name: 'projects', icon: mdiFolderOutline, key: 'p' }] },
  { name: 'governance', pages: [] },
  {
    name: 'admin',
    pages: [
      { name: 'users', icon: mdiAccountGroupOutline, key: 'u', platformAdmin: true },
      { name: 'cluster', icon: mdiServerOutline, key: 'k', platformAdmin: true },
    ],
  },
  { name: 'configuration', pages: [{ name: 'agents', icon: mdiRobotOutline, key: 'c' }] },
];

export function navigationFor(isPlatformAdmin: boolean): NavGroup[] {
  return groups
    .map((group) => ({ ...group, pages: group.pages.filter((page) => isPlatformAdmin || !page.platformAdmin) }))
    .filter((group) => group.pages.length > 0);
}
