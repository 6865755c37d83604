/** The kernel that a test of real sockets runs on, and what may be skipped for want of it. */
import type { CapabilityName } from '../src/core/capabilities.js';
import type { DropEngine } from '../src/core/result.js';
import { openKernel } from '../src/kernel/open-kernel.js';
import { until } from './until.js';

export const kernel = await openKernel();

/** What takes milliseconds, on a machine ten times slower and busy with other tests. */
export const SOON_MS = 10_000;

/** For a whole test: more than any one wait in it. */
export const TEST_MS = 30_000;

/** Node counts its timers in whole milliseconds, of a clock that it reads once a turn. */
export const TIMER_EARLY_MS = 2;

/** To be awaited before a timer is to be measured: it counts from when the loop's turn began. */
export function newTurn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/** What a run of CI as root has and may not skip: a green test that skipped itself proves nothing. */
const mayNotSkip = process.env['CI'] !== undefined && process.getuid?.() === 0;

export function lacks(...names: readonly Exclude<CapabilityName, 'namespace'>[]): boolean {
  return !mayNotSkip && names.some((name) => !kernel.capabilities[name]);
}

const { socketFilter, minTtl } = kernel.capabilities;

/** The one that the program itself would take here. */
export const engine: DropEngine = socketFilter ? 'socket-filter' : 'min-ttl';

export const lacksEngine = !mayNotSkip && !socketFilter && !minTtl;

export const lacksDescriptorCount = !mayNotSkip && openDescriptors() === undefined;

/** Of this process. */
export function openDescriptors(): number | undefined {
  return kernel.openDescriptors(process.pid);
}

/** That `work` gives back every descriptor that it took, at once or soon. */
export async function givesDescriptorsBack(work: () => Promise<void>): Promise<void> {
  await until(() => connections() === 0, SOON_MS); // of an earlier test, that still say goodbye
  const before = openDescriptors();
  await work();
  await until(() => openDescriptors() === before, SOON_MS);
}

function connections(): number {
  return process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length;
}
