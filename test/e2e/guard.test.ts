import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { until } from '../until.js';
import { configOf, fileWith, guard } from './guarding.js';
import { freePort } from '../free-port.js';
import { install, probeArgs, run } from './program.js';

const GUARDED = 'test/e2e/guarded.mjs';
const BEATING = 'test/e2e/beating.py';
const NODE = process.execPath;

describe('a guarded service', () => {
  it(
    'that hangs without crashing serves again, however it hangs',
    { timeout: 120_000 },
    async () => {
      const port = await freePort();
      const url = `http://127.0.0.1:${port}`;
      const flags = ['--healthy', 'state=Running', '--timeout', '2s', '--stop-timeout', '500ms'];
      const quick = ['--interval', '200ms', '--check-timeout', '800ms', '--back-off', '10ms:10ms'];
      const guarding = guard([
        '--name',
        'web',
        '--check',
        `${url}/status`,
        ...flags,
        ...quick,
        '--',
        NODE,
        GUARDED,
        `${port}`,
      ]);
      const breaks = ['block', 'worker', 'close', 'SIGSTOP'] as const;
      for (const [at, how] of breaks.entries()) {
        await guarding.tells('alive', 'web', at + 1);
        const { pid } = await guarding.tells('started', 'web', at + 1);
        if (how === 'SIGSTOP') process.kill(pid, how);
        else await fetch(`${url}/break/${how}`);
        const dead = await guarding.tells('dead', 'web', at + 1);
        expect(dead).toMatchObject({ by: `${url}/status`, starting: false, action: 'restart' });
        expect(dead.silentMs).toBeGreaterThanOrEqual(2000);
      }
      await guarding.tells('alive', 'web', breaks.length + 1);
      // What blocks its loop cannot hear TERM, and what was stopped is woken up to hear it.
      const by = guarding.told('stopped').map((entry) => entry.by);
      expect(by).toEqual(['KILL', 'TERM', 'TERM', 'TERM']);
      guarding.child.kill('SIGTERM');
      const { code, stdout } = await guarding.ended;
      expect(code).toBe(143);
      expect(stdout).toContain('"event":"summary"');
    },
  );

  it.each(['beats', 'systemd'])(
    'that knows only %s is guarded unchanged',
    { timeout: 60_000 },
    async (how) => {
      const limits = ['--timeout', '1s', '--restarts', '1/10m', '--alive-by', how];
      const guarding = guard([
        ...limits,
        '--name',
        'py',
        '--',
        'python3',
        BEATING,
        how,
        '0.2',
        '3',
      ]);
      await guarding.tells('alive', 'py');
      const dead = await guarding.tells('dead', 'py');
      expect(dead).toMatchObject({ by: how, starting: false });
      const { code } = await guarding.ended;
      expect(guarding.told('started')).toHaveLength(2);
      expect(guarding.told('gave-up')).toHaveLength(1);
      expect(code).toBe(1);
    },
  );

  it(
    'that is our own server is followed when it replaces itself',
    { timeout: 60_000 },
    async () => {
      const [port, status] = [await freePort(), await freePort()];
      const args = [
        'dist/cli.cjs',
        'serve',
        '--port',
        `${port}`,
        '--quiet',
        '--drain-timeout',
        '200ms',
      ];
      const check = [
        '--check',
        `tcp://127.0.0.1:${port}`,
        '--protocol',
        'tcpalive',
        '--status',
        `127.0.0.1:${status}`,
      ];
      const guarding = guard(['--name', 'echo', ...check, '--', NODE, ...args]);
      await guarding.tells('alive', 'echo');
      const { pid } = await guarding.tells('started', 'echo');
      process.kill(pid, 'SIGUSR2');
      const follows = await guarding.tells('follows', 'echo');
      expect(follows.pid).not.toBe(pid);
      await until(() => !existsSync(`/proc/${pid}`), 30_000);
      expect(
        (await run(probeArgs(`127.0.0.1:${port}`, '--count', '1'), { bin: 'dist/cli.cjs' })).code,
      ).toBe(0);
      const told = (await (await fetch(`http://127.0.0.1:${status}/status`)).json()) as {
        readonly services: readonly object[];
      };
      expect(told.services).toMatchObject([
        { name: 'echo', state: 'alive', pid: follows.pid, restarts: 0 },
      ]);
      guarding.child.kill('SIGTERM');
      await guarding.ended;
      expect(guarding.told('exited').map((entry) => entry.pid)).toEqual([follows.pid]);
    },
  );

  it(
    'that hangs right after it replaced itself is missed while the old one drains',
    { timeout: 60_000 },
    async () => {
      const port = await freePort();
      const serve = ['serve', '--port', `${port}`, '--quiet', '--drain-timeout', '60s'];
      const check = ['--check', `tcp://127.0.0.1:${port}`, '--protocol', 'tcpalive'];
      const limits = ['--timeout', '2s', '--stop-timeout', '1s', '--interval', '200ms'];
      const command = [NODE, 'dist/cli.cjs', ...serve];
      const guarding = guard(['--name', 'echo', ...check, ...limits, '--', ...command]);
      await guarding.tells('alive', 'echo');
      process.kill((await guarding.tells('started', 'echo')).pid, 'SIGUSR2');
      const { pid } = await guarding.tells('follows', 'echo');
      process.kill(pid, 'SIGSTOP');
      const { silentMs } = await guarding.tells('dead', 'echo');
      expect(silentMs).toBeLessThan(30_000);
      await guarding.tells('alive', 'echo', 2);
      guarding.child.kill('SIGTERM');
      await guarding.ended;
    },
  );

  it('that crashes is held back by the back-off and given up at the cap', async () => {
    const guarding = guard([
      '--restarts',
      '4/10m',
      '--back-off',
      '200ms:400ms',
      '--',
      'sh',
      '-c',
      'exit 3',
    ]);
    const { code } = await guarding.ended;
    expect(code).toBe(1);
    const waits = guarding.told('restarting').map(({ inMs }) => inMs);
    expect(waits).toHaveLength(4);
    for (const [at, nominal] of [0, 200, 400, 400].entries()) {
      expect(waits[at]).toBeGreaterThanOrEqual(nominal / 2);
      expect(waits[at]).toBeLessThanOrEqual(nominal);
    }
    const starts = guarding.told('started').map(({ time }) => Date.parse(time));
    for (const [at, wait] of waits.entries()) {
      expect((starts[at + 1] ?? 0) - (starts[at] ?? 0)).toBeGreaterThanOrEqual(
        Math.floor(wait) - 1,
      );
    }
    expect(guarding.told('exited').map((entry) => entry.code)).toEqual([3, 3, 3, 3, 3]);
  });

  it('that cannot be started is told, and no loop', async () => {
    const file = fileWith('not-executable', '#!/bin/sh\n');
    chmodSync(file, 0o644);
    const cases = [
      ['/nonexistent/program', 'ENOENT'],
      [file, 'EACCES'],
    ];
    await Promise.all(
      cases.map(async ([program = '', code]) => {
        const guarding = guard(['--restarts', '2/10m', '--back-off', '10ms:10ms', '--', program]);
        expect((await guarding.ended).code).toBe(1);
        expect(guarding.told('start-failed').map((entry) => entry.code)).toEqual([
          code,
          code,
          code,
        ]);
      }),
    );
  });

  // The limit of processes is none for root itself.
  it.skipIf(process.getuid?.() !== 0)(
    'that finds no room for a process comes back when there is',
    async () => {
      const options = { as: 'nobody', bin: install(), variables: { XDG_RUNTIME_DIR: '' } } as const;
      const guarding = guard(
        ['--back-off', '100ms:100ms', '--name', 'sleeps', '--', 'sleep', '1000'],
        options,
      );
      await guarding.tells('alive', 'sleeps');
      const { pid } = await guarding.tells('started', 'sleeps');
      limitProcesses(guarding.child.pid ?? 0, '1');
      process.kill(pid, 'SIGKILL');
      expect(await guarding.tells('start-failed', 'sleeps')).toMatchObject({ code: 'EAGAIN' });
      limitProcesses(guarding.child.pid ?? 0, hardLimitOfProcesses());
      await guarding.tells('alive', 'sleeps', 2);
      guarding.child.kill('SIGTERM');
      await guarding.ended;
    },
  );

  it('that finds no place for its socket is not started, and the others go on', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tcpalive-runtime-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const limits = { restarts: '1/10m', onGiveUp: 'wait' };
    const services = [
      { name: 'stays', command: ['sleep', '1000'] },
      { name: 'crashes', command: ['sleep', '1000'], ...limits },
    ];
    const guarding = guard(['--config', configOf(services)], {
      variables: { XDG_RUNTIME_DIR: folder },
    });
    const { pid } = await guarding.tells('started', 'crashes');
    await guarding.tells('alive', 'crashes');
    for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true });
    process.kill(pid, 'SIGKILL');
    expect(await guarding.tells('start-failed', 'crashes')).toMatchObject({
      code: 'CANNOT_LISTEN',
    });
    await guarding.tells('gave-up', 'crashes');
    guarding.child.kill('SIGTERM');
    expect(await guarding.ended).toMatchObject({ code: 143, stderr: '' });
    expect(guarding.told('ended', 'stays')).toMatchObject([{ reason: 'stopped' }]);
  });

  it('that is ended by itself ends the guardian, well', async () => {
    const guarding = guard(['--', 'echo', 'of the service']);
    const { code, stdout, stderr } = await guarding.ended;
    expect(code).toBe(0);
    expect(stdout).not.toContain('of the service');
    expect(stderr).toContain('of the service');
    expect(guarding.told('ended')).toMatchObject([{ reason: 'exit 0' }]);
  });
});

/** Of all that nobody runs (RLIMIT_NPROC, soft); who has the same user may set it. */
function limitProcesses(pid: number, limit: string): void {
  const same = ['--reuid=65534', '--regid=65534', '--clear-groups'];
  execFileSync('setpriv', [...same, 'prlimit', '--pid', `${pid}`, `--nproc=${limit}:`]);
}

function hardLimitOfProcesses(): string {
  const [, hard = ''] =
    /^Max processes +\S+ +(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
  return hard;
}
