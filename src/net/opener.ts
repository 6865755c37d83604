/** Connections to one server that are ready for whoever drives them: opened, and spoken to if need be. */
import type { Speech } from '../core/speech.js';
import type { Kernel } from '../kernel/kernel.js';
import { playOpening } from './exchange.js';
import { again, openSocket, type Opened, type OpenOptions } from './open-socket.js';

/** @param like to the same address as that one; undefined: to whichever connects first */
export type Open = (like: Opened | undefined) => Promise<Opened>;

/**
 * @param speech whose opening is played on each; undefined: nothing is said
 * @throws whatever `openSocket` and `playOpening` throw, when called
 */
export function opener(kernel: Kernel, options: OpenOptions, speech: Speech | undefined): Open {
  const { connectTimeoutMs: deadlineMs, interruption } = options;
  return async (like) => {
    const opened = await openSocket(kernel, like === undefined ? options : again(options, like));
    if (speech !== undefined)
      await playOpening(opened.socket, speech, { deadlineMs, interruption });
    return opened;
  };
}
