/** The main path with agents as pods of a real node: PostgreSQL and services on this machine, everything of the run in the cluster. */
import { connectKube, labels, projectNamespace, runnerAccount } from '@codex-k8s/kube';
import { namespaceOfRun } from '@codex-k8s/store';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { codexk8s } from '../cli/command.ts';
import { startOnKubernetes, workerOnKubernetes } from './kubernetes-platform.ts';
import type { SeparateServices } from './separate-services.ts';
import { trialFolder, until } from './trial-platform.ts';

const node = inject('realNode');
const kube = connectKube({ kubeconfig: inject('kubeconfig') });
const fence = '```';

/** Run by the agent with nothing but what it finds in its pod; says what became of each request. */
const askTheCluster = `
const { readFileSync } = require('node:fs');
const { request } = require('node:https');
const folder = '/var/run/secrets/kubernetes.io/serviceaccount';
const own = readFileSync(folder + '/namespace', 'utf8');
const ask = (method, path, body) => new Promise((resolve, reject) => {
  const sent = request({
    host: 'kubernetes.default.svc', method, path, ca: readFileSync(folder + '/ca.crt'),
    headers: { authorization: 'Bearer ' + readFileSync(folder + '/token', 'utf8'), 'content-type': 'application/json' },
  }, (answer) => {
    let text = '';
    answer.on('data', (chunk) => { text += chunk; });
    answer.on('end', () => resolve(/ValidatingAdmissionPolicy/.test(text) ? 'refused by policy' : answer.statusCode));
  });
  sent.once('error', reject);
  sent.end(body && JSON.stringify(body));
});
const at = (namespace, kind, group = '/api/v1') => group + '/namespaces/' + namespace + '/' + kind;
const container = { name: 'c', image: 'i', securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } } };
const pod = (volumes) => ({
  apiVersion: 'v1', kind: 'Pod', metadata: { name: 'agent-try' },
  spec: { securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: 'RuntimeDefault' } }, containers: [container], volumes },
});
const itself = require('node:os').hostname();
(async () => console.log(JSON.stringify({
  kubeconfig: /namespace: (\\S+)/.exec(readFileSync(process.env.KUBECONFIG, 'utf8'))[1],
  listPods: await ask('GET', at(own, 'pods')),
  makePod: await ask('POST', at(own, 'pods?dryRun=All'), pod([])),
  makePodWithSecret: await ask('POST', at(own, 'pods?dryRun=All'), pod([{ name: 'v', secret: { secretName: itself.replace(/-[^-]+$/, '') } }])),
  listSecrets: await ask('GET', at(own, 'secrets')),
  readOwnSecret: await ask('GET', at(own, 'secrets/' + itself.replace(/-[^-]+$/, ''))),
  execIntoItself: await ask('POST', at(own, 'pods/' + itself + '/exec?command=env&stdout=true')),
  askForToken: await ask('POST', at(own, 'serviceaccounts/default/token'), { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { audiences: [] } }),
  makeRole: await ask('POST', at(own, 'roles', '/apis/rbac.authorization.k8s.io/v1'), { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'Role', metadata: { name: 'x' }, rules: [] }),
  openNetwork: await ask('POST', at(own, 'networkpolicies', '/apis/networking.k8s.io/v1'), { apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata: { name: 'x' }, spec: { podSelector: {} } }),
  listPodsElsewhere: await ask('GET', at('kube-system', 'pods')),
  listNodes: await ask('GET', '/api/v1/nodes'),
})))();
`;

describe.skipIf(node === undefined)('on the real node (needs root)', () => {
  const folder = trialFolder();
  let platform: SeparateServices;

  beforeAll(async () => {
    if (!node) return;
    platform = await startOnKubernetes(kube, { node, dataDir: folder.path, workers: 1 });
  }, 600_000);

  afterAll(async () => {
    await platform?.[Symbol.asyncDispose]();
    folder.remove();
  });

  /** What agents are allowed in the cluster; the seeded policy of the reviewer is changed as an operator would. */
  async function setMode(policyKey: string, runtimeMode: 'full-env' | 'code-only'): Promise<void> {
    await platform.store.db.updateTable('core.agentPolicies').set({ runtimeMode }).where('policyKey', '=', policyKey).execute();
  }

  async function runOf(issue: number, kind: string, statuses: readonly string[]) {
    return until(
      `${kind} run of #${issue} to be ${statuses.join(' or ')}`,
      async () =>
        (await platform.api.runs()).find((run) => run.issue_number === issue && run.trigger_kind === kind && statuses.includes(run.status)),
      120_000,
    );
  }

  async function jobsOf(runId: string) {
    return (await kube.batch.listJobForAllNamespaces({ labelSelector: `${labels.runId}=${runId}` })).items;
  }

  async function podsOf(runId: string) {
    return (await kube.core.listPodForAllNamespaces({ labelSelector: `${labels.runId}=${runId}` })).items;
  }

  test('a label becomes a reviewed pull request, worked on and reviewed by pods without any right', async () => {
    const { api } = platform;
    await setMode('default-dev', 'code-only');
    await setMode('default-reviewer', 'code-only');
    const body = `${fence}file path=docs/pod.txt\nfrom a pod\n${fence}\n${fence}sh\nid -u > docs/uid.txt; ls /var/run/secrets 2>&1 | wc -l > docs/secrets.txt\n${fence}\n`;
    const issue = await api.createIssue('In the cluster', body);

    await api.label(issue, 'run:dev');
    const { id } = await runOf(issue, 'dev', ['running', 'waiting_owner_review', 'failed']);
    const job = await until('the Job', async () => (await jobsOf(id))[0]);
    const run = await runOf(issue, 'dev', ['waiting_owner_review', 'failed']);
    const review = await runOf(issue, 'review', ['succeeded', 'failed']);
    await setMode('default-dev', 'full-env');
    await setMode('default-reviewer', 'full-env');

    expect([run.status, run.failure_message, review.status]).toEqual(['waiting_owner_review', undefined, 'succeeded']);
    expect(await api.fileAt(`codex/issue-${issue}`, 'docs/pod.txt')).toBe('from a pod\n');
    expect(await api.fileAt(`codex/issue-${issue}`, 'docs/uid.txt')).toBe('1000\n');
    expect((await api.run(run.id)).verification).toMatchObject({ confirmed: true });
    expect(job.metadata?.namespace).toBe(projectNamespace('codex-issue', run.project_id));
    expect(job.spec?.template.spec).toMatchObject({ serviceAccountName: runnerAccount, automountServiceAccountToken: false });
    expect(job.spec?.template.spec?.volumes?.map(({ name }) => name)).toEqual(['run', 'tmp']);
  });

  test('a full-env agent uses the cluster inside its namespace and nowhere else, a revise run goes on there, and it goes with the pull request', async () => {
    const { api, store } = platform;
    const issue = await api.createIssue(
      'With an environment',
      `${fence}file path=ask.cjs\n${askTheCluster}${fence}\n${fence}sh\nnode ask.cjs > rights.json\n${fence}\n`,
    );

    await api.label(issue, 'run:dev');
    const run = await runOf(issue, 'dev', ['waiting_owner_review', 'failed']);
    const namespace = (await namespaceOfRun(store.db, run.id))?.name ?? '';
    const seen = JSON.parse(await api.fileAt(`codex/issue-${issue}`, 'rights.json')) as object;
    const review = await runOf(issue, 'review', ['succeeded', 'failed']);
    await api.label(issue, 'run:dev:revise');
    const revise = await runOf(issue, 'dev_revise', ['waiting_owner_review', 'failed']);

    expect([run.status, run.failure_message, review.status]).toEqual(['waiting_owner_review', undefined, 'succeeded']);
    expect(seen).toEqual({
      kubeconfig: namespace,
      listPods: 200,
      makePod: 201,
      makePodWithSecret: 'refused by policy',
      listSecrets: 403,
      readOwnSecret: 403,
      execIntoItself: 'refused by policy',
      askForToken: 403,
      makeRole: 403,
      openNetwork: 403,
      listPodsElsewhere: 403,
      listNodes: 403,
    });
    expect([revise.status, (await namespaceOfRun(store.db, revise.id))?.name]).toEqual(['waiting_owner_review', namespace]);
    const types = (await api.events(run.id)).map(({ event_type: type }) => type);
    expect(types).toEqual(expect.arrayContaining(['run.namespace.prepared', 'run.cluster.event']));
    const started = (await api.events(run.id)).filter(({ payload }) => payload['reason'] === 'Started');
    expect(started).toMatchObject([{ event_type: 'run.cluster.event', payload: { about: 'Pod', type: 'Normal' } }]);

    await api.github('PATCH', `/repos/demo-owner/hello/pulls/${run.pr_number}`, { state: 'closed' });
    const isGone = () =>
      kube.core.readNamespace({ name: namespace }).then(
        () => false,
        ({ code }: { code?: number }) => code === 404,
      );
    await until('the namespace to be gone', isGone, 120_000);
    await until('the record to say so', async () =>
      (await api.events(revise.id)).some(({ event_type: type }) => type === 'run.namespace.cleaned'),
    );
  });

  test('what does not hold in the cluster is said, on the platform and on each run', async () => {
    const { api } = platform;
    const known = await until('the controls to be tried', async () => (await api.platform()).controls);
    const issue = await api.createIssue('How apart?', `${fence}file path=docs/apart.txt\nx\n${fence}\n`);
    await api.label(issue, 'run:dev');
    const run = await runOf(issue, 'dev', ['waiting_owner_review', 'failed']);

    // The bridge of this node enforces no NetworkPolicy; everything else is tried and holds.
    const states = Object.fromEntries(known.findings.map(({ control, state }) => [control, state]));
    expect(states).toEqual({
      network_policy: 'absent',
      pod_security: 'holds',
      admission_policy: 'holds',
      quota: 'holds',
      dns: 'holds',
      storage_class: 'holds',
      runtime_class: 'absent',
    });
    expect((await api.platform()).isolated).toBe(false);
    expect((await api.run(run.id)).isolated).toBe(false);
    const started = (await api.events(run.id)).find(({ event_type: type }) => type === 'run.attempt.started');
    expect(started?.payload).toMatchObject({ isolated: false, controls: states });
  });

  test('the command line tries the same controls, and says what to do about those that do not hold', async () => {
    if (!node) return;
    const env = await workerOnKubernetes(kube, { node, dataDir: folder.path });

    const doctor = codexk8s(['doctor', '--cluster', '--json'], { cwd: folder.path, env });
    await doctor.ended;

    const { checks } = JSON.parse(doctor.stdout()) as { checks: { name: string; verdict: string; found: string; remedy?: string }[] };
    const verdicts = Object.fromEntries(checks.map(({ name, verdict }) => [name, verdict]));
    expect(verdicts).toMatchObject({
      cluster: 'ok',
      'pod security': 'ok',
      'admission policy': 'ok',
      quota: 'ok',
      dns: 'ok',
      'network policy': 'fail',
    });
    expect(checks.find(({ name }) => name === 'network policy')?.remedy).toContain('network plugin');
  });

  test('a pod that is lost is followed by another, which resumes the session', async () => {
    const { api } = platform;
    const body = `${fence}file path=docs/first.txt\nx\n${fence}\n${fence}sleep 8\n${fence}\n${fence}file path=docs/last.txt\ny\n${fence}\n`;
    const issue = await api.createIssue('Lost in the middle', body);
    await api.label(issue, 'run:dev');
    const { id, attempt } = await runOf(issue, 'dev', ['running']);
    const pod = await until('the agent at work', async () => {
      // From here on the prompt has been said, or may have been.
      const hasBegun = ((await api.run(id)).session?.turns ?? 0) > 0;
      return hasBegun && (await podsOf(id)).find(({ status }) => status?.phase === 'Running');
    });

    const { name = '', namespace = '' } = pod.metadata ?? {};
    await kube.core.deleteNamespacedPod({ name, namespace, gracePeriodSeconds: 0 });
    const run = await runOf(issue, 'dev', ['waiting_owner_review', 'failed']);

    const details = await api.run(id);
    expect([run.status, run.failure_message]).toEqual(['waiting_owner_review', undefined]);
    expect(run.attempt).toBe((attempt ?? 0) + 1);
    expect(['rebuilt', 'lost']).toContain(details.session?.last_resume);
    expect(await api.fileAt(`codex/issue-${issue}`, 'docs/last.txt')).toBe('y\n');
  });

  test('a cancelled run leaves no pod, Job or Secret', async () => {
    const { api } = platform;
    const issue = await api.createIssue('Never mind', `${fence}hang\n${fence}\n`);
    await api.label(issue, 'run:dev');
    const { id } = await runOf(issue, 'dev', ['running']);
    await until('the pod', async () => (await podsOf(id)).length > 0);

    await api.github('PATCH', `/repos/demo-owner/hello/issues/${issue}`, { state: 'closed' });
    await runOf(issue, 'dev', ['cancelled']);

    await until('everything of it to be gone', async () => {
      const secrets = await kube.core.listSecretForAllNamespaces({ labelSelector: `${labels.runId}=${id}` });
      return (await podsOf(id)).length === 0 && (await jobsOf(id)).length === 0 && secrets.items.length === 0;
    });
  });
});
