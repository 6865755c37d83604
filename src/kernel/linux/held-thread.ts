/** Runs as a thread of its own, from a file of its own: reads who holds which socket. */
import { workerData, type MessagePort } from 'node:worker_threads';
import { readHeldSockets } from './held-sockets.js';
import { loadLibc } from './libc.js';

tell(workerData as { readonly port: MessagePort; readonly done: Int32Array });

function tell({ port, done }: { readonly port: MessagePort; readonly done: Int32Array }) {
  try {
    const libc = loadLibc();
    if (libc === undefined) return;
    const held = readHeldSockets(libc);
    port.postMessage(held, [held.numbers.buffer as ArrayBuffer]);
  } finally {
    Atomics.store(done, 0, 1);
    Atomics.notify(done, 0);
  }
}
