/**
 * A worker of the server: it is dealt connections that the primary has accepted, and tells how many it
 * has. It must not know who else there is, and decides for itself only whom to turn away.
 */
import type { Socket } from 'node:net';
import { stackOf } from '../errors.js';
import { interruptible } from '../kernel/interruption.js';
import type { Kernel } from '../kernel/kernel.js';
import { drain } from './drain.js';
import type { EchoServerEvent } from './echo-event.js';
import { watchSelf, type SelfWatch, type Watched } from './self-watch.js';
import { Sessions, type SessionsOptions } from './sessions.js';
import type { FromWorker, ToWorker } from './worker-messages.js';

/** For a summary that would otherwise be lost with it. */
const COUNTS_EVERY_MS = 1000;

/** Serves its parent until that says `close`, and then lets go of it. */
export function serveAsWorker(kernel: Kernel, onEvent: (event: EchoServerEvent) => void): void {
  let sessions: Sessions | undefined;
  let self: SelfWatch | undefined;
  let taken = 0;
  let isTelling = false;
  let timer: NodeJS.Timeout | undefined;
  const hurry = interruptible();

  const tell = (message: FromWorker) => {
    // The parent may be gone, and this process with it in a moment.
    if (process.connected) process.send?.(message, () => undefined);
  };

  /** Once a turn, however many came and went in it. */
  function tellHand(): void {
    if (isTelling) return;
    isTelling = true;
    setImmediate(() => {
      isTelling = false;
      tell({ kind: 'hand', taken, open: sessions?.connections.size ?? 0 });
    });
  }

  function start(options: SessionsOptions, isWatched: boolean): void {
    const started = new Sessions(kernel, options, (event) => {
      onEvent(event);
      if (event.kind === 'closed') tellHand();
    });
    sessions = started;
    const watched: Watched = {
      counts: started.counts,
      accept: { kind: 'unknown', reason: null, failures: 0 }, // the primary's concern
      survey: (now) => started.survey(now),
    };
    if (isWatched) self = watchSelf(kernel, watched, options);
    timer = setInterval(() => tell({ kind: 'counts', counts: started.counts }), COUNTS_EVERY_MS);
    tell({ kind: 'ready' });
  }

  async function end(served: Sessions, timeoutMs: number): Promise<void> {
    await drain(kernel, served, timeoutMs, hurry.signal);
    const stillOpen = served.connections.size;
    await served.close();
    clearInterval(timer);
    self?.close();
    process.off('message', listen);
    const message: FromWorker = { kind: 'ended', counts: served.counts, stillOpen };
    process.send?.(message, () => process.connected && process.disconnect());
  }

  const listen = (message: ToWorker, socket: Socket | undefined) => {
    switch (message.kind) {
      case 'start':
        start(message.options, message.watchSelf);
        break;
      case 'take':
        taken++;
        if (socket !== undefined) sessions?.take(socket);
        tellHand();
        break;
      case 'sent':
        sessions?.lost(message.sockets - taken);
        taken = message.sockets;
        tellHand();
        break;
      case 'ask':
        if (self !== undefined) tell(answerOf(self));
        break;
      case 'drain':
        if (sessions !== undefined) void end(sessions, message.timeoutMs);
        break;
      case 'close':
        hurry.abort();
        break;
    }
  };
  process.on('message', listen);
}

/** Those who are served here lose nothing by a bug in it. */
function answerOf(self: SelfWatch): FromWorker {
  try {
    return { kind: 'snapshot', snapshot: self.snapshot() };
  } catch (error) {
    return { kind: 'bug', stack: stackOf(error) };
  }
}
