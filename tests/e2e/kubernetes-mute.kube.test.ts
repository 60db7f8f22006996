/** A runner that cannot even begin says why in the log of its container only; the platform shows it, and nothing that is secret in it. */
import { connectKube } from '@codex-k8s/kube';
import { describe, expect, inject, test } from 'vitest';
import { startOnKubernetes } from './kubernetes-platform.ts';
import { pushProgram } from './test-images.ts';
import { trialFolder, until } from './trial-platform.ts';

const node = inject('realNode');
const kube = connectKube({ kubeconfig: inject('kubeconfig') });
const script = 'echo "token $CODEXK8S_RUN_TOKEN"; echo "key $CODEXK8S_MODEL_API_KEY" >&2; echo "cannot find start.mjs" >&2; exit 7';

describe.skipIf(node === undefined)('on the real node (needs root)', () => {
  test('what the pod of a runner that cannot start has said is in the log of the run, once for each attempt', async () => {
    if (!node) return;
    const folder = trialFolder();
    const modelKey = 'model-key-that-nobody-shows';
    await using platform = await startOnKubernetes(kube, {
      node,
      dataDir: folder.path,
      workers: 1,
      environment: { CODEXK8S_AGENT_IMAGE: pushProgram('mute', script, node), CODEXK8S_MODEL_API_KEY: modelKey },
    });
    const { api, store } = platform;
    await store.db.updateTable('core.agentPolicies').set({ runtimeMode: 'code-only' }).where('policyKey', '=', 'default-dev').execute();
    const issue = await api.createIssue('Never begun', 'nothing');

    await api.label(issue, 'run:dev');
    const run = await until(
      'the run to fail',
      async () => (await api.runs()).find((one) => one.issue_number === issue && one.status === 'failed'),
      120_000,
    );
    const { items: lines } = await api.log(run.id, '?limit=1000');

    const attempts = Array.from({ length: run.attempt ?? 0 }, (_, n) => n + 1);
    expect([run.failure_code, attempts.length]).toEqual(['run.agent_crashed', expect.any(Number)]);
    expect(run.failure_message).toContain('code 7');
    expect(lines.map(({ attempt, stream }) => [attempt, stream])).toEqual(
      attempts.flatMap((attempt) => Array.from({ length: 4 }, () => [attempt, 'cluster'])),
    );
    for (const attempt of attempts) {
      const [note, ...rest] = lines.filter((line) => line.attempt === attempt).map(({ text }) => text);
      expect(note).toContain(`The runner of attempt ${attempt} sent no log.`);
      // A container's output and its errors are read side by side: an order holds only within each.
      expect(rest).toContain('token [REDACTED]');
      expect(rest.filter((text) => text !== 'token [REDACTED]')).toEqual(['key [REDACTED]', 'cannot find start.mjs']);
    }
    folder.remove();
  });
});
