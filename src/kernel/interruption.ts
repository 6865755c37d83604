/** Waiting that Ctrl-C ends early: what is known by then is reported. */
import { setMaxListeners } from 'node:events';

/** For any number of waiters: one a row, and more, is no leak. */
export function interruptible(): AbortController {
  const controller = new AbortController();
  setMaxListeners(0, controller.signal);
  return controller;
}

/** Resolves with whichever comes first; listens to nothing afterwards. Rejects only with `work`. */
export function orInterrupted<T>(
  work: Promise<T>,
  interruption: AbortSignal,
): Promise<T | undefined> {
  if (interruption.aborted) {
    work.catch(() => undefined); // nobody's concern any more
    return Promise.resolve(undefined);
  }
  return new Promise((resolve, reject) => {
    const stop = () => resolve(undefined);
    interruption.addEventListener('abort', stop, { once: true });
    work.then(resolve, reject).finally(() => interruption.removeEventListener('abort', stop));
  });
}

/** Waits that long, or until the interruption. */
export async function pause(ms: number, interruption: AbortSignal): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const elapsed = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await orInterrupted(elapsed, interruption);
  clearTimeout(timer);
}
