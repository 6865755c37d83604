import { rm } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { parseDuration } from '../core/duration.js';
import { endFamily } from '../guard/sentinel.js';
import { openKernel } from '../kernel/open-kernel.js';
import type { Environment } from './environment.js';

/** Its only order is the end of its input: a supervisor that ends all of a unit tells it too. */
const DEAF_TO = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** What a guardian leaves that is killed. */
interface GuardRemains {
  readonly token: string;
  /** Until the guardian says otherwise. */
  readonly stopTimeoutMs: number;
  /** Undefined: none. */
  readonly folder: string | undefined;
}

export async function runGuardSentinel(
  env: Environment,
  { token, stopTimeoutMs, folder }: GuardRemains,
): Promise<void> {
  for (const signal of DEAF_TO) process.on(signal, () => undefined);
  // Loaded while there is time: what ends the guardian may leave none.
  const kernel = await openKernel();
  let grantedMs = stopTimeoutMs;
  for await (const line of createInterface({ input: process.stdin })) {
    grantedMs = parseDuration(line);
  }
  const { named } = await endFamily(kernel, token, grantedMs);
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  env.setExitCode(named.length === 0 ? 0 : 1);
}
