/**
 * What pods of simulated nodes live through, as Stage objects of kwok. A pod that only asks for `type=kwok` runs at once, and one of a Job ends
 * at once, as kwok has it by default. One that asks for `simulatedRuns` ends only when somebody says so in its status. One that asks for
 * `simulatedFates` waits for its fate, an annotation, and then meets it.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Labels of every simulated node, for a pod's `nodeSelector`. */
export const simulatedRuns = 'codex-k8s.dev/simulated-runs';
export const simulatedFates = 'codex-k8s.dev/simulated-fates';
export const fateAnnotation = 'codex-k8s.dev/simulated-fate';

/** `stuck`: its container is never made, and nobody says why. */
export const fates = ['runs', 'crashes', 'out-of-memory', 'evicted', 'node-lost', 'image-missing', 'stuck'] as const;
export type Fate = (typeof fates)[number];

interface Condition {
  readonly key: string;
  readonly operator: 'Exists' | 'DoesNotExist' | 'In' | 'NotIn';
  readonly values?: readonly string[];
}

const asksFor = (label: string): string => `.spec.nodeSelector["${label}"]`;
const notDeleted: Condition = { key: '.metadata.deletionTimestamp', operator: 'DoesNotExist' };
const notBegun: Condition = { key: '.status.podIP', operator: 'DoesNotExist' };
const hasFate = (...values: Fate[]): Condition => ({ key: `.metadata.annotations["${fateAnnotation}"]`, operator: 'In', values });
const inPhase = (phase: string): Condition => ({ key: '.status.phase', operator: 'In', values: [phase] });

function stage(
  name: string,
  matchExpressions: readonly Condition[],
  next: object,
  delayMs?: readonly [least: number, most: number],
): object {
  const delay = delayMs && { durationMilliseconds: delayMs[0], jitterDurationMilliseconds: delayMs[1] };
  return {
    apiVersion: 'kwok.x-k8s.io/v1alpha1',
    kind: 'Stage',
    metadata: { name },
    spec: { resourceRef: { apiGroup: 'v1', kind: 'Pod' }, selector: { matchExpressions }, ...(delay && { delay }), next },
  };
}

const readyConditions = ['Initialized', 'Ready', 'ContainersReady']
  .map((type) => `- { type: ${type}, status: "True", lastTransitionTime: {{ $now | Quote }} }`)
  .join('\n');

/** `state` is YAML of one line, as everything below. */
function containers(state: string, isReady: boolean): string {
  return `containerStatuses:
{{ range .spec.containers }}
- { name: {{ .name | Quote }}, image: {{ .image | Quote }}, ready: ${isReady}, restartCount: 0, state: ${state} }
{{ end }}`;
}

const running = `{{ $now := Now }}
conditions:
${readyConditions}
${containers('{ running: { startedAt: {{ $now | Quote }} } }', true)}
hostIP: {{ NodeIPWith .spec.nodeName | Quote }}
podIP: {{ PodIPWith .spec.nodeName ( or .spec.hostNetwork false ) ( or .metadata.uid "" ) ( or .metadata.name "" ) ( or .metadata.namespace "" ) | Quote }}
phase: Running
startTime: {{ $now | Quote }}`;

/** `more` says why, beside the containers. */
function ended({ exitCode, reason, phase, more = '' }: { exitCode: number; reason: string; phase: string; more?: string }): string {
  const state = `{ terminated: { exitCode: ${exitCode}, reason: ${reason}, startedAt: {{ $now | Quote }}, finishedAt: {{ $now | Quote }} } }`;
  return `{{ $now := Now }}\n${containers(state, false)}\nphase: ${phase}\n${more}`;
}

const pulling = containers('{ waiting: { reason: ImagePullBackOff, message: "simulated: no such image" } }', false);
const disrupted = `conditions:
- { type: DisruptionTarget, status: "True", reason: DeletionByPodGC, message: "simulated: the node is gone", lastTransitionTime: {{ $now | Quote }} }`;

/** What a working pod meets, within seconds of its start. */
const ends: Readonly<Record<'crashes' | 'out-of-memory' | 'evicted' | 'node-lost', string>> = {
  crashes: ended({ exitCode: 139, reason: 'Error', phase: 'Failed' }),
  'out-of-memory': ended({ exitCode: 137, reason: 'OOMKilled', phase: 'Failed' }),
  evicted: ended({
    exitCode: 137,
    reason: 'Error',
    phase: 'Failed',
    more: 'reason: Evicted\nmessage: "simulated: the node was low on memory"',
  }),
  'node-lost': ended({ exitCode: 137, reason: 'Error', phase: 'Failed', more: disrupted }),
};
const strikesWithinMs = [200, 4_000] as const;

function podStages(): object[] {
  const [ofRuns, ofFates] = [asksFor(simulatedRuns), asksFor(simulatedFates)];
  const isPlain: Condition[] = [
    { key: ofRuns, operator: 'DoesNotExist' },
    { key: ofFates, operator: 'DoesNotExist' },
  ];
  const begins = { statusTemplate: running };
  const isFated: Condition = { key: ofFates, operator: 'Exists' };
  return [
    stage('pod-ready', [notDeleted, notBegun, ...isPlain], begins),
    stage(
      'pod-complete',
      [notDeleted, inPhase('Running'), { key: '.metadata.ownerReferences.[].kind', operator: 'In', values: ['Job'] }, ...isPlain],
      { statusTemplate: ended({ exitCode: 0, reason: 'Completed', phase: 'Succeeded' }) },
    ),
    stage('pod-delete', [{ key: '.metadata.deletionTimestamp', operator: 'Exists' }], { finalizers: { empty: true }, delete: true }),
    stage('run-begins', [notDeleted, notBegun, { key: ofRuns, operator: 'Exists' }], begins),
    stage('fated-begins', [notDeleted, notBegun, isFated, hasFate('runs', 'crashes', 'out-of-memory', 'evicted', 'node-lost')], begins),
    stage(
      'fated-image-missing',
      [
        notDeleted,
        inPhase('Pending'),
        isFated,
        hasFate('image-missing'),
        { key: '.status.containerStatuses.[].state.waiting.reason', operator: 'DoesNotExist' },
      ],
      { statusTemplate: pulling },
    ),
    ...Object.entries(ends).map(
      ([fate, statusTemplate]) =>
        stage(`fated-${fate}`, [notDeleted, inPhase('Running'), isFated, hasFate(fate as Fate)], { statusTemplate }, strikesWithinMs), // a key of `ends`
    ),
  ];
}

/** Returns the path, for `kwok --stages`. */
export function writePodStages(folder: string): string {
  const path = join(folder, 'kwok-stages.yaml');
  writeFileSync(
    path,
    podStages()
      .map((one) => `${JSON.stringify(one)}\n`)
      .join('---\n'),
  );
  return path;
}
