import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

const measured = ['test/e2e/**/*.test.ts', 'test/lab/**/*.test.ts'];

/** Thousands of sockets, whose namespaces the kernel still takes down when the test is over. */
const crowded = ['test/e2e/ask.test.ts', 'test/e2e/reap.test.ts', 'test/e2e/strangers.test.ts'];

/** These measure too, and wait for most of their time: three of them may share the machine. */
const waiting = [
  'test/e2e/reproduce.test.ts',
  'test/e2e/scenario.test.ts',
  'test/e2e/readme.test.ts',
  'test/e2e/dying.test.ts',
  'test/e2e/vanish.test.ts',
  'test/e2e/vanish-talk.test.ts',
];

/** These wait for servers more than they measure them: three of them may share the machine. */
const servers = [
  'test/e2e/protocols.test.ts',
  'test/e2e/real-servers.test.ts',
  'test/e2e/routed-network.test.ts',
  'test/e2e/tls.test.ts',
  'test/e2e/ls.test.ts',
  'test/e2e/no-way-out.test.ts',
  'test/e2e/nothing-left.test.ts',
  'test/e2e/protect.test.ts',
  'test/e2e/stranger.test.ts',
  'test/e2e/restart.test.ts',
  'test/e2e/guard.test.ts',
  'test/e2e/guardian.test.ts',
  'test/e2e/terminal.test.ts',
];

/** These take longest: whoever comes last keeps all others waiting. */
const first = [
  'e2e/reproduce',
  'e2e/restart',
  'e2e/ls',
  'e2e/guard',
  'e2e/strangers',
  'host/ask',
  'audit/idle-limit',
];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => {
      const at = first.findIndex((name) => moduleId.endsWith(`/${name}.test.ts`));
      return at === -1 ? first.length : at;
    };
    return (await super.sort(files)).toSorted((a, b) => rank(a) - rank(b));
  }
}

/** No socket, no process, no module that remembers: they need no worker each. */
const pure = ['test/core/**/*.test.ts', 'test/report/**/*.test.ts'];

/** These wait for minutes and do next to nothing: the parts are tested meanwhile. */
const long = ['test/e2e/idle-limit.test.ts'];

export default defineConfig({
  test: {
    globalSetup: ['test/build-once.ts'],
    sequence: { sequencer: LongestFirst },
    coverage: {
      provider: 'v8',
      include: ['src/**/*.ts'],
      exclude: ['src/start.ts', 'src/cli.ts', 'src/index.ts'],
      reporter: ['text-summary', 'html'],
    },
    projects: [
      {
        // Of one group the projects begin in the order of their names.
        extends: true,
        test: {
          name: 'long',
          include: long,
          maxWorkers: 5,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'parts',
          include: ['test/**/*.test.ts'],
          exclude: [...measured, ...pure],
          maxWorkers: 5,
          sequence: { groupOrder: 0 },
        },
      },
      {
        // Properties take as long as the machine takes for them.
        extends: true,
        test: {
          name: 'pure',
          include: pure,
          isolate: false,
          maxWorkers: 5,
          testTimeout: 60_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        // These measure time on the real kernel: one after the other, with the machine to themselves.
        extends: true,
        test: {
          name: 'measured',
          include: measured,
          exclude: [...crowded, ...long, ...servers, ...waiting],
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: 'waiting',
          include: waiting,
          maxWorkers: 3,
          testTimeout: 60_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 2 },
        },
      },
      {
        extends: true,
        test: {
          name: 'servers',
          include: servers,
          maxWorkers: 3,
          testTimeout: 60_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 3 },
        },
      },
      {
        // What these leave to the kernel delays the segments of whoever measures after them.
        extends: true,
        test: {
          name: 'crowded',
          include: crowded,
          testTimeout: 60_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 4 },
        },
      },
    ],
  },
});
