import { openKernel } from '../kernel/open-kernel.js';
import { ServeLog } from '../net/serve-log.js';
import { serveAsWorker } from '../net/worker.js';
import type { Environment } from './environment.js';
import { serveOutput, type OutputFlags } from './serve-output.js';
import { keepHeapSmall } from './small-heap.js';

/**
 * A worker prints its own lines: each is one write to what it shares with the others. It lives as long
 * as its parent at most; when to end is its parent's to say, also where a supervisor signals all.
 */
export async function runServeWorker(
  env: Environment,
  { number, parent }: { readonly number: number; readonly parent: number },
  flags: OutputFlags,
): Promise<void> {
  if (process.send === undefined) return;
  process.on('disconnect', () => process.exit());
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => undefined);
  keepHeapSmall();
  const kernel = await openKernel();
  kernel.dieWithParent();
  // The parent may have ended before the line above.
  if (process.ppid !== parent) process.exit();
  const { print, tellsFrames } = serveOutput(env, flags);
  const log = new ServeLog(print, number);
  serveAsWorker(kernel, (event) => {
    if (event.kind !== 'frames' || tellsFrames) log.take(event);
  });
}
