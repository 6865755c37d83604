/** What /proc tells of processes, hostile ones among them: their names are text from outside. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { platform, tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { KernelRefusal } from '../../../src/kernel/kernel.js';
import { kernel, lacks, SOON_MS } from '../../real-kernel.js';
import { until } from '../../until.js';

/** PID_MAX_LIMIT, linux/threads.h. */
const NOBODYS_PID = 4_194_305;

describe.skipIf(platform() !== 'linux')('processFacts', () => {
  it.each([
    ['brackets that close its own', ') S 1 1 1'],
    ['nothing but brackets', ')))((('],
    ['a line break', 'a\nb\nc'],
    ['escape sequences', '\u001b[2J\u001b]0;x\u0007'],
    ['a backslash and a tab', 'a\\b\tc'],
    ['spaces at both ends', ' a '],
    ['letters of two bytes', 'größe'],
    ['what the kernel cuts at 15 bytes', 'sixteen-letters!'],
  ])('reads a name with %s, and all that comes after it', async (_, name) => {
    const pid = await processCalled(name);
    expect(kernel.processFacts(pid)).toMatchObject({
      name: name.slice(0, 15),
      parentPid: process.pid,
      cgroup: kernel.processFacts(process.pid)?.cgroup,
      descriptorLimit: expect.any(Number) as number,
    });
  });

  it('reads a name that is no UTF-8, cut in the middle of a letter', async () => {
    const pid = await processCalled('aaaaaaaaaaaaaaä');
    expect(kernel.processFacts(pid)).toMatchObject({
      name: 'aaaaaaaaaaaaaa\ufffd',
      parentPid: process.pid,
    });
  });

  it('knows nothing of what is not there', () => {
    expect(kernel.processFacts(NOBODYS_PID)).toBeUndefined();
    expect(kernel.networkNamespace(NOBODYS_PID)).toBeUndefined();
    expect(kernel.eachSocket(NOBODYS_PID, () => undefined)).toBe(false);
    expect(kernel.processIds()).not.toContain(NOBODYS_PID);
  });

  it.skipIf(lacks('pidfd'))(
    'refuses to borrow from what is not there, and what has ended',
    async () => {
      const work = () => undefined;
      expect(() => kernel.withProcess(NOBODYS_PID, work)).toThrow(KernelRefusal);
      const child = spawn('sleep', ['60'], { stdio: 'ignore' });
      await once(child, 'spawn');
      const { pid = 0 } = child;
      const before = kernel.openDescriptors(process.pid);
      kernel.withProcess(pid, (borrow) => {
        expect(() => borrow(1_000_000, work)).toThrow(KernelRefusal);
        expect(borrow(0, (fd) => kernel.cookie(fd))).toBeUndefined(); // /dev/null is no TCP socket
        process.kill(pid, 'SIGKILL');
      });
      await once(child, 'exit');
      expect(() => kernel.withProcess(pid, work)).toThrow(KernelRefusal);
      expect(kernel.openDescriptors(process.pid)).toBe(before);
    },
  );
});

/** A program is called by its file's name, which may be any bytes but a slash. */
async function processCalled(name: string): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'tcpalive-name-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const program = join(folder, name);
  copyFileSync('/bin/sleep', program);
  const child = spawn(program, ['60'], { stdio: 'ignore' });
  onTestFinished(() => void child.kill('SIGKILL'));
  await once(child, 'spawn');
  const { pid = 0 } = child;
  await until(
    () => kernel.processFacts(pid)?.name !== kernel.processFacts(process.pid)?.name,
    SOON_MS,
  );
  return pid;
}
