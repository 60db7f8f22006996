/**
 * A cluster with a real node lives in a network namespace of its own: its bridge, addresses, ports and iptables rules cannot meet those of the
 * machine or of another cluster, and all of them go with the namespace. One wire leads to the host, whose address on it pods reach too.
 */
import { podBridge, type Layout, type Network } from './layout.ts';
import { runCommand, tryCommand } from './machine.ts';
import { inNamespace } from './processes.ts';

export function prepareNetwork({ network }: Layout): void {
  if (!network) return;
  const { namespace, hostLink, innerLink, hostAddress, address } = network;
  if (!tryCommand('ip', 'netns', 'exec', namespace, 'true')) runCommand('ip', 'netns', 'add', namespace);
  if (!tryCommand('ip', 'link', 'show', hostLink)) {
    runCommand('ip', 'link', 'add', hostLink, 'type', 'veth', 'peer', 'name', innerLink);
    runCommand('ip', 'link', 'set', innerLink, 'netns', namespace);
    runCommand('ip', 'address', 'add', `${hostAddress}/30`, 'dev', hostLink);
    runCommand('ip', 'link', 'set', hostLink, 'up');
    inside(network, 'ip', 'address', 'add', `${address}/30`, 'dev', innerLink);
    inside(network, 'ip', 'link', 'set', innerLink, 'up');
    inside(network, 'ip', 'link', 'set', 'lo', 'up');
    inside(network, 'ip', 'route', 'add', 'default', 'via', hostAddress);
    inside(network, 'sysctl', '-qw', 'net.ipv4.ip_forward=1');
  }
  if (!tryInside(network, 'ip', 'link', 'show', podBridge.name)) {
    // Without an address of its own it takes the lowest of its ports, another one whenever a pod comes or goes, and running pods lose their way out.
    inside(network, 'ip', 'link', 'add', podBridge.name, 'address', podBridge.mac, 'type', 'bridge');
    inside(network, 'ip', 'address', 'add', `${podBridge.address}/24`, 'dev', podBridge.name);
    inside(network, 'ip', 'link', 'set', podBridge.name, 'up');
  }
}

export function removeNetwork({ network }: Layout): void {
  if (!network) return;
  tryCommand('ip', 'link', 'delete', network.hostLink);
  tryCommand('ip', 'netns', 'delete', network.namespace);
}

function inside({ namespace }: Network, command: string, ...args: readonly string[]): string {
  const [first = '', ...rest] = inNamespace(namespace, command, args);
  return runCommand(first, ...rest);
}

function tryInside({ namespace }: Network, command: string, ...args: readonly string[]): boolean {
  const [first = '', ...rest] = inNamespace(namespace, command, args);
  return tryCommand(first, ...rest);
}
