/** What programs written for systemd say, from processes of theirs and from strangers. */
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Sign } from '../../src/core/guard/sign.js';
import type { Child } from '../../src/guard/child.js';
import { NotifyListener } from '../../src/guard/notify-listener.js';
import { kernel, lacks, openDescriptors, SOON_MS } from '../real-kernel.js';
import { refusalOf } from '../refusal.js';
import { until } from '../until.js';
import { freshFolder, openFamily, started } from './families.js';

/** Only the protocol, as a program has it that no library helps. */
const SAY = `
import os, socket, sys, time
def say(text):
    path = os.environ['NOTIFY_SOCKET']
    end = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    end.sendto(text.encode(), '\\0' + path[1:] if path[0] == '@' else path)
def stay():
    while True: time.sleep(60)
`;

describe.skipIf(lacks('pidfd'))('notifications', () => {
  it.each(['a path', 'an abstract address'])('are heard at %s, in their order', async (kind) => {
    const at = kind === 'a path' ? {} : { path: `@tcpalive-${randomUUID()}` };
    const { signs } = await heard(
      `say('READY=1\\nSTATUS=up'); say('WATCHDOG=1'); say('EXTEND_TIMEOUT_USEC=2000000'); say('WATCHDOG=trigger'); say('STOPPING=1'); stay()`,
      at,
    );
    await until(() => signs.length === 5, SOON_MS);
    expect(signs).toEqual([
      { kind: 'ready', by: 'systemd' },
      { kind: 'alive', by: 'systemd' },
      { kind: 'extend', ms: 2000 },
      { kind: 'failed', by: 'systemd', reason: 'it says so itself (WATCHDOG=trigger)' },
      { kind: 'stopping', by: 'systemd' },
    ]);
  });

  it("a child's count, but for its STOPPING: a version that was replaced may say that", async () => {
    const { signs, child } = await heard(
      `
if os.fork() == 0:
    os.setsid()
    say('STOPPING=1'); say('MAINPID=%d\\nREADY=1' % os.getpid()); say('WATCHDOG=1')
stay()`,
    );
    await until(() => signs.length === 3, SOON_MS);
    const [first] = signs;
    const pid = first?.kind === 'main-pid' ? first.pid : 0;
    expect(signs).toEqual([
      { kind: 'main-pid', pid },
      { kind: 'ready', by: 'systemd' },
      { kind: 'alive', by: 'systemd' },
    ]);
    expect(child.follow(pid)).toBe(true);
  });

  it("of who has handed over do not count any more, and its successor's do", async () => {
    const { signs } = await heard(`
ours, theirs = socket.socketpair()
child = os.fork()
if child == 0:
    say('MAINPID=%d' % os.getpid()); theirs.send(b'.'); theirs.recv(1); say('WATCHDOG=1'); stay()
ours.recv(1); say('WATCHDOG=trigger\\nWATCHDOG=1'); say('MAINPID=%d' % child); ours.send(b'.'); stay()`);
    await until(() => signs.length === 3, SOON_MS);
    expect(signs.map(({ kind }) => kind)).toEqual(['main-pid', 'main-pid', 'alive']);
  });

  it('its last words are heard before its end counts', async () => {
    const { signs, child } = await heard(`
child = os.fork()
if child == 0: stay()
say('MAINPID=%d' % child); os._exit(0)`);
    await until(() => signs.length === 1, SOON_MS);
    expect(signs).toEqual([{ kind: 'main-pid', pid: child.pid }]);
    expect(kernel.kinOf(child.pid)?.hasEnded).toBe(false);
  });

  it("a stranger's are refused and counted, and such as are none", async () => {
    const { signs, ear, path } = await heard(
      `say('nonsense'); say('X=' + 'x' * 5000); say('READY=1'); stay()`,
    );
    await until(() => signs.length === 1, SOON_MS);
    expect(ear.refused).toBe(2);
    await promisify(execFile)('python3', ['-c', `${SAY}say('WATCHDOG=1')`], {
      env: { ...process.env, NOTIFY_SOCKET: path },
    });
    await until(() => ear.refused === 3, SOON_MS);
    expect(signs).toEqual([{ kind: 'ready', by: 'systemd' }]);
  });

  it('are private to their user, wherever the folder is', async () => {
    const { path } = await heard('stay()');
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it('a flood of one lets the loop turn, and the others be heard', async () => {
    const family = openFamily();
    const flood = await heard(`while True: say('WATCHDOG=1')`, { family });
    const quiet = await heard(`say('READY=1'); stay()`, { family });
    await until(() => quiet.signs.length === 1, SOON_MS);
    await until(() => flood.signs.length > 1000, SOON_MS);
  });

  it('give everything back, and refuse an address that is taken', () => {
    const before = openDescriptors();
    const listener = new NotifyListener(kernel);
    const path = join(freshFolder(), 'notify');
    const at = { path, standingOf: () => 'main' as const };
    const signs: Sign[] = [];
    const ear = listener.open(at, (sign) => {
      signs.push(sign);
      ear.close();
    });
    expect(refusalOf(() => listener.open(at, () => undefined)).code).toBe('CANNOT_LISTEN');
    kernel.sendDatagram(path, Buffer.from('WATCHDOG=1\nWATCHDOG=1'));
    listener.drain();
    expect(signs).toHaveLength(1); // it was closed at the first
    expect(existsSync(path)).toBe(false);
    listener.open(at, () => undefined);
    listener.close();
    listener.close();
    expect(existsSync(path)).toBe(false);
    expect(openDescriptors()).toBe(before);
    expect(process.listenerCount('SIGURG')).toBe(0);
  });
});

interface Heard {
  readonly child: Child;
  readonly signs: readonly Sign[];
  readonly ear: { readonly refused: number };
  readonly path: string;
}

/** A service that is a Python program; a main process that it names is followed. */
async function heard(
  text: string,
  { path = join(freshFolder(), 'notify'), family = openFamily() } = {},
): Promise<Heard> {
  const listener = new NotifyListener(kernel);
  const signs: Sign[] = [];
  const service: { child?: Child } = {};
  const at = { path, standingOf: (pid: number) => service.child?.standingOf(pid) ?? 'stranger' };
  const ear = listener.open(at, (sign) => {
    signs.push(sign);
    if (sign.kind === 'main-pid') service.child?.follow(sign.pid);
  });
  onTestFinished(async () => {
    await service.child?.stop({ stopTimeoutMs: SOON_MS });
    listener.close();
  });
  const { child } = await started(family, 'python3', SAY + text, {
    variables: { ...process.env, NOTIFY_SOCKET: path },
    hearFirst: () => listener.drain(),
  });
  service.child = child;
  return { child, signs, ear, path };
}
