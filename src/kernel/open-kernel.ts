import { platform } from 'node:os';
import type { Kernel } from './kernel.js';
import { portableKernel } from './portable.js';

/** The best kernel access this machine offers; its `capabilities` say what that is. */
export async function openKernel(): Promise<Kernel> {
  const linux = await loadLinux();
  return linux === undefined ? portableKernel : new linux.LinuxKernel(linux.libc);
}

/**
 * For a survey with owners of our own namespace: where there are many sockets, their table is being read
 * from now on, while the caller loads what else it takes.
 * @returns opens the kernel, which then has read what a survey begins with
 */
export async function beginSurvey(): Promise<() => Promise<Kernel>> {
  const linux = await loadLinux();
  if (linux === undefined) return openKernel;
  const { libc, LinuxKernel } = linux;
  const table = linux.readTableAhead(libc);
  return table === undefined ? openKernel : () => LinuxKernel.withTable(libc, table);
}

async function loadLinux() {
  if (platform() !== 'linux') return undefined;
  const [{ loadLibc }, { LinuxKernel }, { readTableAhead }] = await Promise.all([
    import('./linux/libc.js'),
    import('./linux/linux-kernel.js'),
    import('./linux/table-ahead.js'),
  ]);
  const libc = loadLibc();
  return libc === undefined ? undefined : { libc, LinuxKernel, readTableAhead };
}
