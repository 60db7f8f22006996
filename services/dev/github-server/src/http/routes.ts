import { actionRoutes } from './actions.ts';
import { branchRoutes } from './branches.ts';
import { checkRunRoutes } from './check-runs.ts';
import { commitRoutes } from './commits.ts';
import { contentRoutes } from './contents.ts';
import { hookRoutes } from './hooks.ts';
import { issueRoutes } from './issues.ts';
import { labelRoutes } from './labels.ts';
import { pullRoutes } from './pulls.ts';
import { refRoutes } from './refs.ts';
import { reviewRoutes } from './reviews.ts';
import type { Route } from './route.ts';
import { statusRoutes } from './statuses.ts';
import { userRoutes } from './users.ts';

/** Everything below the API base. */
export const apiRoutes: readonly Route[] = [
  ...userRoutes,
  ...issueRoutes,
  ...labelRoutes,
  ...pullRoutes,
  ...reviewRoutes,
  ...branchRoutes,
  ...commitRoutes,
  ...contentRoutes,
  ...refRoutes,
  ...statusRoutes,
  ...checkRunRoutes,
  ...actionRoutes,
  ...hookRoutes,
];
