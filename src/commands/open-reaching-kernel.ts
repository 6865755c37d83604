import { TcpaliveError } from '../errors.js';
import type { Kernel } from '../kernel/kernel.js';
import { openKernel } from '../kernel/open-kernel.js';

/** For what reaches into other programs. @throws TcpaliveError NO_CAPABILITY */
export async function openReachingKernel(command: string): Promise<Kernel> {
  const kernel = await openKernel();
  const { sockDiag, pidfd } = kernel.capabilities;
  if (sockDiag && pidfd) return kernel;
  const what = sockDiag ? "another process's sockets (pidfd_getfd)" : 'all sockets (sock_diag)';
  throw new TcpaliveError('NO_CAPABILITY', `${command} needs ${what}, which cannot be had here`, {
    hint: 'Linux 5.6 or later and koffi; tcpalive doctor says what is missing',
  });
}
