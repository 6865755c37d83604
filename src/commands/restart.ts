/** SIGUSR2, or who asks: the next version of this program takes the listening sockets over, or this one goes on. */
import { variablesForSuccessor } from '../core/inherited.js';
import type { RestartEntry } from '../core/serve-log.js';
import { Succession, type SuccessionInput } from '../core/succession.js';
import { monotonicNow } from '../kernel/clock.js';
import { deadlines } from '../net/deadlines.js';
import { startSuccessor, type Successor } from '../net/successor.js';
import type { Environment } from './environment.js';

export interface Restart {
  /** Resolves when the next version serves, with its number. */
  readonly replaced: Promise<number>;
  /** There is a next version, be it ready or not. */
  readonly isUnderWay: boolean;
  /** As SIGUSR2 does. Tells what comes of it: `restarting` and its end, or at once that it cannot be. */
  ask(hear: Hear): void;
  /** None starts from now on, and one that is not ready is ended: whoever asks is told. */
  stop(): void;
  /** From now on SIGUSR2 does what it does to any program. */
  ignore(): void;
}

type Hear = (entry: RestartEntry) => void;

export interface RestartOptions {
  readonly readyTimeoutMs: number;
  /** Of the listening sockets. */
  readonly descriptors: () => readonly number[];
  readonly print: Hear;
}

const TOO_LATE = 'the next version was not ready in time, and was ended (--ready-timeout)';
const ENDED_WITH_US = 'the next version was not ready when this one was to end, and was ended';

export function listenForRestart(env: Environment, options: RestartOptions): Restart {
  const { readyTimeoutMs } = options;
  const succession = new Succession(readyTimeoutMs);
  let successor: Successor | undefined;
  /** Who asked for it. */
  let hear = NOBODY;
  let isReplaced: (pid: number) => void = () => undefined;
  const replaced = new Promise<number>((resolve) => {
    isReplaced = resolve;
  });
  const deadline = deadlines.enter({ deadlineCame: () => step('tick') });

  function step(input: SuccessionInput, asker = hear): void {
    for (const action of succession.step(input, monotonicNow())) {
      switch (action.kind) {
        case 'start':
          hear = asker;
          start();
          break;
        case 'retire': {
          const pid = successor?.pid ?? 0;
          tell({ event: 'restarted', ...ofThis(), successor: pid });
          isReplaced(pid);
          break;
        }
        case 'kill':
          successor?.kill();
          fail(input === 'ending' ? ENDED_WITH_US : TOO_LATE);
          break;
        case 'refuse':
          tell({ event: 'restart-refused', ...ofThis(), reason: action.reason }, asker);
          break;
      }
    }
    deadlines.move(deadline, succession.nextDeadline());
  }

  function start(): void {
    const descriptors = options.descriptors();
    const started = startSuccessor({
      command: env.command,
      variables: variablesForSuccessor(env.variables, process.pid, descriptors.length),
      descriptors,
    });
    successor = started;
    tell({ event: 'restarting', ...ofThis(), successor: started.pid, readyTimeoutMs });
    void started.ready.then((outcome) => {
      if (successor !== started) return; // it has been given up before
      if (outcome.kind === 'ended') fail(`the next version does not serve: ${outcome.reason}`);
      step(outcome.kind === 'ready' ? 'ready' : 'failed');
    });
  }

  function fail(reason: string): void {
    successor = undefined;
    tell({ event: 'restart-failed', ...ofThis(), reason });
  }

  function tell(entry: RestartEntry, to = hear): void {
    options.print(entry);
    to(entry);
  }

  const unlisten = env.onRestart(() => step('asked', NOBODY));
  return {
    replaced,
    get isUnderWay() {
      return successor !== undefined;
    },
    ask: (asker) => step('asked', asker),
    stop: () => step('ending'),
    ignore() {
      unlisten();
      deadlines.leave(deadline);
    },
  };
}

const NOBODY: Hear = () => undefined;

function ofThis() {
  return { time: new Date().toISOString(), pid: process.pid };
}
