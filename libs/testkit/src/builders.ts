import { randomUUID } from 'node:crypto';
import {
  createProject,
  createRepository,
  createRunOnce,
  createUser,
  findAgent,
  getRun,
  policySnapshot,
  recordDelivery,
  seedSystemAgents,
  type NewDelivery,
  type NewRun,
  type Project,
  type Repository,
  type Run,
  type Store,
  type User,
} from '@codex-k8s/store';

function there<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(`${what} was not created`);
  return value;
}

export async function aProject(store: Store, { settings = {} }: { settings?: Project['settings'] } = {}): Promise<Project> {
  const slug = `p-${randomUUID().slice(0, 8)}`;
  return there(await createProject(store.db, { slug, name: slug, settings }), 'project');
}

export async function aUser(store: Store, options: { isPlatformAdmin?: boolean; isPlatformOwner?: boolean } = {}): Promise<User> {
  return there(await createUser(store.db, { email: `${randomUUID()}@example.com`, ...options }), 'user');
}

export async function aRepository(store: Store, projectId: string): Promise<Repository> {
  const name = `r-${randomUUID().slice(0, 8)}`;
  const repository = await createRepository(store.db, {
    id: randomUUID(),
    projectId,
    provider: 'github',
    externalId: Math.floor(Math.random() * 2 ** 40),
    owner: 'acme',
    name,
    defaultBranch: 'main',
    htmlUrl: `https://github.example/acme/${name}`,
    cloneUrl: `https://github.example/acme/${name}.git`,
    tokenEncrypted: Buffer.from('none'),
    servicesYamlPath: 'services.yaml',
  });
  return there(repository, 'repository');
}

export interface RunOptions {
  readonly repository: Repository;
  readonly agentKey?: string;
  readonly issueNumber?: number;
  readonly policy?: object;
  readonly runKind?: NewRun['runKind'];
}

/** A pending run of the dev agent. */
export async function aRun(
  store: Store,
  { repository, agentKey = 'dev', issueNumber = Math.floor(Math.random() * 1e6) + 1, policy, runKind = 'work' }: RunOptions,
): Promise<Run> {
  await seedSystemAgents(store.db, { program: 'trial', model: 'scripted' });
  const agent = there(await findAgent(store.db, { agentKey, projectId: repository.projectId }), 'agent');
  const created = await store.db.transaction().execute((tx) =>
    createRunOnce(tx, {
      correlationId: randomUUID(),
      projectId: repository.projectId,
      repositoryId: repository.id,
      repositoryFullName: `${repository.owner}/${repository.name}`,
      agentId: agent.id,
      agentKey,
      program: agent.program,
      model: agent.model,
      reasoningEffort: agent.reasoningEffort,
      runKind,
      triggerKind: runKind === 'review' ? 'review' : 'dev',
      triggeredBy: 'tester',
      issueNumber,
      issueTitle: 'A task',
      issueUrl: 'https://github.example/issue',
      baseBranch: 'main',
      branch: `codex/issue-${issueNumber}`,
      actor: { type: 'human', id: 'tester' },
      payload: {
        issue: { number: issueNumber, title: 'A task', body: '', html_url: '', author: 'tester', labels: [] },
        trigger: { source: 'issue_label' },
      },
      policy: policy ?? policySnapshot(agent),
    }),
  );
  return there(await getRun(store.db, there(created, 'run').id), 'run');
}

/** A delivery on record, refused unless it says otherwise. */
export async function aRecordedDelivery(store: Store, values: Partial<NewDelivery> & Pick<NewDelivery, 'deliveryId'>): Promise<void> {
  const delivery: NewDelivery = {
    bodySha256: values.deliveryId,
    eventType: 'issues',
    action: null,
    repositoryFullName: null,
    result: 'ignored',
    reason: null,
    runId: null,
    repositoryId: null,
    issueNumber: null,
    needsAnswer: false,
    details: {},
    ...values,
  };
  const decision = { projectId: undefined, actor: { type: 'system', id: 'test' }, payload: {} } as const;
  await store.db.transaction().execute((tx) => recordDelivery(tx, delivery, decision));
}
