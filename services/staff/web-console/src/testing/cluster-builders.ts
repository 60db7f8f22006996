import type { ClusterListedObject, ClusterLog, ClusterObject, ClusterUpdate } from '@codex-k8s/contracts/staff';
import { at, uuid } from './builders.ts';

const yaml = (colour: string): string => `apiVersion: v1
kind: ConfigMap
metadata:
  name: shop-settings
  namespace: shop
data:
  colour: ${colour}
  greeting: Good day
  opens: "08:00"
`;

export function aListedObject(more: Partial<ClusterListedObject> = {}): ClusterListedObject {
  return {
    namespace: 'shop',
    name: 'shop-settings',
    uid: uuid(501),
    created_at: at(86_400),
    deleting: false,
    platform_object: false,
    columns: { data: '3' },
    ...more,
  };
}

export function aClusterObject(more: Partial<ClusterObject> = {}): ClusterObject {
  return {
    kind: 'configmaps',
    namespace: 'shop',
    name: 'shop-settings',
    uid: uuid(501),
    resource_version: '1001',
    created_at: at(86_400),
    deleting: false,
    platform_object: false,
    labels: { app: 'shop' },
    yaml: yaml('red'),
    keys: [
      { name: 'colour', bytes: 3 },
      { name: 'greeting', bytes: 8 },
    ],
    ...more,
  };
}

export function aClusterUpdate(more: Partial<ClusterUpdate> = {}): ClusterUpdate {
  return {
    applied: false,
    verdict: 'allowed',
    changes: ['data.colour'],
    before_yaml: yaml('red'),
    after_yaml: yaml('green'),
    object: aClusterObject({ yaml: yaml('green'), resource_version: '1002' }),
    ...more,
  };
}

export function aClusterLog(more: Partial<ClusterLog> = {}): ClusterLog {
  return {
    pod: 'shop-import-x7k2p',
    pods: ['shop-import-x7k2p', 'shop-import-b41qd'],
    container: 'import',
    containers: ['import', 'proxy', 'prepare'],
    cut: true,
    lines: [
      { at: at(60), text: 'reading orders.csv' },
      { at: at(59), text: '\u001B[33mwarning\u001B[0m line 12 has no price' },
      { at: at(58), text: '1204 orders imported' },
    ],
    ...more,
  };
}
