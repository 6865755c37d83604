import { defineConfig } from 'vitest/config';

const measured = ['test/e2e/**/*.test.ts', 'test/lab/**/*.test.ts'];

export default defineConfig({
  test: {
    globalSetup: ['test/build-once.ts'],
    coverage: {
      provider: 'v8',
      include: ['src/**/*.ts'],
      exclude: ['src/cli.ts', 'src/index.ts'],
      reporter: ['text-summary', 'html'],
    },
    projects: [
      {
        extends: true,
        test: {
          name: 'parts',
          include: ['test/**/*.test.ts'],
          exclude: measured,
          sequence: { groupOrder: 0 },
        },
      },
      {
        // These measure time on the real kernel: one after the other, with the machine to themselves.
        extends: true,
        test: {
          name: 'measured',
          include: measured,
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
