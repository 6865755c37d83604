/** What a guardian has one of: the family of all that it starts, the sockets that it listens at, a sentinel. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatDuration } from '../core/duration.js';
import type { GuardConfig } from '../core/guard/service-config.js';
import { TcpaliveError } from '../errors.js';
import { startBeatsListener } from '../guard/beats-listener.js';
import { Family } from '../guard/family.js';
import { NotifyListener } from '../guard/notify-listener.js';
import { keepSentinel, waitForSentinels } from '../guard/sentinel.js';
import type { Tools } from '../guard/service-hands.js';
import type { Kernel } from '../kernel/kernel.js';
import { openKernel } from '../kernel/open-kernel.js';
import type { Environment } from './environment.js';
import type { GuardOutput } from './guard-output.js';

export interface GuardTools {
  readonly tools: Omit<Tools, 'interruption' | 'ownsStdout'>;
  /** Another configuration. */
  expect(config: GuardConfig): void;
  /** Nothing of a guardian that was killed is about to end any more, or it is interrupted. */
  othersHaveEnded(interruption: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

/** @throws TcpaliveError NO_CAPABILITY, CANNOT_LISTEN */
export async function ownGuardTools(
  env: Environment,
  output: GuardOutput,
  config: GuardConfig,
  plan: Pick<Tools, 'speechFor' | 'certificatesFor'>,
): Promise<GuardTools> {
  const kernel = await openKernel();
  const folder = await ownFolder(env);
  const { family, notify, beats } = await listenIn(folder, kernel, env, output).catch(
    async (error: unknown) => {
      await rm(folder, { recursive: true, force: true });
      throw error;
    },
  );
  let stopTimeoutMs = longestStop(config);
  const sentinel = keepSentinel(family, {
    command: [
      process.execPath,
      env.bin,
      'guard-sentinel',
      family.token,
      formatDuration(stopTimeoutMs),
      folder,
    ],
    onLost: (reason) => output.warn(`the sentinel is started again: ${reason}`),
  });
  return {
    tools: { kernel, family, beats, notify, folder, variables: env.variables, ...plan },
    expect(next) {
      // Also for those that the one before had, which may still be ending.
      stopTimeoutMs = Math.max(stopTimeoutMs, longestStop(next));
      sentinel.grant(stopTimeoutMs);
    },
    othersHaveEnded: (interruption) =>
      waitForSentinels(kernel, interruption, (pids) =>
        output.warn(
          `waits for what a guardian that was killed has left (its sentinel: ${pids.join(', ')})`,
        ),
      ),
    async close() {
      await sentinel.close();
      await beats.close();
      notify.close();
      family.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function ownFolder(env: Environment): Promise<string> {
  const named = env.variables['XDG_RUNTIME_DIR'] ?? '';
  const runtime = named === '' ? tmpdir() : named;
  return mkdtemp(join(runtime, 'tcpalive-notify-')).catch((cause: unknown) => {
    const { code = '' } = cause as NodeJS.ErrnoException;
    throw new TcpaliveError('CANNOT_LISTEN', `no folder for sockets in ${runtime}: ${code}`, {
      hint: 'XDG_RUNTIME_DIR, or else TMPDIR, names a folder that this user may write to',
      cause,
    });
  });
}

async function listenIn(folder: string, kernel: Kernel, env: Environment, output: GuardOutput) {
  const family = new Family(kernel, env.variables);
  const notify = new NotifyListener(kernel);
  try {
    const beats = await startBeatsListener({ folder }, (cause) =>
      output.print({ event: 'stranger', reason: STRANGERS[cause] }),
    );
    return { family, notify, beats };
  } catch (error) {
    notify.close();
    family.close();
    throw error;
  }
}

function longestStop({ services }: GuardConfig): number {
  return Math.max(...services.map((each) => each.stopTimeoutMs));
}

const STRANGERS = {
  token: 'who said it is a service had no token of one',
  words: 'who said it is a service spoke another protocol',
  connections: 'more connections than a service has',
} as const;
