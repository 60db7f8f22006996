import { parseArgs } from 'node:util';
import { ClusterError } from './cluster-error.ts';
import { down, status, up } from './cluster.ts';
import { listClusters } from './layout.ts';
import { rungs, type Rung } from './versions.ts';

const help = `A real Kubernetes for tests, without Docker.

  npm run cluster -- up      start a cluster, or bring it back up; prints its kubeconfig
  npm run cluster -- status  what runs
  npm run cluster -- down    stop it and remove everything of it
  npm run cluster -- list    names of the clusters on this machine

  --rung R   api        the API server alone
             simulated  and nodes that only say they run pods (default)
             node       and one real node: containerd, kubelet, network, DNS, a registry, volumes; needs root
  --name N   one of several clusters (default: dev)
  --nodes N  simulated nodes (default 5)
  --json     print one JSON object
`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rung: { type: 'string', default: 'simulated' },
    name: { type: 'string', default: 'dev' },
    nodes: { type: 'string', default: '5' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

function isRung(text: string): text is Rung {
  return (rungs as readonly string[]).includes(text);
}

async function run(command: string | undefined): Promise<object> {
  const { name, rung } = values;
  switch (command) {
    case 'up': {
      const simulatedNodes = Number(values.nodes);
      if (!isRung(rung)) throw new ClusterError(`There is no rung ${rung}.`, `Take one of ${rungs.join(', ')}.`);
      if (!Number.isInteger(simulatedNodes) || simulatedNodes < 0 || simulatedNodes > 200)
        throw new ClusterError('--nodes is a whole number up to 200.', 'Each simulated node takes 1000 pods.');
      return up({ name, rung, simulatedNodes, log: (line) => console.error(line) });
    }
    case 'down':
      return down(name);
    case 'status':
      return status(name);
    case 'list':
      return { clusters: listClusters() };
    case undefined:
    default:
      throw new ClusterError(`There is no command ${command ?? ''}.`, 'See --help.');
  }
}

if (values.help) {
  console.log(help);
} else {
  try {
    const answer = await run(positionals[0]);
    console.log(JSON.stringify(answer, undefined, values.json ? undefined : 2));
  } catch (error) {
    if (!(error instanceof ClusterError)) throw error;
    console.error(values.json ? JSON.stringify({ message: error.message, remedy: error.remedy }) : `${error.message}\n${error.remedy}`);
    process.exitCode = 1;
  }
}
