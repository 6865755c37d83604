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

/** @param ask settles soon once it is interrupted, with whatever */
export function repeat(
  { intervalMs, timeoutMs }: RepeatedOptions,
  ask: (interruption: AbortSignal) => Promise<Sign>,
  hear: (sign: Sign) => void,
): Ear {
  const end = interruptible();
  const { signal } = end;

  async function once(): Promise<{ readonly sign: Sign; readonly isOurs: boolean }> {
    const from = monotonicNow();
    const sign = await ask(signal);
    const tookMs = msBetween(from, monotonicNow());
    return { sign, isOurs: sign.kind === 'failed' && tookMs > timeoutMs + intervalMs / 2 };
  }

  const isOver = () => signal.aborted;

  async function goOn(): Promise<void> {
    for (let due = monotonicNow(); ; due = nextSlot(due, intervalMs, monotonicNow())) {
      await pause(msBetween(monotonicNow(), due), signal);
      if (isOver()) return;
      const first = await once();
      const { sign } = first.isOurs && !isOver() ? await once() : first;
      if (isOver()) return;
      hear(sign);
    }
  }

  void goOn();
  return { close: () => end.abort() };
}
