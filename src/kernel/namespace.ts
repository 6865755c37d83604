/** Private network namespaces. Node cannot enter one in place (unshare would move one thread only). */
import { execFile } from 'node:child_process';

/** Runs what follows as root of a user namespace, in a network namespace of its own (unshare(1)). */
export const unshareCommand = ['unshare', '--user', '--map-root-user', '--net'] as const;

const TRY_TIMEOUT_MS = 5000;

/** Found by trying: undefined when a namespace can be had, otherwise why not. */
export function namespaceRefusal(): Promise<string | undefined> {
  const [command, ...options] = unshareCommand;
  return new Promise((resolve) => {
    execFile(command, [...options, 'true'], { timeout: TRY_TIMEOUT_MS }, (error, _, stderr) => {
      if (error === null) resolve(undefined);
      else if (error.code === 'ENOENT') resolve('unshare (util-linux) is not installed');
      else resolve(/\S.*/.exec(stderr)?.[0] ?? error.message);
    });
  });
}
