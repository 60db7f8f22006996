/**
 * The architecture as rules: services -> libs/{store,kube,github,http,mcp,runtime} -> libs/domain -> nothing.
 * tests/architecture/dependency-rules.test.ts plants one violation per rule and expects each to be reported.
 */
const never = (name, from, to) => ({ name, severity: 'error', from: { path: from }, to });
const only = (name, path, allowed) => ({
  name,
  severity: 'error',
  from: { path: '^(libs|services)/', pathNot: allowed },
  to: { path },
});

/** The trial's composition root starts every service in one process, so it alone may see them (docs/adr). */
const allInOne = '^services/dev/all-in-one/';
const tests = '[.]test[.]ts$|[.]spec[.]ts$|/src/testing/|/test-support[.]ts$';

export default {
  forbidden: [
    never('no-cycles', '^(?!contracts/gen/)', { circular: true }),
    never('everything-resolves', '.', { couldNotResolve: true, pathNot: '[?]worker$' }),
    never('libs-know-no-service', '^libs/', { path: '^services/' }),
    {
      name: 'services-are-islands',
      severity: 'error',
      from: { path: '^services/([^/]+/[^/]+)/', pathNot: allInOne },
      to: { path: '^services/', pathNot: '^services/$1/' },
    },
    never('domain-is-pure', '^libs/domain/(?!.*[.]test[.]ts$)', { pathNot: '^libs/domain/' }),
    never('adapters-do-not-meet', '^libs/(store|kube|github)/', {
      path: '^libs/(store|kube|github|http|mcp)/',
      pathNot: '^libs/$1/',
    }),
    {
      name: 'edge-holds-no-state',
      severity: 'error',
      from: { path: '^services/(external|staff|dev|jobs/agent-runner)/', pathNot: allInOne },
      to: { path: '^libs/(store|kube)/' },
    },
    {
      name: 'entrances-go-through-app',
      severity: 'error',
      from: { path: '^services/[^/]+/[^/]+/src/(http|mcp)/', pathNot: tests },
      to: { path: '^libs/(store|kube|github)/' },
    },
    never('app-knows-no-transport', '^services/[^/]+/[^/]+/src/app/', { path: '/src/(http|mcp)/|node_modules/fastify/' }),
    only('sql-lives-in-store', 'node_modules/(pg|kysely|@electric-sql)/', '^libs/(store|testkit)/|[.]test[.]ts$'),
    only('kubernetes-lives-in-kube', 'node_modules/@kubernetes/', '^libs/(kube|testkit)/'),
    only('github-lives-in-github', 'node_modules/@octokit/', '^libs/(github|testkit)/|[.]test[.]ts$'),
    {
      name: 'tests-stay-out-of-production',
      severity: 'error',
      from: { path: '^(libs|services)/', pathNot: `^libs/testkit/|${tests}` },
      to: { path: '^(libs/testkit|tests)/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^services/.*/dist/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default'],
      extensions: ['.ts', '.js', '.mjs', '.json', '.vue'],
    },
    moduleSystems: ['es6', 'cjs'],
  },
};
