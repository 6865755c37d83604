/**
 * Where a guardian's events go. Services have standard output to themselves unless --json is asked for. On a
 * terminal that no service writes to, a line a service is painted over instead.
 */
import type { GuardEntry, GuardEvent } from '../core/guard/guard-log.js';
import type { GuardStatus } from '../core/guard/guard-status.js';
import type { Kernel } from '../kernel/kernel.js';
import { guardLine, isTrouble, serviceLines } from '../report/guard-line.js';
import { printable } from '../report/printable.js';
import { BoundedLines } from './bounded-lines.js';
import type { Environment } from './environment.js';
import { EventsFile } from './events-file.js';
import type { GuardFlags } from './guard.js';
import { paintOver, type Painting } from './paint-over.js';
import { isAnimated, styleFor } from './style.js';
import { unsharedStream } from './unshared-stream.js';

export interface GuardOutput {
  print(event: GuardEvent): void;
  warn(words: string): void;
  /** From now on nobody who does not read is waited for. Before a service shares where it writes. */
  neverBlock(kernel: Kernel): void;
  /** From now on a line a service is painted, where it can be. */
  watch(status: () => GuardStatus): void;
  /** It has been moved away. */
  reopen(): void;
  close(): void;
}

const REPAINT_MS = 500;

/**
 * @param isTerminalOurs no service writes there
 * @throws TcpaliveError CANNOT_WRITE
 */
export function guardOutput(
  env: Environment,
  flags: GuardFlags,
  isTerminalOurs: () => boolean,
): GuardOutput {
  const { json = false, quiet = false, events } = flags;
  const { stderr } = env;
  const style = () => styleFor(env, stderr, flags.color);
  const lines = new BoundedLines<GuardEntry>(json ? env.stdout : stderr, (entry) =>
    guardLine(entry, json, style()),
  );
  const file = events === undefined ? undefined : new EventsFile(events, warn);
  let painting: Painting | undefined;
  let repaint: NodeJS.Timeout | undefined;

  function warn(words: string): void {
    painting?.clear();
    stderr.write(`warning: ${printable(words)}\n`);
  }

  function print(event: GuardEvent): void {
    const entry: GuardEntry = { ...event, time: new Date().toISOString() };
    file?.write(guardLine(entry, true, style()));
    if (!json && !isTold(entry)) return;
    painting?.clear();
    lines.write(entry, entry.event !== 'summary');
  }

  function isTold(entry: GuardEntry): boolean {
    if (isTrouble(entry) || entry.event === 'summary') return true;
    return !quiet && painting === undefined;
  }

  return {
    print,
    warn,
    neverBlock(kernel) {
      for (const each of json ? [env.stdout, stderr] : [stderr]) {
        each.goOnIn((fd) => unsharedStream(fd, kernel));
      }
    },
    watch(status) {
      if (json || quiet || !isAnimated(env, stderr) || !isTerminalOurs()) return;
      const picture = paintOver(env);
      painting = picture;
      repaint = setInterval(() => picture.paint(serviceLines(status(), style())), REPAINT_MS);
    },
    reopen: () => file?.reopen(),
    close() {
      clearInterval(repaint);
      painting?.end();
      file?.close();
    },
  };
}
