import { platform } from 'node:os';
import { KernelRefusal, type Kernel } from './kernel.js';
import { portableKernel } from './portable.js';

/** The best kernel access this machine offers; its `capabilities` say what that is. */
export async function openKernel(): Promise<Kernel> {
  const linux = await loadLinux();
  return linux === undefined ? portableKernel : new linux.LinuxKernel(linux.libc);
}

/**
 * The same for a survey of our own network namespace, whose table of sockets is being read from now on, while
 * the caller loads what else it takes.
 * @param owners who holds them is looked up first
 * @returns opens the kernel, whose next table that one is
 */
export async function beginSurvey(owners: boolean): Promise<() => Promise<Kernel>> {
  const linux = await loadLinux();
  if (linux === undefined) return openKernel;
  const { libc, LinuxKernel, beginTable } = linux;
  try {
    const table = beginTable(libc, owners ? 'later' : 'at once');
    return () => Promise.resolve(new LinuxKernel(libc, table));
  } catch (error) {
    // There is no sock_diag here, as the kernel's capabilities will say.
    if (error instanceof KernelRefusal) return openKernel;
    throw error;
  }
}

async function loadLinux() {
  if (platform() !== 'linux') return undefined;
  const [{ loadLibc }, { LinuxKernel }, { beginTable }] = await Promise.all([
    import('./linux/libc.js'),
    import('./linux/linux-kernel.js'),
    import('./linux/coming-table.js'),
  ]);
  const libc = loadLibc();
  return libc === undefined ? undefined : { libc, LinuxKernel, beginTable };
}
