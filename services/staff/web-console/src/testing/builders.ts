import type {
  Agent,
  ApprovalRequest,
  FlowEvent,
  Issue,
  LogLine,
  Me,
  Member,
  Platform,
  Project,
  Repository,
  Run,
  RunDetails,
  User,
} from '@codex-k8s/contracts/staff';

/** Everything in the tests happens around this moment; builders take ids as numbers and make them UUIDs. */
export const noon = new Date('2026-03-10T12:00:00Z');

export function at(secondsAgo: number): string {
  return new Date(noon.getTime() - secondsAgo * 1_000).toISOString();
}

export function uuid(n: number): string {
  return `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
}

export function aMe(values: Partial<Me> = {}): Me {
  return { id: uuid(1), email: 'ada@example.com', github_login: 'ada', is_platform_admin: true, is_platform_owner: false, ...values };
}

export function aPlatform(values: Partial<Platform> = {}): Platform {
  return {
    version: '0.1.0',
    environment: 'local',
    runtime: 'kubernetes',
    isolated: true,
    database: 'postgresql',
    durable: true,
    github_url: 'https://github.example',
    model_endpoints: [{ agent: 'codex', scripted: false }],
    ...values,
  };
}

export function anAgent(values: Partial<Agent> = {}): Agent {
  return {
    id: uuid(11),
    key: 'dev',
    name: 'AI Developer',
    role_kind: 'system',
    is_active: true,
    runtime_mode: 'full-env',
    program: 'codex',
    model: 'gpt-5-codex',
    max_parallel_runs: 2,
    run_timeout_sec: 7_200,
    ...values,
  };
}

export function aProject(values: Partial<Project> = {}): Project {
  return {
    id: uuid(21),
    slug: 'web-shop',
    name: 'Web shop',
    role: 'admin',
    settings: { locale: 'en', learning_mode_default: false, max_parallel_runs: 4, direct_dev: true, profile: 'feature' },
    repository_count: 1,
    active_run_count: 2,
    created_at: at(86_400 * 40),
    ...values,
  };
}

export function aRepository(values: Partial<Repository> = {}): Repository {
  return {
    id: uuid(31),
    project_id: uuid(21),
    provider: 'github',
    owner: 'octo-org',
    name: 'web-shop',
    default_branch: 'main',
    services_yaml_path: 'services.yaml',
    html_url: 'https://github.example/octo-org/web-shop',
    created_at: at(86_400 * 30),
    ...values,
  };
}

export function anIssue(values: Partial<Issue> = {}): Issue {
  return {
    number: 7,
    title: 'The basket forgets its coupon',
    state: 'open',
    labels: ['bug'],
    author: 'grace',
    html_url: 'https://github.example/octo-org/web-shop/issues/7',
    triggers: [
      { label: 'run:dev', allowed: true },
      { label: 'run:dev:revise', allowed: false, reason: 'There is no pull request to revise.' },
    ],
    ...values,
  };
}

export function aMember(values: Partial<Member> = {}): Member {
  return { user_id: uuid(2), email: 'grace@example.com', github_login: 'grace', role: 'read_write', ...values };
}

export function aUser(values: Partial<User> = {}): User {
  return {
    id: uuid(2),
    email: 'grace@example.com',
    is_platform_admin: false,
    is_platform_owner: false,
    created_at: at(86_400 * 3),
    ...values,
  };
}

export function aRun(values: Partial<Run> = {}): Run {
  return {
    id: uuid(101),
    correlation_id: 'delivery-1',
    project_id: uuid(21),
    project_slug: 'web-shop',
    project_name: 'Web shop',
    repository_id: uuid(31),
    repository_full_name: 'octo-org/web-shop',
    issue_number: 7,
    issue_title: 'The basket forgets its coupon',
    issue_url: 'https://github.example/octo-org/web-shop/issues/7',
    trigger_kind: 'dev',
    trigger_label: 'run:dev',
    triggered_by: 'grace',
    agent_key: 'dev',
    agent_name: 'AI Developer',
    program: 'codex',
    model: 'gpt-5-codex',
    status: 'running',
    attempt: 1,
    created_at: at(200),
    started_at: at(190),
    ...values,
  };
}

export function aRunDetails(run: Partial<Run> = {}, values: Partial<RunDetails> = {}): RunDetails {
  return { run: aRun(run), isolated: true, related_runs: [], allowed_actions: ['cancel'], ...values };
}

export function anEvent(id: number, eventType: string, values: Partial<FlowEvent> = {}): FlowEvent {
  return {
    id,
    correlation_id: 'delivery-1',
    run_id: uuid(101),
    event_type: eventType,
    actor_type: 'system',
    payload: {},
    created_at: at(200 - id),
    ...values,
  };
}

export function aLine(n: number, text: string, values: Partial<LogLine> = {}): LogLine {
  return { n, attempt: 1, stream: 'agent', text, at: at(100), ...values };
}

export function someLines(count: number, from = 1): LogLine[] {
  return Array.from({ length: count }, (_, index) => aLine(from + index, `line ${from + index}`));
}

export function anApproval(values: Partial<ApprovalRequest> = {}): ApprovalRequest {
  return {
    id: 5,
    correlation_id: 'delivery-1',
    run_id: uuid(101),
    project_id: uuid(21),
    project_slug: 'web-shop',
    repository_full_name: 'octo-org/web-shop',
    issue_number: 7,
    issue_title: 'The basket forgets its coupon',
    tool_name: 'github_labels_add',
    action: 'github.labels.add',
    target: { repository: 'octo-org/web-shop', issue: 7, labels: ['run:qa'] },
    digest: 'a'.repeat(64),
    approval_mode: 'owner',
    state: 'requested',
    requested_by: 'dev',
    created_at: at(300),
    can_decide: true,
    ...values,
  };
}
