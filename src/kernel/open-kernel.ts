import { platform } from 'node:os';
import type { Kernel } from './kernel.js';
import type { HeldAhead } from './linux/held-ahead.js';
import { portableKernel } from './portable.js';

/** The best kernel access this machine offers; its `capabilities` say what that is. */
export async function openKernel(): Promise<Kernel> {
  return open(() => undefined);
}

/** For a survey with owners: where there are many sockets, who holds them is being read when this returns. */
export async function openKernelForSurvey(): Promise<Kernel> {
  if (platform() !== 'linux') return portableKernel;
  const { readHeldAhead } = await import('./linux/held-ahead.js');
  return open(readHeldAhead);
}

async function open(readAhead: () => HeldAhead | undefined): Promise<Kernel> {
  if (platform() !== 'linux') return portableKernel;
  const ahead = readAhead();
  const [{ loadLibc }, { LinuxKernel }] = await Promise.all([
    import('./linux/libc.js'),
    import('./linux/linux-kernel.js'),
  ]);
  const libc = loadLibc();
  return libc === undefined ? portableKernel : new LinuxKernel(libc, ahead);
}
