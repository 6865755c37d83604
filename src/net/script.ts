/** Plays a scenario's steps in order, on whoever can carry them out. Knows no socket. */
import type { Step } from '../core/scenario-steps.js';
import { addMs, msBetween } from '../core/time.js';
import { monotonicNow } from '../kernel/clock.js';
import { pause } from '../kernel/interruption.js';

/** Carries out the steps that do something; a promise resolves when it has been done. */
export interface Actor {
  connect(connection: string): void | Promise<void>;
  send(connection: string, bytes: number): void | Promise<void>;
  serverSend(connection: string, bytes: number): void | Promise<void>;
  cut(connection: string): void | Promise<void>;
  close(connection: string): void | Promise<void>;
}

/** Ends early, between two steps, after an interruption. */
export async function play(
  steps: readonly Step[],
  actor: Actor,
  interruption: AbortSignal,
): Promise<void> {
  const goesOn = () => !interruption.aborted;
  for (const step of steps) {
    if (!goesOn()) return;
    switch (step.kind) {
      case 'connect':
      case 'cut':
      case 'close':
        await actor[step.kind](step.connection);
        break;
      case 'send':
      case 'serverSend':
        await actor[step.kind](step.connection, step.bytes);
        break;
      case 'wait':
        await pause(step.waitMs, interruption);
        break;
      case 'repeat':
        for (let time = 0; time < step.times && goesOn(); time++) {
          await play(step.steps, actor, interruption);
        }
        break;
      case 'every': {
        const started = monotonicNow();
        for (let time = 0; time < step.times && goesOn(); time++) {
          const due = addMs(started, time * step.everyMs);
          await pause(Math.max(0, msBetween(monotonicNow(), due)), interruption);
          await play(step.steps, actor, interruption);
        }
        await pause(
          Math.max(0, msBetween(monotonicNow(), addMs(started, step.forMs))),
          interruption,
        );
        break;
      }
    }
  }
}
