import { randomUUID } from 'node:crypto';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Kernel } from '../../src/kernel/kernel.js';
import { portableKernel } from '../../src/kernel/portable.js';
import { announcerFor } from '../../src/net/announcer.js';
import { kernel, lacks, SOON_MS } from '../real-kernel.js';
import { until } from '../until.js';

describe.skipIf(lacks('pidfd'))('what a supervisor is told', () => {
  it('that we serve and live, and that we stop', async () => {
    const { address, heard } = supervisor();
    const announcer = announcing({ NOTIFY_SOCKET: address, WATCHDOG_USEC: '20000' });
    announcer.ready({ isSuccessor: false });
    await until(() => heard().length >= 3, SOON_MS);
    announcer.stopping();
    announcer.close();
    const [first, ...others] = heard();
    expect(first).toBe('READY=1\nWATCHDOG=1');
    expect(others.at(-1)).toBe('STOPPING=1');
    expect(new Set(others.slice(0, -1))).toEqual(new Set(['WATCHDOG=1']));
  });

  it('who is the main process, by both, and then nothing more by the old one', () => {
    const { address, heard } = supervisor();
    const old = announcing({ NOTIFY_SOCKET: address });
    old.ready({ isSuccessor: false });
    old.replacedBy(4711);
    announcing({ NOTIFY_SOCKET: address }).ready({ isSuccessor: true });
    expect(heard()).toEqual(['READY=1', 'MAINPID=4711', `READY=1\nMAINPID=${process.pid}`]);
  });
});

describe.skipIf(lacks('pidfd'))('a supervisor that cannot be told', () => {
  it.each([
    ['it is gone', kernel, /^@\S+ \(NOTIFY_SOCKET\) is not told: sendto: ECONNREFUSED$/],
    ['this machine cannot', portableKernel, /is not told: a datagram socket cannot be had here/],
  ] as const)('because %s: said once, and nothing ends', (_, through, reason) => {
    const reasons: string[] = [];
    const variables = { NOTIFY_SOCKET: `@tcpalive-${randomUUID()}` };
    const announcer = announcing(variables, through, (each) => reasons.push(each));
    announcer.ready({ isSuccessor: false });
    announcer.stopping();
    expect(reasons).toEqual([expect.stringMatching(reason)]);
  });

  it('and where there is none, nothing is tried', () => {
    const reasons: string[] = [];
    const announcer = announcing({}, portableKernel, (each) => reasons.push(each));
    announcer.ready({ isSuccessor: true });
    announcer.replacedBy(1);
    announcer.stopping();
    announcer.close();
    expect(reasons).toEqual([]);
  });
});

function announcing(
  variables: Readonly<Record<string, string>>,
  through: Kernel = kernel,
  onUnheard: (reason: string) => void = () => undefined,
) {
  const announcer = announcerFor(through, variables, onUnheard);
  onTestFinished(() => announcer.close());
  return announcer;
}

function supervisor() {
  const address = `@tcpalive-${randomUUID()}`;
  const datagrams = kernel.receiveDatagrams(address);
  onTestFinished(() => datagrams.close());
  const all: string[] = [];
  return {
    address,
    heard: () => {
      for (let each = datagrams.receive(); each; each = datagrams.receive()) {
        all.push(each.bytes?.toString() ?? '');
      }
      return all;
    },
  };
}
