// A server that can be broken: guarded.mjs PORT. /status is answered by a worker; /break/block, /break/worker
// and /break/close stop its loop, its worker and its listening, and none of them ends the process.
import { createServer } from 'node:http';
import { setInterval } from 'node:timers';
import { parentPort, Worker, isMainThread } from 'node:worker_threads';
import { fileURLToPath } from 'node:url';

if (isMainThread) {
  const worker = new Worker(fileURLToPath(import.meta.url));
  const server = createServer((request, response) => {
    if (request.url === '/status') {
      worker.once('message', () => response.end('{"state":"Running"}'));
      worker.postMessage('status');
      return;
    }
    response.end('broken\n', () => {
      if (request.url === '/break/block') for (;;);
      if (request.url === '/break/worker') worker.postMessage('deadlock');
      if (request.url === '/break/close') {
        server.close();
        server.closeAllConnections();
      }
    });
  });
  server.listen(Number(process.argv[2]), '127.0.0.1');
  setInterval(() => undefined, 1000);
  process.on('SIGTERM', () => process.exit(0));
} else {
  parentPort.on('message', (message) => {
    if (message === 'deadlock') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    parentPort.postMessage('alive');
  });
}
