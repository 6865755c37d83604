/** What a guardian does to real processes: none of theirs is left, and nobody else's is touched. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { addMs } from '../../src/core/time.js';
import { diagnose } from '../../src/guard/before-kill.js';
import type { Family } from '../../src/guard/family.js';
import { monotonicNow } from '../../src/kernel/clock.js';
import { KernelRefusal } from '../../src/kernel/kernel.js';
import type { HeldProcess } from '../../src/kernel/process-view.js';
import { kernel, lacks, SOON_MS, TEST_MS } from '../real-kernel.js';
import { until } from '../until.js';
import { carrying, freshFolder, isLiving, openFamily, started } from './families.js';

/** For a rung of the ladder that nothing is to climb up to. */
const LONG_MS = 60_000;

/** For a rung that is left when it is over. */
const SHORT_MS = 200;

describe.skipIf(lacks('pidfd'))('the start of a child', () => {
  it('tells how it ended, and when', async () => {
    const family = openFamily();
    const { child } = await started(family, 'sh', 'exit 3');
    expect(await child.exited).toMatchObject({ code: 3, signal: null });
    const killed = await started(family, 'sh', 'kill -SEGV $$');
    expect(await killed.child.exited).toMatchObject({ code: null, signal: 'SIGSEGV' });
    for (const each of [child, killed.child]) {
      expect(await each.stop({ stopTimeoutMs: LONG_MS })).toMatchObject({ by: 'already' });
    }
  });

  it('gives it a session, a folder, a marker and descriptors of its own', async () => {
    const family = openFamily();
    const cwd = freshFolder();
    const file = join(cwd, 'printed');
    const fd = openSync(file, 'w');
    const { child, said } = await started(family, 'sh', `pwd >&3; ${HOLD}`, {
      cwd,
      descriptors: [fd],
    });
    closeSync(fd);
    expect(await said()).toEqual([child.pid]);
    expect(readFileSync(file, 'utf8')).toBe(`${cwd}\n`);
    expect(kernel.kinOf(child.pid)).toMatchObject({ sessionId: child.pid, groupId: child.pid });
    expect(carrying(family.token)).toContain(child.pid);
    await child.stop({ stopTimeoutMs: LONG_MS });
  });

  it('that fails is a value: it names what is missing', async () => {
    const family = openFamily();
    const script = join(freshFolder(), 'script');
    writeFileSync(script, '#!/bin/sh\n');
    chmodSync(script, 0o644);
    const orphan = join(freshFolder(), 'orphan');
    writeFileSync(orphan, '#!/nowhere/sh\n', { mode: 0o755 });
    const failing = [
      family.start({ command: [orphan], variables: {} }),
      family.start({ command: ['/nowhere/prog'], variables: {} }),
      family.start({ command: [script], variables: {} }),
      family.start({ command: ['true'], cwd: '/nowhere', variables: process.env }),
      family.start({ command: ['true', 'x'.repeat(4_000_000)], variables: process.env }),
    ];
    expect(await Promise.all(failing)).toEqual([
      {
        kind: 'failed',
        code: 'ENOENT',
        reason: `${orphan} is there, but not the interpreter that its first line (#!) or its header names`,
      },
      { kind: 'failed', code: 'ENOENT', reason: '/nowhere/prog is not there' },
      { kind: 'failed', code: 'EACCES', reason: `${script} may not be executed` },
      { kind: 'failed', code: 'ENOENT', reason: 'the folder /nowhere is not there' },
      {
        kind: 'failed',
        code: 'E2BIG',
        reason: 'true cannot be started: spawn E2BIG',
      },
    ]);
  });
});

describe.skipIf(lacks('pidfd'))('the end of a child', () => {
  it('is its own where it hears SIGTERM, all that it has started included', async () => {
    const family = openFamily();
    const { child, said } = await started(
      family,
      'sh',
      'sleep 60 & sleep 60 & echo $! > $SAID; wait',
    );
    await said();
    await until(() => carrying(family.token).length === 3, SOON_MS);
    const stopped = await child.stop({ stopTimeoutMs: LONG_MS });
    expect(stopped).toMatchObject({ by: 'TERM', named: [], beforeKillFailed: undefined });
    expect(await child.exited).toMatchObject({ signal: 'SIGTERM' });
    expect(await child.stop({ stopTimeoutMs: 1 })).toBe(stopped);
  });

  it('comes after the stop timeout where it ignores SIGTERM', async () => {
    const family = openFamily();
    const { child, said } = await started(family, 'sh', `trap '' TERM; ${HOLD}`);
    await said();
    const stopped = await child.stop({ stopTimeoutMs: SHORT_MS });
    expect(stopped).toMatchObject({ by: 'KILL', named: [] });
    expect(stopped.tookMs).toBeGreaterThanOrEqual(SHORT_MS);
    expect(await child.exited).toMatchObject({ signal: 'SIGKILL' });
  });

  it('comes when the extension that it asked for is over', async () => {
    const family = openFamily();
    const { child, said } = await started(family, 'sh', `trap '' TERM; ${HOLD}`);
    await said();
    const extended = addMs(monotonicNow(), 3 * SHORT_MS);
    const stopped = await child.stop({ stopTimeoutMs: 1, extendedTo: () => extended });
    expect(stopped.by).toBe('KILL');
    expect(monotonicNow()).toBeGreaterThanOrEqual(extended);
  });

  it('does not wait for SIGKILL where it is stopped: it hears SIGTERM when it goes on', async () => {
    const family = openFamily();
    const { child, said } = await started(family, 'sh', `trap 'exit 5' TERM; ${HOLD}`);
    await said();
    process.kill(child.pid, 'SIGSTOP');
    expect(await child.stop({ stopTimeoutMs: LONG_MS })).toMatchObject({ by: 'TERM' });
    expect(await child.exited).toMatchObject({ code: 5 });
  });

  it(
    'that is refused is tried again when it is asked for again',
    async () => {
      let isRefused = true;
      const asked = <T>(send: () => T) => {
        if (isRefused) throw new KernelRefusal('pidfd_send_signal', constants.errno.EPERM);
        return send();
      };
      const hold = kernel.holdProcess.bind(kernel);
      const spy = vi.spyOn(kernel, 'holdProcess').mockImplementation((pid) => {
        const held = hold(pid);
        return (
          held && {
            ...held,
            signal: (name) => asked(() => held.signal(name)),
            signalGroup: (name) => asked(() => held.signalGroup(name)),
          }
        );
      });
      onTestFinished(() => spy.mockRestore());
      const family = openFamily();
      const { child, said } = await started(family, 'sh', 'echo $$ > $SAID; exec sleep 60');
      await said();
      const refused = await child.stop({ stopTimeoutMs: SHORT_MS });
      expect(refused).toMatchObject({ by: 'KILL', named: [{ pid: child.pid }] });
      expect(isLiving(child.pid)).toBe(true);
      isRefused = false;
      expect(await child.stop({ stopTimeoutMs: LONG_MS })).toMatchObject({ by: 'TERM', named: [] });
    },
    TEST_MS,
  );

  it('one SIGTERM is all that it gets', async () => {
    const family = openFamily();
    const { child, said } = await started(
      family,
      'python3',
      `
import os, signal, time
def heard(number, frame): say(1)
def say(value):
    with open(os.environ['SAID'], 'a') as file: file.write(f'{value}\\n')
signal.signal(signal.SIGTERM, heard)
say(0)
while True: time.sleep(1)
`,
    );
    await said();
    await child.stop({ stopTimeoutMs: SHORT_MS });
    expect(await said(2)).toEqual([0, 1]);
  });

  it.each([
    ['in another session', 'setsid sleep 60 & echo $! > $SAID; wait'],
    ['twice forked', '(setsid sh -c "sleep 60 & echo \\$! > $SAID") & sleep 60'],
    [
      'twice forked, with an empty environment',
      '(setsid env -i /bin/sh -c "sleep 60 & echo \\$! > $SAID") & sleep 60',
    ],
    [
      'deaf, and left behind',
      '(setsid sh -c "trap \'\' TERM; sleep 60 & echo \\$! > $SAID; wait") & exit 0',
    ],
  ])('reaches a grandchild %s', async (_, text) => {
    const family = openFamily();
    const { child, said } = await started(family, 'sh', text);
    const [grandchild = 0] = await said();
    expect(isLiving(grandchild)).toBe(true);
    expect(child.standingOf(grandchild)).toBe('descendant');
    expect(await child.stop({ stopTimeoutMs: 1000 })).toMatchObject({ named: [] });
    expect(isLiving(grandchild)).toBe(false);
  });

  it('leaves the other services alone, theirs as well', async () => {
    const family = openFamily();
    const text = '(setsid sh -c "sleep 60 & echo \\$! > $SAID") & sleep 60';
    const [one, other] = await Promise.all([
      started(family, 'sh', text),
      started(family, 'sh', text),
    ]);
    const [ofOne = 0] = await one.said();
    const [ofOther = 0] = await other.said();
    expect(one.child.standingOf(ofOther)).toBe('stranger');
    expect(one.child.standingOf(process.pid)).toBe('stranger');
    await one.child.stop({ stopTimeoutMs: LONG_MS });
    expect([ofOne, ofOther].map(isLiving)).toEqual([false, true]);
    expect(isLiving(other.child.pid)).toBe(true);
    await other.child.stop({ stopTimeoutMs: LONG_MS });
  });

  it('reaches all of a family that never stops forking', async () => {
    const family = openFamily();
    const { child, said } = await started(
      family,
      'python3',
      `
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
open(os.environ['SAID'], 'w').write('1\\n')
while True:
    if os.fork() > 0:
        time.sleep(0.02)
        os._exit(0)
`,
    );
    await said();
    expect(await child.stop({ stopTimeoutMs: SHORT_MS })).toMatchObject({ by: 'KILL', named: [] });
  });
});

describe.skipIf(lacks('pidfd'))('before the kill', () => {
  it('a command looks at what hangs, which is still there', async () => {
    const family = openFamily();
    const { child, said } = await started(family, 'sh', HOLD);
    const [pid] = await said();
    const seen = join(freshFolder(), 'seen');
    const command = ['sh', '-c', 'cat /proc/$TCPALIVE_GUARD_PID/comm > $0', seen];
    const stopped = await child.stop({
      stopTimeoutMs: LONG_MS,
      beforeKill: { kind: 'command', command, timeoutMs: SOON_MS },
    });
    expect(pid).toBe(child.pid);
    expect(stopped).toMatchObject({ by: 'TERM', beforeKillFailed: undefined });
    expect(kernel.processIds()).not.toContain(pid);
  });

  it.each([
    [['sh', '-c', 'exit 4'], 'ended with exit 4'],
    [['/nowhere/jstack'], 'spawn /nowhere/jstack ENOENT'],
    [['sh', '-c', 'sleep 60 & wait'], `not done within ${SHORT_MS} ms, and killed`],
  ])('%j that fails holds nothing up', async (command, reason) => {
    const family = openFamily();
    const { child, said } = await started(family, 'sh', HOLD);
    await said();
    const beforeKill = { kind: 'command', command, timeoutMs: SHORT_MS } as const;
    const stopped = await child.stop({ stopTimeoutMs: LONG_MS, beforeKill });
    expect(stopped).toMatchObject({ by: 'TERM', named: [], beforeKillFailed: reason });
  });

  it('a signal lets it write what it writes then, also when it is stopped', async () => {
    const family = openFamily();
    const { child, said } = await started(family, 'sh', `trap 'echo 7 >> $SAID' QUIT; ${HOLD}`);
    await said();
    process.kill(child.pid, 'SIGSTOP');
    const beforeKill = { kind: 'signal', signal: 'SIGQUIT', timeoutMs: 500 } as const;
    await child.stop({ stopTimeoutMs: LONG_MS, beforeKill });
    expect(await said(2)).toEqual([child.pid, 7]);
  });

  it('a signal that is refused is told, and no reason to throw', async () => {
    const held: HeldProcess = {
      hasEnded: () => false,
      signal: () => {
        throw new KernelRefusal('pidfd_send_signal', constants.errno.EPERM);
      },
      signalGroup: () => false,
      release: () => undefined,
    };
    const how = { kind: 'signal', signal: 'SIGQUIT', timeoutMs: LONG_MS } as const;
    const told = await diagnose(openFamily(), { pid: process.pid, held }, 'a/1', how);
    expect(told).toBe('pidfd_send_signal: EPERM');
  });
});

describe.skipIf(lacks('pidfd'))('a service that replaces itself', () => {
  it('is followed: its successor is the main process, and how that ended is told', async () => {
    const family = openFamily();
    const { child, said, go } = await replacing(family);
    const first = child.pid;
    const [successor = 0] = await said();
    expect(child.follow(successor)).toBe(true);
    expect(child.standingOf(successor)).toBe('main');
    expect(child.standingOf(first)).toBe('former');
    go('first');
    await until(() => !isLiving(first), SOON_MS);
    expect(child.pid).toBe(successor);
    go('successor');
    expect(await child.exited).toMatchObject({ code: 9, signal: null });
    expect(child.follow(successor)).toBe(false);
    expect(await child.stop({ stopTimeoutMs: LONG_MS })).toMatchObject({ by: 'already' });
  });

  it('names its successor with its last words', async () => {
    const family = openFamily();
    let successor = 0;
    const { child, said, go } = await replacing(family, () => void child.follow(successor));
    const first = child.pid;
    [successor = 0] = await said();
    go('first');
    await until(() => child.pid === successor, SOON_MS);
    expect(isLiving(first)).toBe(false);
    expect(await child.stop({ stopTimeoutMs: LONG_MS })).toMatchObject({ by: 'TERM' });
    expect(await child.exited).toMatchObject({ signal: 'SIGTERM' });
  });

  it('ends with both where it is stopped in between', async () => {
    const family = openFamily();
    const { child, said } = await replacing(family);
    const [successor = 0] = await said();
    const first = child.pid;
    child.follow(successor);
    await child.stop({ stopTimeoutMs: LONG_MS });
    expect([first, successor].map(isLiving)).toEqual([false, false]);
  });

  it('follows nobody who is no descendant', async () => {
    const family = openFamily();
    const stranger = spawn('sleep', ['60'], { stdio: 'ignore' });
    onTestFinished(() => void stranger.kill('SIGKILL'));
    await once(stranger, 'spawn');
    const { child, said } = await started(family, 'sh', HOLD);
    await said();
    for (const pid of [stranger.pid ?? 0, process.pid, process.ppid, 1, 4_194_305]) {
      expect(child.follow(pid)).toBe(false);
    }
    expect(child.follow(child.pid)).toBe(true);
    await child.stop({ stopTimeoutMs: LONG_MS });
  });
});

describe.skipIf(lacks('pidfd'))('what has no parent any more', () => {
  it(
    'is reaped, in any number, and Node goes on to reap its own',
    async () => {
      const family = openFamily();
      const { child, said } = await started(
        family,
        'sh',
        'i=0; while [ $i -lt 200 ]; do (setsid sh -c "sleep 0.01 & exit 0" &); i=$((i+1)); done; echo 1 > $SAID; sleep 60',
      );
      const own = spawn('sh', ['-c', 'exit 6']);
      const [code] = (await once(own, 'exit')) as [number];
      expect(code).toBe(6);
      await said();
      await until(() => zombies(family).length === 0, SOON_MS);
      await child.stop({ stopTimeoutMs: LONG_MS });
    },
    TEST_MS,
  );
});

/** It says its successor's number; each of both ends when it may go, the successor with 9. */
async function replacing(family: Family, hearFirst?: () => void) {
  const folder = freshFolder();
  const until = (who: string) => `while [ ! -e ${folder}/${who} ]; do sleep 0.02; done`;
  const successor = `${until('successor')}; exit 9`;
  const text = `(${successor}) & echo $! > $SAID; ${until('first')}`;
  const options = hearFirst === undefined ? {} : { hearFirst };
  const running = await started(family, 'sh', text, options);
  return { ...running, go: (who: 'first' | 'successor') => writeFileSync(join(folder, who), '') };
}

/** Says its number and stays, a shell all the while. */
const HOLD = 'echo $$ > $SAID; while :; do sleep 0.05; done';

function zombies({ kernel }: Family): readonly number[] {
  return kernel.children().filter((pid) => kernel.kinOf(pid)?.hasEnded);
}
