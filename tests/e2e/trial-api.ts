import type { ApprovalRequest, FlowEvent, Platform, Run, RunDetails, RunLogs } from '@codex-k8s/contracts/staff';
import type { Trial } from './trial-platform.ts';

/** What the stories ask of the platform and of the development GitHub, over HTTP like anybody. */
export interface TrialApi {
  /** `owner/name` of the repository that issues, comments and files are of. */
  readonly repository: string;
  platform(): Promise<Platform>;
  runs(): Promise<Run[]>;
  run(id: string): Promise<RunDetails>;
  events(id: string): Promise<FlowEvent[]>;
  approvals(): Promise<ApprovalRequest[]>;
  decide(request: ApprovalRequest, body: { decision: 'approved' | 'denied'; reason?: string; answer?: string }): Promise<Response>;
  /** The comments on an issue or pull request. */
  comments(issue: number): Promise<string[]>;
  log(id: string, query?: string): Promise<RunLogs>;
  /** The dev GitHub's REST API as the demo owner. */
  github<T>(method: string, path: string, body?: object): Promise<T>;
  createIssue(title: string, body: string): Promise<number>;
  label(issue: number, label: string): Promise<void>;
  labels(issue: number): Promise<string[]>;
  fileAt(ref: string, path: string): Promise<string>;
}

export function trialApi({
  apiUrl,
  adminToken,
  githubUrl,
  githubToken,
  repositoryName = 'hello',
}: Pick<Trial, 'apiUrl' | 'adminToken' | 'githubUrl' | 'githubToken'> & { readonly repositoryName?: string }): TrialApi {
  const repository = `/repos/demo-owner/${repositoryName}`;
  async function staff<T>(path: string): Promise<T> {
    const response = await fetch(`${apiUrl}/staff${path}`, { headers: { authorization: `Bearer ${adminToken}` } });
    if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`);
    return (await response.json()) as T; // validated by the contract on the server
  }
  async function github<T>(method: string, path: string, body?: object): Promise<T> {
    const response = await fetch(`${githubUrl}/api/v3${path}`, {
      method,
      headers: { authorization: `token ${githubToken}`, 'content-type': 'application/json' },
      ...(body && { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${await response.text()}`);
    return (await response.json()) as T; // held to GitHub's description by the conformance test
  }
  return {
    repository: `demo-owner/${repositoryName}`,
    platform: () => staff('/platform'),
    runs: async () => (await staff<{ items: Run[] }>('/runs?limit=1000')).items,
    run: (id) => staff(`/runs/${id}`),
    events: async (id) => (await staff<{ items: FlowEvent[] }>(`/runs/${id}/events?limit=1000`)).items,
    approvals: async () => (await staff<{ items: ApprovalRequest[] }>('/approvals')).items,
    decide: (request, body) =>
      fetch(`${apiUrl}/staff/approvals/${request.id}/decision`, {
        method: 'POST',
        headers: { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' },
        body: JSON.stringify({ digest: request.digest, ...body }),
      }),
    comments: async (issue) =>
      (await github<{ body: string }[]>('GET', `${repository}/issues/${issue}/comments?per_page=100`)).map(({ body }) => body),
    log: (id, query = '') => staff(`/runs/${id}/logs${query}`),
    github,
    createIssue: async (title, body) => (await github<{ number: number }>('POST', `${repository}/issues`, { title, body })).number,
    label: async (issue, label) => {
      await github('POST', `${repository}/issues/${issue}/labels`, { labels: [label] });
    },
    labels: async (issue) => (await github<{ name: string }[]>('GET', `${repository}/issues/${issue}/labels`)).map(({ name }) => name),
    fileAt: async (ref, path) => {
      const { content } = await github<{ content: string }>('GET', `${repository}/contents/${path}?ref=${encodeURIComponent(ref)}`);
      return Buffer.from(content, 'base64').toString('utf8');
    },
  };
}
