/** The main path with agents as pods of a real node: PostgreSQL and services on this machine, everything of the run in the cluster. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildImage } from '../../deploy/images/build.ts';
import { applyObject, connectKube, labels, projectNamespace, readManifests, runnerAccount, writeTokenKubeconfig } from '@codex-k8s/kube';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { startSeparateServices, type SeparateServices } from './separate-services.ts';
import { trialFolder, until } from './trial-platform.ts';

const node = inject('realNode');
const kube = connectKube({ kubeconfig: inject('kubeconfig') });
const fence = '```';

/** The worker gets the documented rights and no others. */
async function workerKubeconfig(folder: string): Promise<string> {
  const manifests = readManifests(readFileSync(join(import.meta.dirname, '../../deploy/kubernetes/worker-rights.yaml'), 'utf8'));
  for (const manifest of manifests) await applyObject(kube, manifest);
  const path = join(folder, 'worker.kubeconfig');
  await writeTokenKubeconfig(kube, { namespace: 'codex-k8s', serviceAccount: 'codex-k8s-worker', path });
  return path;
}

describe.skipIf(node === undefined)('on the real node (needs root)', () => {
  const folder = trialFolder();
  let platform: SeparateServices;

  beforeAll(async () => {
    if (!node) return;
    const image = 'codex-k8s/agent:test';
    buildImage({ name: 'agent', base: `${node.registry}/debian:bookworm`, tag: `${node.registry}/${image}`, isInsecure: true });
    platform = await startSeparateServices({
      dataDir: folder.path,
      workers: 1,
      host: node.hostAddress,
      environment: {
        CODEXK8S_RUNTIME: 'kubernetes',
        CODEXK8S_KUBECONFIG: await workerKubeconfig(folder.path),
        CODEXK8S_AGENT_IMAGE: `localhost:5000/${image}`,
        CODEXK8S_WORKER_RUN_NODE_SELECTOR: 'kubernetes.io/hostname=node1',
      },
    });
  }, 600_000);

  afterAll(async () => {
    await platform?.[Symbol.asyncDispose]();
    folder.remove();
  });

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

  test('a label becomes a reviewed pull request, worked on by a pod that may do nothing else', async () => {
    const { api } = platform;
    const body = `${fence}file path=docs/pod.txt\nfrom a pod\n${fence}\n${fence}sh\nid -u > docs/uid.txt; ls /var/run/secrets 2>&1 | wc -l > docs/secrets.txt\n${fence}\n`;
    const issue = await api.createIssue('In the cluster', body);

    await api.label(issue, 'run:dev');
    const { id } = await runOf(issue, 'dev', ['running', 'waiting_owner_review', 'failed']);
    const job = await until('the Job', async () => (await jobsOf(id))[0]);
    const run = await runOf(issue, 'dev', ['waiting_owner_review', 'failed']);
    const review = await runOf(issue, 'review', ['succeeded', 'failed']);

    expect([run.status, run.failure_message, review.status]).toEqual(['waiting_owner_review', undefined, 'succeeded']);
    expect(await api.fileAt(`codex/issue-${issue}`, 'docs/pod.txt')).toBe('from a pod\n');
    expect(await api.fileAt(`codex/issue-${issue}`, 'docs/uid.txt')).toBe('1000\n');
    expect((await api.run(run.id)).verification).toMatchObject({ confirmed: true });
    expect(job.metadata?.namespace).toBe(projectNamespace('codex-issue', run.project_id));
    expect(job.spec?.template.spec).toMatchObject({ serviceAccountName: runnerAccount, automountServiceAccountToken: false });
  });

  test('what does not hold in the cluster is said, on the platform and on each run', async () => {
    const { api } = platform;
    const known = await until('the controls to be tried', async () => (await api.platform()).controls);
    const issue = await api.createIssue('How apart?', `${fence}file path=docs/apart.txt\nx\n${fence}\n`);
    await api.label(issue, 'run:dev');
    const run = await runOf(issue, 'dev', ['waiting_owner_review', 'failed']);

    // The bridge of this node enforces no NetworkPolicy; everything else is tried and holds.
    const states = Object.fromEntries(known.findings.map(({ control, state }) => [control, state]));
    expect(states).toEqual({ network_policy: 'absent', pod_security: 'holds', quota: 'holds', dns: 'holds', runtime_class: 'absent' });
    expect((await api.platform()).isolated).toBe(false);
    expect((await api.run(run.id)).isolated).toBe(false);
    const started = (await api.events(run.id)).find(({ event_type: type }) => type === 'run.attempt.started');
    expect(started?.payload).toMatchObject({ isolated: false, controls: states });
  });

  test('a pod that is lost is followed by another, which resumes the session', async () => {
    const { api } = platform;
    const body = `${fence}file path=docs/first.txt\nx\n${fence}\n${fence}sleep 8\n${fence}\n${fence}file path=docs/last.txt\ny\n${fence}\n`;
    const issue = await api.createIssue('Lost in the middle', body);
    await api.label(issue, 'run:dev');
    const { id } = await runOf(issue, 'dev', ['running']);
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
    expect(run.attempt).toBe(2);
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
