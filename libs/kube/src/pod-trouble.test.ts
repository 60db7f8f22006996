import type { V1Pod } from '@kubernetes/client-node';
import { expect, test } from 'vitest';
import { podTrouble } from './pod-trouble.ts';

interface Case {
  readonly name: string;
  readonly status: V1Pod['status'];
  readonly code: string | undefined;
  readonly isOver?: boolean;
}

const container = { name: 'run', image: 'agent:1', imageID: '', ready: false, restartCount: 0 };
const waiting = (reason: string): V1Pod['status'] => ({
  phase: 'Pending',
  containerStatuses: [{ ...container, state: { waiting: { reason, message: 'because' } } }],
});
const ended = (reason: string, exitCode: number): V1Pod['status'] => ({
  phase: 'Failed',
  containerStatuses: [{ ...container, state: { terminated: { reason, exitCode } } }],
});

// As the API server and the kubelet report them.
const cases: readonly Case[] = [
  { name: 'no status at all', status: undefined, code: undefined },
  {
    name: 'a pod that works',
    status: { phase: 'Running', containerStatuses: [{ ...container, state: { running: {} } }] },
    code: undefined,
  },
  { name: 'an image that is not there', status: waiting('ErrImagePull'), code: 'run.image_unavailable', isOver: false },
  { name: 'an image that is tried again', status: waiting('ImagePullBackOff'), code: 'run.image_unavailable', isOver: false },
  { name: 'a missing Secret', status: waiting('CreateContainerConfigError'), code: 'run.pod_not_started', isOver: false },
  { name: 'a container in the making', status: waiting('ContainerCreating'), code: undefined },
  { name: 'too little memory', status: ended('OOMKilled', 137), code: 'run.out_of_memory', isOver: true },
  { name: 'a command that is not there', status: ended('StartError', 128), code: 'run.pod_not_started', isOver: true },
  { name: 'a crash', status: ended('Error', 1), code: 'run.agent_crashed', isOver: true },
  { name: 'an end in order', status: ended('Completed', 0), code: undefined },
  { name: 'an eviction', status: { phase: 'Failed', reason: 'Evicted', message: 'low on memory' }, code: 'run.pod_evicted', isOver: true },
  {
    name: 'a full cluster',
    status: { phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: '0/3 nodes' }] },
    code: 'run.unschedulable',
    isOver: false,
  },
  {
    name: 'a lost node',
    status: { phase: 'Running', conditions: [{ type: 'DisruptionTarget', status: 'True', reason: 'DeletionByTaintManager' }] },
    code: 'run.node_lost',
    isOver: true,
  },
];

test.for(cases)('$name is $code', ({ status, code, isOver }) => {
  const trouble = podTrouble({ metadata: { name: 'p' }, ...(status && { status }) });

  expect({ code: trouble?.code, isOver: trouble?.isOver }).toEqual({ code, isOver });
});
