import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { processesInCgroup, removeCgroup } from './cgroups.ts';
import type { Layout } from './layout.ts';
import { tryCommand } from './machine.ts';
import { removeNetwork } from './network.ts';
import { stopProcess } from './processes.ts';
import { containerdSocket } from './real-node.ts';

/** Ends the node with everything that runs on it: first who would start it again, then pods, then mounts and network. */
export async function stopRealNode(layout: Layout): Promise<void> {
  const { folder } = layout;
  for (const name of ['kubelet', 'kube-proxy', 'coredns', 'node-folders']) await stopProcess(folder, name);
  for (let round = 0; round < 50 && processesInCgroup(layout).length > 0; round++) {
    for (const pid of processesInCgroup(layout)) kill(pid);
    await sleep(100);
  }
  for (const pid of shims(layout)) kill(pid);
  await stopProcess(folder, 'containerd');
  await stopProcess(folder, 'registry');
  unmountBelow(folder);
  removeNetwork(layout);
  removeCgroup(layout);
}

/** Each pod has one, which knows whose it is by the address it was given. */
function shims(layout: Layout): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      const commandLine = commandLineOf(name);
      return commandLine.includes('containerd-shim') && commandLine.includes(containerdSocket(layout));
    })
    .map(Number);
}

function commandLineOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return ''; // ended meanwhile
  }
}

function unmountBelow(folder: string): void {
  const points = readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => (line.split(' ')[1] ?? '').replaceAll(String.raw`\040`, ' '))
    .filter((point) => point.startsWith(`${folder}/`));
  for (const point of points.toReversed()) tryCommand('umount', '--lazy', point);
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // ended meanwhile
  }
}
