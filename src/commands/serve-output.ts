/** Where the entries of serve go: to standard output, and to a file of events if one is named. */
import type { ServeEntry } from '../core/serve-log.js';
import { printable } from '../report/printable.js';
import { serveLine } from '../report/serve-line.js';
import { BoundedLines } from './bounded-lines.js';
import type { Environment } from './environment.js';
import { EventsFile } from './events-file.js';
import type { ServeFlags } from './serve.js';
import { styleFor } from './style.js';

export interface ServeOutput {
  /** False: nobody is told of frames, and nobody need make an entry of one. */
  readonly tellsFrames: boolean;
  readonly print: (entry: ServeEntry) => void;
  /** On standard error. */
  readonly warn: (words: string) => void;
  close(): void;
}

export type OutputFlags = Pick<ServeFlags, 'json' | 'quiet' | 'events' | 'color'>;

/** @throws TcpaliveError CANNOT_WRITE */
export function serveOutput(env: Environment, flags: OutputFlags): ServeOutput {
  const { json = false, quiet = false } = flags;
  env.stdout.neverBlock();
  env.stderr.neverBlock();
  const style = styleFor(env, env.stdout, flags.color);
  const lines = new BoundedLines<ServeEntry>(env.stdout, (entry) => serveLine(entry, json, style));
  const file = flags.events === undefined ? undefined : new EventsFile(flags.events, warn);
  const ignoreHangups = file === undefined ? undefined : env.onHangup(() => file.reopen());

  function warn(words: string): void {
    env.stderr.write(`warning: ${printable(words)}\n`);
  }

  return {
    tellsFrames: !quiet,
    warn,
    print(entry) {
      if (!quiet || ALWAYS_TOLD.includes(entry.event)) lines.write(entry, 'peer' in entry);
      // As many as there are beats: they are counted, and a disk is not filled with them.
      if (entry.event !== 'frame') file?.write(serveLine(entry, true, style));
    },
    close() {
      ignoreHangups?.();
      file?.close();
    },
  };
}

const ALWAYS_TOLD: readonly ServeEntry['event'][] = [
  'listening',
  'limit',
  'status',
  'accept',
  'noticed',
  'refused',
  'worker-started',
  'worker-lost',
  'restarting',
  'restarted',
  'restart-failed',
  'restart-refused',
  'draining',
  'summary',
];
