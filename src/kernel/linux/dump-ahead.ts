/**
 * The table of sockets dumped by a second thread while the first one starts up, and then decodes what
 * has come: for a table so large that this pays for the thread.
 */
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { socketsInUse } from './proc.js';
import { SharedDump } from './shared-dump.js';

/** A thread takes 25 ms to start; a hundred sockets take 0.1 ms. */
const WORTH_A_THREAD = 5000;

/** A message has 408 bytes on Linux 6.18; later kernels tell more. */
const ROOM_FOR_EACH_BYTES = 1024;
const ROOM_BYTES = 4 * 1024 * 1024;

/** Beside what runs now; the sources have none, only what is built. */
const THREAD = fileURLToPath(new URL('./dump-thread.cjs', import.meta.url));

/** Undefined where it does not pay, or cannot be had. */
export function dumpAhead(sockets = socketsInUse(), thread = THREAD): SharedDump | undefined {
  if (sockets < WORTH_A_THREAD || availableParallelism() < 2 || !existsSync(thread)) {
    return undefined;
  }
  const dump = SharedDump.withRoom(ROOM_BYTES + sockets * ROOM_FOR_EACH_BYTES);
  const worker = new Worker(thread, { workerData: dump.memory, execArgv: [] });
  // Its dump is torn then: whoever reads it does without.
  worker.on('error', () => undefined);
  worker.unref();
  return dump;
}
