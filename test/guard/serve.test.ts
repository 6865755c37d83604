/** `serve` as a guarded service, which replaces itself: the guardian follows it. */
import { connect } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Sign } from '../../src/core/guard/sign.js';
import type { Child } from '../../src/guard/child.js';
import { NotifyListener } from '../../src/guard/notify-listener.js';
import { freePort } from '../free-port.js';
import { install } from '../e2e/program.js';
import { kernel, lacks, SOON_MS, TEST_MS } from '../real-kernel.js';
import { until } from '../until.js';
import { freshFolder, isLiving, openFamily } from './families.js';

describe.skipIf(lacks('pidfd'))('serve, guarded', () => {
  it(
    'says that it serves and lives, who comes after it, and when it stops',
    async () => {
      const port = await freePort();
      const { child, signs, said } = await guarded(['--port', `${port}`, '--drain-timeout', '1s']);
      await said('ready');
      await said('alive');

      const first = child.pid;
      process.kill(first, 'SIGUSR2');
      await until(() => child.pid !== first && !isLiving(first), SOON_MS);
      const second = child.pid;
      // Of the old one and of the new one, in whatever order those two go on.
      const named = () => signs.filter(({ kind }) => kind === 'main-pid');
      await until(() => named().length === 2, SOON_MS);
      expect(named()).toEqual([
        { kind: 'main-pid', pid: second },
        { kind: 'main-pid', pid: second },
      ]);
      expect(signs.some(({ kind }) => kind === 'stopping')).toBe(false);
      const before = signs.length;
      await until(() => signs.slice(before).some(({ kind }) => kind === 'alive'), SOON_MS);
      const socket = connect(port, '127.0.0.1');
      await once(socket, 'connect');
      socket.destroy();

      const stopped = await child.stop({ stopTimeoutMs: SOON_MS });
      expect(stopped).toMatchObject({ by: 'TERM', named: [] });
      await said('stopping');
      expect(await child.exited).toMatchObject({ code: 143 });
    },
    TEST_MS,
  );
});

async function guarded(args: readonly string[]) {
  const family = openFamily();
  const listener = new NotifyListener(kernel);
  const path = join(freshFolder(), 'notify');
  const signs: Sign[] = [];
  const service: { child?: Child } = {};
  const standingOf = (pid: number) => service.child?.standingOf(pid) ?? 'stranger';
  listener.open({ path, standingOf }, (sign) => {
    signs.push(sign);
    if (sign.kind === 'main-pid') service.child?.follow(sign.pid);
  });
  onTestFinished(async () => {
    await service.child?.stop({ stopTimeoutMs: SOON_MS });
    listener.close();
  });
  const outcome = await family.start({
    command: [process.execPath, install(), 'serve', ...args],
    variables: { ...process.env, NOTIFY_SOCKET: path, WATCHDOG_USEC: '400000' },
    output: 'ignore',
    hearFirst: () => listener.drain(),
  });
  if (outcome.kind === 'failed') throw new Error(outcome.reason);
  service.child = outcome.child;
  const said = (kind: Sign['kind']) =>
    until(() => signs.some((each) => each.kind === kind), SOON_MS);
  return { child: outcome.child, signs, said };
}
