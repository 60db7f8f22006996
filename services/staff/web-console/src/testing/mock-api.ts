import type * as staff from '@codex-k8s/contracts/staff';

/** A staff API for tests whose handlers have the contract's types: a wrong fixture does not compile. */
interface Operations {
  getMe: [staff.GetMeData, staff.GetMeResponses];
  logout: [staff.LogoutData, staff.LogoutResponses];
  getPlatform: [staff.GetPlatformData, staff.GetPlatformResponses];
  listAgents: [staff.ListAgentsData, staff.ListAgentsResponses];
  listProjects: [staff.ListProjectsData, staff.ListProjectsResponses];
  createProject: [staff.CreateProjectData, staff.CreateProjectResponses];
  getProject: [staff.GetProjectData, staff.GetProjectResponses];
  updateProject: [staff.UpdateProjectData, staff.UpdateProjectResponses];
  deleteProject: [staff.DeleteProjectData, staff.DeleteProjectResponses];
  listMembers: [staff.ListMembersData, staff.ListMembersResponses];
  upsertMember: [staff.UpsertMemberData, staff.UpsertMemberResponses];
  removeMember: [staff.RemoveMemberData, staff.RemoveMemberResponses];
  setMemberLearningMode: [staff.SetMemberLearningModeData, staff.SetMemberLearningModeResponses];
  listRepositories: [staff.ListRepositoriesData, staff.ListRepositoriesResponses];
  addRepository: [staff.AddRepositoryData, staff.AddRepositoryResponses];
  removeRepository: [staff.RemoveRepositoryData, staff.RemoveRepositoryResponses];
  listIssues: [staff.ListIssuesData, staff.ListIssuesResponses];
  addIssueLabel: [staff.AddIssueLabelData, staff.AddIssueLabelResponses];
  listUsers: [staff.ListUsersData, staff.ListUsersResponses];
  createUser: [staff.CreateUserData, staff.CreateUserResponses];
  deleteUser: [staff.DeleteUserData, staff.DeleteUserResponses];
  listRuns: [staff.ListRunsData, staff.ListRunsResponses];
  getRun: [staff.GetRunData, staff.GetRunResponses];
  cancelRun: [staff.CancelRunData, staff.CancelRunResponses];
  retryRun: [staff.RetryRunData, staff.RetryRunResponses];
  listRunEvents: [staff.ListRunEventsData, staff.ListRunEventsResponses];
  getRunLogs: [staff.GetRunLogsData, staff.GetRunLogsResponses];
  downloadRunLogs: [staff.DownloadRunLogsData, staff.DownloadRunLogsResponses];
  getRunDiff: [staff.GetRunDiffData, staff.GetRunDiffResponses];
  listApprovals: [staff.ListApprovalsData, staff.ListApprovalsResponses];
  decideApproval: [staff.DecideApprovalData, staff.DecideApprovalResponses];
  listClusterObjects: [staff.ListClusterObjectsData, staff.ListClusterObjectsResponses];
  getClusterObject: [staff.GetClusterObjectData, staff.GetClusterObjectResponses];
  updateClusterObject: [staff.UpdateClusterObjectData, staff.UpdateClusterObjectResponses];
  deleteClusterObject: [staff.DeleteClusterObjectData, staff.DeleteClusterObjectResponses];
  getClusterLogs: [staff.GetClusterLogsData, staff.GetClusterLogsResponses];
}
export type Operation = keyof Operations;

const routes: { readonly [O in Operation]: readonly [method: string, url: Operations[O][0]['url'], success: keyof Operations[O][1]] } = {
  getMe: ['GET', '/auth/me', 200],
  logout: ['POST', '/auth/logout', 204],
  getPlatform: ['GET', '/staff/platform', 200],
  listAgents: ['GET', '/staff/agents', 200],
  listProjects: ['GET', '/staff/projects', 200],
  createProject: ['POST', '/staff/projects', 201],
  getProject: ['GET', '/staff/projects/{project_id}', 200],
  updateProject: ['PATCH', '/staff/projects/{project_id}', 200],
  deleteProject: ['DELETE', '/staff/projects/{project_id}', 204],
  listMembers: ['GET', '/staff/projects/{project_id}/members', 200],
  upsertMember: ['POST', '/staff/projects/{project_id}/members', 200],
  removeMember: ['DELETE', '/staff/projects/{project_id}/members/{user_id}', 204],
  setMemberLearningMode: ['PUT', '/staff/projects/{project_id}/members/{user_id}/learning-mode', 204],
  listRepositories: ['GET', '/staff/projects/{project_id}/repositories', 200],
  addRepository: ['POST', '/staff/projects/{project_id}/repositories', 201],
  removeRepository: ['DELETE', '/staff/projects/{project_id}/repositories/{repository_id}', 204],
  listIssues: ['GET', '/staff/projects/{project_id}/repositories/{repository_id}/issues', 200],
  addIssueLabel: ['POST', '/staff/projects/{project_id}/repositories/{repository_id}/issues/{issue_number}/labels', 202],
  listUsers: ['GET', '/staff/users', 200],
  createUser: ['POST', '/staff/users', 201],
  deleteUser: ['DELETE', '/staff/users/{user_id}', 204],
  listRuns: ['GET', '/staff/runs', 200],
  getRun: ['GET', '/staff/runs/{run_id}', 200],
  cancelRun: ['POST', '/staff/runs/{run_id}/cancel', 200],
  retryRun: ['POST', '/staff/runs/{run_id}/retry', 201],
  listRunEvents: ['GET', '/staff/runs/{run_id}/events', 200],
  getRunLogs: ['GET', '/staff/runs/{run_id}/logs', 200],
  downloadRunLogs: ['GET', '/staff/runs/{run_id}/logs/download', 200],
  getRunDiff: ['GET', '/staff/runs/{run_id}/diff', 200],
  listApprovals: ['GET', '/staff/approvals', 200],
  decideApproval: ['POST', '/staff/approvals/{approval_id}/decision', 200],
  listClusterObjects: ['GET', '/staff/cluster/{kind}', 200],
  getClusterObject: ['GET', '/staff/cluster/{kind}/{namespace}/{name}', 200],
  updateClusterObject: ['PUT', '/staff/cluster/{kind}/{namespace}/{name}', 200],
  deleteClusterObject: ['POST', '/staff/cluster/{kind}/{namespace}/{name}/deletion', 200],
  getClusterLogs: ['GET', '/staff/cluster/{kind}/{namespace}/{name}/logs', 200],
};
const operations = Object.keys(routes) as Operation[]; // the keys of a constant

/** Query values arrive as text; a handler that compares numbers converts them. */
export interface MockRequest<D> {
  readonly path: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly body: D extends { body?: infer B } ? B : never;
}

export class Refusal {
  readonly status: number;
  readonly problem: staff.Error;
  constructor(status: number, problem: staff.Error) {
    this.status = status;
    this.problem = problem;
  }
}

export function refuse(status: number, code: string, message: string, more: Partial<staff.Error> = {}): Refusal {
  return new Refusal(status, { code, message, ...more });
}

type Success<R> = R extends { 204: unknown } ? undefined : R[keyof R];
export type Handlers = {
  readonly [O in Operation]?: (
    request: MockRequest<Operations[O][0]>,
  ) => Success<Operations[O][1]> | Refusal | Promise<Success<Operations[O][1]> | Refusal>;
};

export interface MockApi {
  fetch(request: Request): Promise<Response>;
  readonly calls: {
    readonly operation: Operation;
    readonly path: Readonly<Record<string, string>>;
    readonly query: string;
    readonly body: unknown;
  }[];
  /** Requests without a handler. A test that has any fails. */
  readonly unexpected: string[];
}

function matchPath(template: string, pathname: string): Record<string, string> | undefined {
  const names: string[] = [];
  const pattern = template.replace(/\{(\w+)\}/g, (_all, name: string) => {
    names.push(name);
    return '([^/]+)';
  });
  const found = new RegExp(`^/api/v1${pattern}$`).exec(pathname);
  return found ? Object.fromEntries(names.map((name, index) => [name, decodeURIComponent(found[index + 1] ?? '')])) : undefined;
}

function respond(operation: Operation, answer: unknown): Response {
  if (answer instanceof Refusal) return Response.json(answer.problem, { status: answer.status });
  const status = routes[operation][2];
  if (status === 204) return new Response(null, { status });
  if (typeof answer === 'string') return new Response(answer, { status, headers: { 'content-type': 'text/plain' } });
  return Response.json(answer, { status });
}

export function createMockApi(handlers: Handlers): MockApi {
  const calls: MockApi['calls'] = [];
  const unexpected: string[] = [];

  async function fetch(request: Request): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    for (const operation of operations) {
      const [method, template] = routes[operation];
      const path = method === request.method ? matchPath(template, pathname) : undefined;
      // The operation decides the types on both sides; the compiler cannot follow it through the loop.
      const handler = handlers[operation] as ((request: MockRequest<unknown>) => unknown) | undefined;
      if (!path || !handler) continue;
      const text = await request.text();
      const body: unknown = text ? JSON.parse(text) : undefined;
      calls.push({ operation, path, query: searchParams.toString(), body });
      return respond(operation, await handler({ path, query: searchParams, body: body as never }));
    }
    unexpected.push(`${request.method} ${pathname}`);
    return Response.json({ code: 'request.not_found', message: `No handler for ${request.method} ${pathname}.` }, { status: 404 });
  }
  return { fetch, calls, unexpected };
}
