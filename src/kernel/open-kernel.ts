import { platform } from 'node:os';
import type { Kernel } from './kernel.js';
import { portableKernel } from './portable.js';

/** The best kernel access this machine offers; its `capabilities` say what that is. */
export async function openKernel(): Promise<Kernel> {
  if (platform() !== 'linux') return portableKernel;
  const [{ loadLibc }, { LinuxKernel }] = await Promise.all([
    import('./linux/libc.js'),
    import('./linux/linux-kernel.js'),
  ]);
  const libc = await loadLibc();
  return libc === undefined ? portableKernel : new LinuxKernel(libc);
}
