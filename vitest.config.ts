import { defineConfig } from 'vitest/config';

const nowhere = ['**/node_modules/**', '**/dist/**'];

/** One project per kind of test; which kinds `npm test` runs is decided in tools/test.ts. */
export default defineConfig({
  test: {
    passWithNoTests: false,
    projects: [
      {
        test: {
          name: 'rule',
          include: ['{contracts,dev,libs,services,tools,tests}/**/*.test.ts'],
          exclude: [...nowhere, '**/*.{db,kube,e2e,chaos}.test.ts', 'tests/agents/**', 'tests/github-conformance/**'],
          testTimeout: 20_000,
          hookTimeout: 60_000,
          isolate: false, // starting a process per file took as long as the tests
        },
      },
      {
        test: {
          name: 'db',
          include: ['{libs,services}/**/*.db.test.ts'],
          exclude: nowhere,
          globalSetup: ['libs/testkit/src/global-database.ts'],
          testTimeout: 30_000,
          hookTimeout: 120_000,
          isolate: false,
          maxWorkers: 2,
        },
      },
      {
        extends: 'services/staff/web-console/vite.config.ts',
        test: { name: 'web', root: 'services/staff/web-console', include: ['src/**/*.spec.ts'], environment: 'happy-dom' },
      },
      {
        test: {
          name: 'e2e',
          include: ['tests/e2e/**/*.e2e.test.ts'],
          exclude: nowhere,
          testTimeout: 180_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'kube',
          include: ['{dev,libs,services,tests}/**/*.kube.test.ts'],
          exclude: nowhere,
          globalSetup: ['dev/cluster/src/test-cluster.ts'],
          testTimeout: 600_000, // the first start builds Kubernetes
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'chaos',
          include: ['tests/e2e/**/*.chaos.test.ts'],
          exclude: nowhere,
          testTimeout: 900_000,
        },
      },
    ],
  },
});
