/** The real Codex as the agent of a pod, against the scripted model: issue, commit, push, pull request, and the platform's own look at it. */
import { connectKube } from '@codex-k8s/kube';
import { describe, expect, inject, test } from 'vitest';
import { startOnKubernetes } from './kubernetes-platform.ts';
import { ensureCodexAgent } from './test-images.ts';
import { trialFolder, until } from './trial-platform.ts';

const node = inject('realNode');
const kube = connectKube({ kubeconfig: inject('kubeconfig') });
const fence = '```';
/** Who the command's parents are says which program ran it. */
const who = 'tr "\\\\0" " " < /proc/$PPID/cmdline > docs/parent.txt; id -u > docs/uid.txt; env | sort > docs/env.txt';

describe.skipIf(node === undefined)('on the real node (needs root)', () => {
  test('a label becomes a verified pull request by Codex in a pod', async () => {
    if (!node) return;
    const folder = trialFolder();
    const image = await ensureCodexAgent(node);
    await using platform = await startOnKubernetes(kube, {
      node,
      dataDir: folder.path,
      workers: 1,
      environment: { CODEXK8S_AGENT_IMAGE: image },
    });
    const { api, store } = platform;
    await store.db.updateTable('core.agents').set({ program: 'codex' }).where('agentKey', '=', 'dev').execute();
    await store.db.updateTable('core.agentPolicies').set({ runtimeMode: 'code-only' }).where('policyKey', '=', 'default-dev').execute();
    const body = `${fence}file path=docs/codex.txt\nby codex\n${fence}\n${fence}sh\n${who}\n${fence}\n`;
    const issue = await api.createIssue('Codex in a pod', body);

    await api.label(issue, 'run:dev');
    const run = await until(
      'the run to be delivered',
      async () =>
        (await api.runs()).find(
          (one) => one.issue_number === issue && one.trigger_kind === 'dev' && ['waiting_owner_review', 'failed'].includes(one.status),
        ),
      240_000,
    );

    expect([run.status, run.failure_message]).toEqual(['waiting_owner_review', undefined]);
    expect(run.pr_number).toEqual(expect.any(Number));
    expect(run.program).toBe('codex');
    expect((await api.run(run.id)).verification).toMatchObject({ confirmed: true });
    expect(await api.fileAt(`codex/issue-${issue}`, 'docs/codex.txt')).toMatch(/^by codex/);
    expect(await api.fileAt(`codex/issue-${issue}`, 'docs/uid.txt')).toBe('1000\n');
    expect(await api.fileAt(`codex/issue-${issue}`, 'docs/parent.txt')).toContain('codex');
    expect(await api.fileAt(`codex/issue-${issue}`, 'docs/env.txt')).not.toMatch(/CODEXK8S_RUN_TOKEN|MODEL_API_KEY/);
    folder.remove();
  });
});
