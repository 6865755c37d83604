/** In which network namespace it is looked, and for how long. On the real kernel: kernel/linux/ways-out.test.ts. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Connection } from '../../src/core/survey.js';
import { settledWaysOut, waysOut, whyUnheard } from '../../src/host/ways-out.js';
import { KernelRefusal, type Kernel } from '../../src/kernel/kernel.js';
import { portableKernel } from '../../src/kernel/portable.js';
import type { WayOut } from '../../src/kernel/socket-view.js';
import { quiet } from '../core/connections.js';

const EPERM = 1;
const OPEN: WayOut = { kind: 'open', link: '2 1' };
const UNSETTLED: WayOut = { kind: 'unsettled', link: '2 1' };
const OWN = 'net:[1]';
const OTHER = 'net:[2]';

const at = (namespace: string, pid: number): Connection => ({
  ...quiet,
  namespace,
  process: { pid, name: 'holder', fd: 3 },
});

/** Of a process 7 in the other namespace, and of all others in our own. */
function kernelWith(waysFrom: (path: string) => WayOut, mayEnter = true): Kernel {
  let there = '/own';
  return {
    ...portableKernel,
    networkNamespace: (pid) =>
      pid === 7 ? { id: OTHER, path: '/other' } : { id: OWN, path: '/own' },
    namedNetworkNamespaces: () => new Map(),
    processIds: () => [7],
    inNetworkNamespace(path, work) {
      if (!mayEnter) throw new KernelRefusal('setns', EPERM);
      there = path;
      try {
        return work();
      } finally {
        there = '/own';
      }
    },
    waysOut: (connections) => connections.map(() => waysFrom(there)),
  };
}

describe('waysOut', () => {
  const [here, there] = [at(OWN, 6), at(OTHER, 7)];
  const shut: WayOut = { kind: 'shut', link: null, reason: 'eth0 is down' };

  it('looks at each connection where it is', () => {
    const ways = waysOut(
      kernelWith((path) => (path === '/other' ? shut : OPEN)),
      [here, there],
    );
    expect([ways.get(here), ways.get(there)]).toEqual([OPEN, shut]);
  });

  it('knows of none that it may not enter', () => {
    const ways = waysOut(
      kernelWith(() => OPEN, false),
      [here, there],
    );
    expect(ways.get(here)).toEqual(OPEN);
    expect(whyUnheard(OPEN, ways.get(there))).toMatch(/is not known$/);
  });
});

describe('settledWaysOut', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'hrtime'] }));
  afterEach(() => void vi.useRealTimers());

  /** Undefined: not yet. */
  const settled = async (waysFrom: () => WayOut, ms: number) => {
    const connection = at(OWN, 6);
    const { signal } = new AbortController();
    let found: WayOut | undefined;
    void settledWaysOut(kernelWith(waysFrom), [connection], signal).then((ways) => {
      found = ways.get(connection);
    });
    await vi.advanceTimersByTimeAsync(ms);
    return found;
  };

  it('looks until the router has answered', async () => {
    const ways = [UNSETTLED, UNSETTLED, OPEN];
    expect(await settled(() => ways.shift() ?? UNSETTLED, 1000)).toEqual(OPEN);
  });

  it('waits no longer than a router is asked', async () => {
    expect(await settled(() => UNSETTLED, 9000)).toBeUndefined();
    expect(await settled(() => UNSETTLED, 11_000)).toEqual(UNSETTLED);
  });
});

describe('whyUnheard', () => {
  it.each([
    [OPEN, OPEN, undefined],
    [UNSETTLED, OPEN, undefined],
    [OPEN, UNSETTLED, 'its router has yet to answer'],
    [OPEN, { ...OPEN, link: '2 2' }, 'its way out was another one meanwhile'],
    [{ kind: 'shut', link: '2 1', reason: 'the router is silent' }, OPEN, 'the router is silent'],
    [OPEN, { kind: 'shut', link: '2 1', reason: 'the router is silent' }, 'the router is silent'],
  ] as const)('%j, then %j: %s', (before, after, why) => {
    expect(whyUnheard(before, after)).toBe(why);
  });
});
