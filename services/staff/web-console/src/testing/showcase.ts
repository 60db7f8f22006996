import type { ApprovalRequest, LogLine, Run, RunDetails } from '@codex-k8s/contracts/staff';
import {
  aMe,
  aMember,
  anAgent,
  anApproval,
  anIssue,
  aPlatform,
  aProject,
  aRepository,
  aRun,
  aRunDetails,
  aUser,
  at,
  uuid,
} from './builders.ts';
import { aClusterLog, aClusterObject, aClusterUpdate, aListedObject } from './cluster-builders.ts';
import { refuse, type Handlers } from './mock-api.ts';
import { showcaseDiff, showcaseEvents, showcaseLine } from './showcase-texts.ts';

/** A lively installation for the browser check: runs in every status, long logs, a diff, requests of every kind. */
const projects = [
  aProject(),
  aProject({
    id: uuid(22),
    slug: 'payments',
    name: 'Payments and a rather long project name that has to wrap',
    role: 'read',
    active_run_count: 0,
  }),
];
const hostile = 'Export orders as CSV <img src=x onerror=alert(1)> with a title that is long enough to need more than one line on a phone';

const runs: Run[] = [
  aRun({ scripted: false }),
  aRun({
    id: uuid(102),
    status: 'waiting_owner_review',
    issue_number: 9,
    issue_title: hostile,
    pr_number: 41,
    pr_url: 'https://github.example/octo-org/web-shop/pull/41',
    wait_reason: 'owner_review',
    wait_since: at(900),
    created_at: at(3_000),
    started_at: at(2_990),
  }),
  aRun({
    id: uuid(104),
    status: 'waiting_mcp',
    issue_number: 12,
    issue_title: 'Ask before deleting old baskets',
    wait_reason: 'mcp',
    created_at: at(1_500),
    started_at: at(1_400),
  }),
  aRun({
    id: uuid(108),
    status: 'pending',
    pending_reason: 'role_limit',
    issue_number: 14,
    issue_title: 'Speed up the search page',
    attempt: 0,
    created_at: at(65),
    started_at: undefined,
  }),
  aRun({
    id: uuid(103),
    status: 'failed',
    issue_number: 5,
    issue_title: 'Move the checkout to the new API',
    failure_code: 'run.delivery_unconfirmed',
    failure_message: 'The branch codex/issue-5 is not on GitHub.',
    attempt: 2,
    created_at: at(9_000),
    started_at: at(8_980),
    finished_at: at(8_100),
  }),
  aRun({
    id: uuid(105),
    status: 'succeeded',
    agent_key: 'reviewer',
    agent_name: 'AI Reviewer',
    trigger_kind: 'review',
    trigger_label: undefined,
    issue_number: 9,
    issue_title: hostile,
    scripted: true,
    program: 'trial',
    model: 'scripted',
    created_at: at(2_000),
    started_at: at(1_990),
    finished_at: at(1_900),
  }),
  aRun({
    id: uuid(106),
    status: 'timed_out',
    issue_number: 3,
    issue_title: 'Rewrite everything',
    failure_code: 'run.timed_out',
    created_at: at(90_000),
    started_at: at(89_000),
    finished_at: at(81_800),
  }),
  aRun({
    id: uuid(107),
    status: 'cancelled',
    issue_number: 2,
    issue_title: 'Старый отчёт по продажам: перенести на новую схему',
    created_at: at(190_000),
    started_at: at(189_000),
    finished_at: at(188_000),
  }),
];

const details: Record<string, Partial<RunDetails>> = {
  [uuid(102)]: {
    branch: 'codex/issue-9-export-orders',
    base_branch: 'main',
    head_sha: '4f0a1b2c3d4e5f60718293a4b5c6d7e8f9012345',
    pending_approval_id: 6,
    allowed_actions: ['cancel', 'decide'],
    report: {
      summary:
        'Orders can be exported as CSV.\n\nA new endpoint streams rows, so large exports need no memory. Tests cover quoting and empty results.',
      pr_title: 'Export orders as CSV',
      findings: [
        { path: 'src/export/csv.ts', line: 12, severity: 'warning', message: 'Fields that begin with = are escaped, see CSV injection.' },
        { message: 'The old XML export is untouched.', severity: 'info' },
      ],
      tool_gaps: ['shellcheck was not installed'],
    },
    verification: {
      confirmed: true,
      checked_at: at(1_000),
      checks: [
        { name: 'branch_exists', ok: true, detail: 'codex/issue-9-export-orders' },
        { name: 'head_matches', ok: true, detail: '4f0a1b2c3d4e5f60718293a4b5c6d7e8f9012345' },
        { name: 'commits_ahead', ok: true, detail: '3 commits' },
        { name: 'commits_of_this_run', ok: true, detail: '3 since the run began' },
        { name: 'pull_request_open', ok: true, detail: '#41' },
        { name: 'pull_request_head_matches', ok: true },
      ],
    },
    session: { session_id: 's-1', turns: 3, saved_at: at(1_100), last_resume: 'resumed' },
    usage: { input_tokens: 184_220, output_tokens: 12_450, total_tokens: 196_670 },
    next_step: { label: 'run:qa', available: false, note: 'Offered once you have approved this work.' },
    related_runs: [
      { id: uuid(105), relation: 'child', status: 'succeeded', agent_key: 'reviewer', trigger_kind: 'review', created_at: at(2_000) },
    ],
  },
  [uuid(103)]: {
    allowed_actions: ['retry'],
    branch: 'codex/issue-5',
    failure: {
      code: 'run.delivery_unconfirmed',
      message: 'The branch codex/issue-5 is not on GitHub.',
      cause: 'GitHub does not confirm the branch, commit or pull request that was claimed.',
      remedy: 'Look at the branch on GitHub, then label the issue again.',
    },
    report: { summary: 'All done, the pull request is open.' },
    verification: {
      confirmed: false,
      checked_at: at(8_150),
      checks: [
        { name: 'branch_exists', ok: false, detail: '404 Not Found' },
        { name: 'pull_request_open', ok: false, detail: 'no pull request from this branch' },
      ],
    },
    session: { turns: 1, last_resume: 'lost' },
  },
  [uuid(104)]: { pending_approval_id: 5, allowed_actions: ['cancel', 'decide'] },
  [uuid(105)]: { isolated: false, allowed_actions: [], related_runs: [] },
  [uuid(106)]: { allowed_actions: ['retry'] },
  [uuid(107)]: { allowed_actions: [] },
};

const approvals: ApprovalRequest[] = [
  anApproval({ expires_at: at(-1_900) }),
  anApproval({
    id: 6,
    run_id: uuid(102),
    tool_name: 'owner_review',
    action: 'owner.review',
    issue_number: 9,
    issue_title: hostile,
    pr_number: 41,
    pr_url: 'https://github.example/octo-org/web-shop/pull/41',
    target: { repository: 'octo-org/web-shop', pull_request: 41, head_sha: '4f0a1b2c3d4e5f60718293a4b5c6d7e8f9012345' },
    digest: 'b7'.repeat(32),
    expires_at: at(-86_400 * 3),
  }),
  anApproval({
    id: 7,
    tool_name: 'owner_feedback_request',
    action: 'owner.feedback',
    question: 'Should the export include cancelled orders? The issue does not say.',
    options: ['Yes, with a status column', 'No, only completed orders'],
    allow_custom: true,
    target: { question: 'Should the export include cancelled orders? The issue does not say.' },
    digest: 'c1'.repeat(32),
  }),
  anApproval({
    id: 8,
    can_decide: false,
    issue_title: 'Rename the payments database',
    target: { database: 'payments', new_name: 'billing' },
  }),
];
const decided: ApprovalRequest[] = [
  anApproval({ id: 3, state: 'applied', decided_at: at(5_000), applied_by: 'ada', reason: 'Needed for the release.' }),
  anApproval({ id: 2, state: 'denied', decided_at: at(50_000), applied_by: 'ada', reason: 'Not before Monday.' }),
  anApproval({ id: 1, state: 'expired' }),
];

const logLines = 100_000;
const clamp = (n: number): number => Math.min(logLines, Math.max(0, n));

function logOf(query: URLSearchParams): LogLine[] {
  const limit = Number(query.get('limit') ?? 200);
  const search = query.get('search')?.toLowerCase();
  if (search) {
    const found: LogLine[] = [];
    for (let n = 1; n <= logLines && found.length < limit; n += 1) {
      const line = showcaseLine(n);
      if (line.text.toLowerCase().includes(search)) found.push(line);
    }
    return found;
  }
  const after = query.has('after') ? clamp(Number(query.get('after'))) : clamp(logLines - limit);
  return Array.from({ length: clamp(Math.min(limit, logLines - after)) }, (_, index) => showcaseLine(after + index + 1));
}

export const showcase: Handlers = {
  getMe: () => aMe({ is_platform_owner: true }),
  logout: () => undefined,
  getPlatform: () =>
    aPlatform({
      runtime: 'local',
      isolated: false,
      database: 'pglite',
      durable: false,
      model_endpoints: [
        { agent: 'trial', scripted: true },
        { agent: 'codex', scripted: false },
      ],
    }),
  listAgents: () => ({
    items: [
      anAgent(),
      anAgent({ id: uuid(12), key: 'reviewer', name: 'AI Reviewer', program: 'trial', model: 'scripted', run_timeout_sec: 3_600 }),
      anAgent({ id: uuid(13), key: 'km', name: 'AI Knowledge Manager', runtime_mode: 'code-only', is_active: false, run_timeout_sec: 0 }),
    ],
  }),
  listProjects: () => ({ items: projects }),
  getProject: ({ path }) =>
    projects.find(({ id }) => id === path['project_id']) ?? refuse(404, 'project.not_found', 'There is no such project.'),
  createProject: () =>
    refuse(409, 'project.slug_taken', 'The short name web-shop is taken.', { field: 'body.slug', remedy: 'Choose another slug.' }),
  listRepositories: () => ({
    items: [aRepository(), aRepository({ id: uuid(32), name: 'web-shop-infrastructure', default_branch: undefined })],
  }),
  addRepository: () =>
    refuse(422, 'github.unauthorized', 'GitHub refused the token.', {
      field: 'body.token',
      remedy: 'Store a valid token for the repository.',
    }),
  listIssues: () => ({
    items: [
      anIssue({ latest_run_id: uuid(101), latest_run_status: 'running' }),
      anIssue({
        number: 9,
        title: hostile,
        labels: ['feature', 'state:in-review'],
        latest_run_id: uuid(102),
        latest_run_status: 'waiting_owner_review',
      }),
      anIssue({ number: 15, title: 'Add a dark theme', labels: [] }),
    ],
  }),
  addIssueLabel: ({ path, body }) => ({ issue_number: Number(path['issue_number']), label: body.label }),
  listMembers: () => ({
    items: [
      aMember(),
      aMember({ user_id: uuid(1), email: 'ada@example.com', github_login: 'ada', role: 'admin', learning_mode_override: true }),
    ],
  }),
  listUsers: () => ({
    items: [
      aUser({ id: uuid(1), email: 'ada@example.com', github_login: 'ada', is_platform_admin: true, is_platform_owner: true }),
      aUser(),
      aUser({ id: uuid(3), email: 'lin@example.com', github_login: 'lin', is_platform_admin: true }),
    ],
  }),
  listRuns: ({ query }) => {
    const statuses = query.getAll('status');
    return { items: runs.filter((run) => statuses.length === 0 || statuses.includes(run.status)), next_cursor: 'next' };
  },
  getRun: ({ path }) => {
    const run = runs.find(({ id }) => id === path['run_id']);
    return run ? aRunDetails(run, details[run.id]) : refuse(404, 'run.not_found', 'There is no such run.');
  },
  listRunEvents: ({ path, query }) => ({
    items: showcaseEvents(runs.find(({ id }) => id === path['run_id'])?.status).filter(({ id }) => id > Number(query.get('after') ?? 0)),
  }),
  getRunLogs: ({ path, query }) => {
    const isQuiet = [uuid(107), uuid(108)].includes(path['run_id'] ?? '');
    return { run_id: path['run_id'] ?? '', items: isQuiet ? [] : logOf(query), total: isQuiet ? 0 : logLines };
  },
  downloadRunLogs: () => Array.from({ length: 100 }, (_, index) => showcaseLine(index + 1).text).join('\n'),
  getRunDiff: ({ path }) =>
    path['run_id'] === uuid(102) ? { diff: showcaseDiff, truncated: false } : refuse(404, 'run.not_found', 'There is no pull request.'),
  listApprovals: ({ query }) => ({
    items: query.getAll('state').includes('requested')
      ? approvals.filter(({ run_id: id }) => !query.get('run_id') || id === query.get('run_id'))
      : decided,
  }),
  decideApproval: () =>
    refuse(409, 'approval.stale', 'The pull request got a new commit since this request was made.', {
      remedy: 'Look at the new state and decide again.',
    }),
  cancelRun: ({ path }) => aRun({ id: path['run_id'], status: 'cancelled' }),
  retryRun: () => aRun({ id: uuid(101) }),
  listClusterObjects: ({ path }) =>
    path['kind'] === 'jobs'
      ? { items: [] }
      : {
          items: [
            aListedObject({
              name: 'gateway-7d9f8c6b5d-x2x9k',
              environment: 'production',
              platform_object: true,
              part_of: 'codex-k8s',
              columns: pod('1/1', 'Running'),
            }),
            aListedObject({
              uid: uuid(502),
              name: 'import-with-a-rather-long-name-28412340-abcde',
              environment: 'ai',
              deleting: true,
              columns: pod('0/1', 'Terminating'),
            }),
            aListedObject({ uid: uuid(503), name: 'web-65d874c666-8k259', columns: pod('0/1', 'CrashLoopBackOff') }),
          ],
          next_cursor: 'next',
        },
  getClusterObject: ({ path }) => {
    if (path['kind'] === 'secrets') return aClusterObject({ kind: 'secrets', name: 'payment', keys: [{ name: 'password', bytes: 1_024 }] });
    if (path['kind'] === 'jobs') return aClusterObject({ kind: 'jobs', name: 'shop-import', keys: [], environment: 'ai' });
    const guarded = path['name'] === 'gateway' && { name: 'gateway', environment: 'production', platform_object: true };
    return aClusterObject({ ...guarded });
  },
  updateClusterObject: ({ body }) =>
    body.yaml.includes('conflict')
      ? refuse(409, 'kube.conflict', 'ConfigMap shop/shop-settings has been changed meanwhile.')
      : aClusterUpdate(),
  deleteClusterObject: () => ({ applied: false, verdict: 'allowed' }),
  getClusterLogs: () => aClusterLog(),
};

function pod(ready: string, status: string): Record<string, string> {
  return { ready, status, restarts: '3 (2m ago)' };
}
