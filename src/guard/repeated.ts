/**
 * Asks again and again, at fixed times and never twice at once. A failure that took much longer than it may
 * is our own stall (SIGSTOP, a blocked loop): nobody is blamed, and it is asked again at once, once.
 */
import type { Ear, Sign } from '../core/guard/sign.js';
import { msBetween, nextSlot } from '../core/time.js';
import { monotonicNow } from '../kernel/clock.js';
import { interruptible, pause } from '../kernel/interruption.js';

export interface RepeatedOptions {
  /** From one question to the next, the first at once. */
  readonly intervalMs: number;
  /** For one answer. */
  readonly timeoutMs: number;
}

export interface Asked {
  /** Undefined: nothing but what was heard already. */
  readonly sign: Sign | undefined;
  /** For what did not come in time, if that is why it failed. */
  readonly waitedMs: number;
}

/** @param ask settles soon once it is interrupted, with whatever */
export function repeat(
  { intervalMs, timeoutMs }: RepeatedOptions,
  ask: (interruption: AbortSignal) => Promise<Asked>,
  hear: (sign: Sign) => void,
): Ear {
  const end = interruptible();
  const { signal } = end;
  const isOurs = ({ sign, waitedMs }: Asked) =>
    sign?.kind === 'failed' && waitedMs > timeoutMs + intervalMs / 2;
  const isOver = () => signal.aborted;

  async function goOn(): Promise<void> {
    for (let due = monotonicNow(); ; due = nextSlot(due, intervalMs, monotonicNow())) {
      await pause(msBetween(monotonicNow(), due), signal);
      if (isOver()) return;
      const first = await ask(signal);
      const { sign } = isOurs(first) && !isOver() ? await ask(signal) : first;
      if (isOver()) return;
      if (sign !== undefined) hear(sign);
    }
  }

  void goOn();
  return { close: () => end.abort() };
}
