import { expect, test } from 'vitest';
import { isIsolated, type ControlFinding } from './cluster-controls.ts';

const finding = (control: ControlFinding['control'], state: ControlFinding['state']): ControlFinding => ({ control, state, evidence: '' });

test('isolation is what was seen to hold, never what was not tried', () => {
  const security = finding('pod_security', 'holds');

  expect(isIsolated([])).toBe(false);
  expect(isIsolated([security])).toBe(false);
  expect(isIsolated([security, finding('network_policy', 'absent')])).toBe(false);
  expect(isIsolated([security, finding('network_policy', 'unproven')])).toBe(false);
  expect(isIsolated([security, finding('network_policy', 'holds'), finding('quota', 'absent')])).toBe(true);
});
