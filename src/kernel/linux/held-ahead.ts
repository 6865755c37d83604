/**
 * Who holds which socket, read by a second thread while the first one starts up and reads the table:
 * for so many that this pays for the thread.
 */
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { MessageChannel, receiveMessageOnPort, Worker } from 'node:worker_threads';
import type { HeldSockets } from '../socket-view.js';
import { MANY_SOCKETS } from './held-sockets.js';
import { socketsInUse } from './proc.js';

/** Beside what runs now; the sources have none, only what is built. */
const THREAD = fileURLToPath(new URL('./held-thread.cjs', import.meta.url));

/** A thread that has not begun by then, on a busy machine, is not worth waiting for; nor a link that takes longer. */
const PATIENCE_MS = 2000;
const PATIENCE_EACH_MS = 0.02;

/** Waits for the thread; undefined where it broke. */
export type HeldAhead = () => HeldSockets | undefined;

/** Undefined where it does not pay, or cannot be had. */
export function readHeldAhead(sockets = socketsInUse(), thread = THREAD): HeldAhead | undefined {
  if (sockets < MANY_SOCKETS || availableParallelism() < 2 || !existsSync(thread)) {
    return undefined;
  }
  const { port1: ours, port2: port } = new MessageChannel();
  const done = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(thread, {
    workerData: { port, done },
    transferList: [port],
    execArgv: [],
  });
  // It tells nothing then: whoever waits for it does without.
  worker.on('error', () => undefined);
  worker.unref();
  return () => {
    Atomics.wait(done, 0, 0, PATIENCE_MS + sockets * PATIENCE_EACH_MS);
    const held = receiveMessageOnPort(ours)?.message as HeldSockets | undefined;
    ours.close();
    return held;
  };
}
