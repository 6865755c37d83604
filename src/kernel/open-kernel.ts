import { platform } from 'node:os';
import type { Kernel } from './kernel.js';
import type { SharedDump } from './linux/shared-dump.js';
import { portableKernel } from './portable.js';

/** The best kernel access this machine offers; its `capabilities` say what that is. */
export async function openKernel(): Promise<Kernel> {
  return open(() => undefined);
}

/** For a survey of this network namespace: a large table is being read when this returns. */
export async function openKernelForSurvey(): Promise<Kernel> {
  if (platform() !== 'linux') return portableKernel;
  const { dumpAhead } = await import('./linux/dump-ahead.js');
  return open(dumpAhead);
}

async function open(dumpAhead: () => SharedDump | undefined): Promise<Kernel> {
  if (platform() !== 'linux') return portableKernel;
  const ahead = dumpAhead();
  const [{ loadLibc }, { LinuxKernel }] = await Promise.all([
    import('./linux/libc.js'),
    import('./linux/linux-kernel.js'),
  ]);
  const libc = await loadLibc();
  return libc === undefined ? portableKernel : new LinuxKernel(libc, ahead);
}
