import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: { name: 'browser', root: import.meta.dirname, include: ['*.e2e.test.ts'], testTimeout: 180_000, hookTimeout: 30_000 },
});
