/** Runs as a thread of its own, from a file of its own: dumps the table of sockets into shared memory. */
import { workerData } from 'node:worker_threads';
import { loadLibc } from './libc.js';
import { dumpSockets, ROOM_BYTES } from './netlink.js';
import { SharedDump } from './shared-dump.js';

void fill(new SharedDump(workerData as SharedArrayBuffer));

async function fill(dump: SharedDump): Promise<void> {
  const room = Buffer.alloc(ROOM_BYTES);
  const keep = (piece: Buffer) => {
    dump.keep(piece);
    return room;
  };
  let isTorn = true;
  try {
    const libc = await loadLibc();
    if (libc !== undefined) isTorn = dumpSockets(libc, keep);
  } finally {
    dump.end(isTorn);
  }
}
