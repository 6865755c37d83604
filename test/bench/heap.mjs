// Preloaded into a server (`node --expose-gc --import`): on SIGWINCH it writes how many bytes its heap holds
// when all that is garbage is gone, and all that it holds beside it, to $TCPALIVE_BENCH_HEAP.
import { writeFileSync } from 'node:fs';
import { setImmediate } from 'node:timers';

process.on('SIGWINCH', () => {
  // What is kept until the loop has turned, and weak references, go with a second one.
  globalThis.gc();
  setImmediate(() => {
    globalThis.gc();
    const { heapUsed, external } = process.memoryUsage();
    writeFileSync(process.env.TCPALIVE_BENCH_HEAP, String(heapUsed + external));
  });
});
