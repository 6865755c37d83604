import { openKernel } from '../kernel/open-kernel.js';
import { serveParent } from '../lab/channel.js';
import { Conductor } from '../lab/conductor.js';
import type { LabRole } from '../lab/peer.js';
import { Station } from '../lab/station.js';
import type { Environment } from './environment.js';

/**
 * One process of the lab. It lives exactly as long as its parent, even when that is killed: the
 * kernel sends SIGKILL, which also ends a stopped one.
 */
export async function runLab(env: Environment, role: LabRole, parent: string): Promise<void> {
  if (process.send === undefined) return;
  process.on('disconnect', () => process.exit());
  const kernel = await openKernel();
  kernel.dieWithParent();
  // The parent may have ended before the line above.
  if (process.ppid !== Number(parent)) process.exit();
  if (role === 'conductor') {
    serveParent((report) => new Conductor(kernel, env.bin, report));
  } else {
    // The other end's news is of no use to the observer, but for the connections that ended.
    serveParent(
      (report) => new Station(kernel, (event) => event.kind === 'ended' && report(event)),
    );
  }
}
