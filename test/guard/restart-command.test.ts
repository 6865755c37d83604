/** What restarts a service that is no child of the guardian, and what it may leave behind. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runRestartCommand } from '../../src/guard/restart-command.js';
import { kernel, lacks, SOON_MS } from '../real-kernel.js';
import { until } from '../until.js';
import { freshFolder, isLiving, openFamily, started } from './families.js';

const LONG_MS = 60_000;

describe.skipIf(lacks('pidfd'))('a restart command', () => {
  it.each([
    ['ends well', ['true'], undefined],
    ['fails', ['sh', '-c', 'exit 3'], 'it ended with exit 3'],
    ['is not there', ['/nowhere/prog'], 'it cannot be started: spawn /nowhere/prog ENOENT'],
    ['is too long', ['true', 'x'.repeat(4_000_000)], 'it cannot be started: spawn E2BIG'],
  ])('that %s says so', async (_how, command, said) => {
    const never = new AbortController().signal;
    expect(await runRestartCommand(openFamily(), command, LONG_MS, never)).toBe(said);
  });

  it('that takes too long is killed', async () => {
    const never = new AbortController().signal;
    expect(await runRestartCommand(openFamily(), ['sleep', '60'], 100, never)).toBe(
      'it took longer than 100 ms and was killed',
    );
  });

  it('is ended with the guardian', async () => {
    const end = new AbortController();
    const running = runRestartCommand(openFamily(), ['sleep', '60'], LONG_MS, end.signal);
    end.abort();
    expect(await running).toBe('it ended with SIGKILL');
  });

  it('leaves a service behind that does not end with another one', async () => {
    const family = openFamily();
    const said = join(freshFolder(), 'said');
    const { child } = await started(family, 'sh', 'sleep 60');
    const daemon = `(setsid sleep 60 & echo $! > ${said})`;
    const never = new AbortController().signal;
    expect(await runRestartCommand(family, ['sh', '-c', daemon], LONG_MS, never)).toBeUndefined();
    await until(() => existsSync(said), SOON_MS);
    const pid = Number(readFileSync(said, 'utf8'));
    await until(() => kernel.kinOf(pid)?.parentPid === process.pid, SOON_MS);
    await child.stop({ stopTimeoutMs: LONG_MS });
    expect(isLiving(pid)).toBe(true);
    process.kill(pid, 'SIGKILL');
    await until(() => kernel.kinOf(pid) === undefined, SOON_MS);
  });
});
