/** Runs as a thread of its own, from a file of its own: dumps the table of sockets into shared memory. */
import { workerData } from 'node:worker_threads';
import { loadLibc } from './libc.js';
import { dumpSockets } from './netlink.js';
import { SharedDump } from './shared-dump.js';

void fill(new SharedDump(workerData as SharedArrayBuffer));

async function fill(dump: SharedDump): Promise<void> {
  let isTorn = true;
  try {
    const libc = await loadLibc();
    if (libc !== undefined) isTorn = dumpSockets(libc, (piece) => dump.keep(piece));
  } finally {
    dump.end(isTorn);
  }
}
