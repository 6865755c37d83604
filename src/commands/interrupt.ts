import { interruptible } from '../kernel/interruption.js';
import { interruptExitCode, type Environment, type InterruptSignal } from './environment.js';

export interface Interrupt {
  /** Aborted by the first Ctrl-C or SIGTERM. */
  readonly signal: AbortSignal;
  /** What the command exits with: 130 or 143 after an interruption, otherwise its own code. */
  exitCode(otherwise: number): number;
  readonly happened: boolean;
  /** Undefined until it happened. */
  readonly received: InterruptSignal | undefined;
  /** From now on a signal does what it does to any program. */
  ignore(): void;
}

/** Makes the first Ctrl-C or SIGTERM end a command early but in order; the second one kills. */
export function listenForInterrupt(env: Environment): Interrupt {
  const controller = interruptible();
  let received: InterruptSignal | undefined;
  const ignore = env.onInterrupt((signal) => {
    received = signal;
    // The terminal has echoed ^C there.
    if (env.stderr.isTTY) env.stderr.write('\n');
    controller.abort();
  });
  return {
    signal: controller.signal,
    exitCode: (otherwise) => (received === undefined ? otherwise : interruptExitCode[received]),
    get happened() {
      return received !== undefined;
    },
    get received() {
      return received;
    },
    ignore,
  };
}
