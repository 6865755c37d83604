/** A network namespace of a test's own, entered by whoever may: root, also of a user namespace. */
import { spawn } from 'node:child_process';
import { SOON_MS, kernel } from '../real-kernel.js';
import { until } from '../until.js';

export interface PrivateNamespace {
  /** Of a process that is in it and does nothing. */
  readonly pid: number;
  readonly id: string;
  readonly path: string;
  readonly inside: <T>(work: () => T) => T;
  readonly close: () => void;
}

const isRoot = process.getuid?.() === 0;

/** Reason enough to skip a test, unless CI runs as root. */
export const lacksNamespace =
  !(isRoot && process.env['CI'] !== undefined) && !(isRoot && kernel.capabilities.sockDiag);

/** With its loopback up, and gone with this process at the latest. @param sysctls of net.ipv4, by name */
export async function privateNamespace(
  sysctls: Readonly<Record<string, number>> = {},
): Promise<PrivateNamespace> {
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', 'unshare', '--net', 'sleep', 'infinity'], {
    stdio: 'ignore',
  });
  const { pid } = child;
  if (pid === undefined) throw new Error('no unshare');
  const own = kernel.networkNamespace(process.pid)?.id;
  const elsewhere = () => [kernel.networkNamespace(pid)].find((each) => each?.id !== own);
  const namespace = await until(elsewhere, SOON_MS);
  if (namespace === undefined) throw new Error('no namespace');
  const { id, path } = namespace;
  const inside = <T>(work: () => T) => kernel.inNetworkNamespace(path, work);
  inside(() => {
    kernel.bringLoopbackUp();
    for (const [name, value] of Object.entries(sysctls)) {
      if (!kernel.setSysctl(name, String(value))) throw new Error(`no ${name}`);
    }
  });
  return { pid, id, path, inside, close: () => void child.kill('SIGKILL') };
}
