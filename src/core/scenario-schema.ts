/**
 * The shape of a scenario file. Every message reads `what is wrong; what is accepted`. What takes
 * more than one place of the file to judge (names, nesting, repetitions) is left to scenario.ts.
 */
import * as v from 'valibot';
import { parseCountComparison, type Comparison } from './comparator.js';
import { parseDuration } from './duration.js';
import { isMapping, list, mapping, shown, spelled, text, whole } from './file-schema.js';
import { LARGEST_FRAME_BYTES } from './frame.js';
import { parseMode } from './mode.js';
import type { TimerName } from './result.js';
import { countNames, type Quantity } from './scenario-check.js';
import { quoted, UNPRINTABLE } from './plain-yaml.js';

/** A step as it is written, but that durations are milliseconds. */
export type StepShape =
  | { readonly connect: string }
  | { readonly cut: string }
  | { readonly close: string }
  | { readonly send: Sending }
  | { readonly serverSend: Sending }
  | { readonly wait: number }
  | { readonly repeat: number; readonly steps: readonly StepShape[] }
  | { readonly every: number; readonly for: number; readonly steps: readonly StepShape[] };

interface Sending {
  readonly connection: string;
  /** Of payload, 1 to 65535. */
  readonly bytes: number;
}

export type ScenarioShape = v.InferOutput<typeof scenarioSchema>;

export const MOST_REPETITIONS = 10_000;

/** What "one frame" is where the file does not say more. */
const FRAME_BYTES = 64;

/** As `ss` spells them: the states in which a server's socket can linger. */
const STATES = [
  'ESTABLISHED',
  'SYN-RECV',
  'FIN-WAIT-1',
  'FIN-WAIT-2',
  'CLOSE-WAIT',
  'LAST-ACK',
  'CLOSING',
  'TIME-WAIT',
  'CLOSE',
];
const TIMERS: readonly TimerName[] = ['none', 'retransmit', 'keepalive', 'zero-window'];

const duration = spelled(parseDuration, 'a duration', 'write 250ms, 3s, 1m30s or 2h');
const mode = spelled(parseMode, 'a mode', 'write none, keepalive=1s:1s:3 or heartbeat=1s:3s');
const count = spelled(parseCountComparison, 'a count', "write a whole number, or '>0' or '<=64'");

const connection = text(
  (name) => /^[\w.-]{1,64}$/.test(name),
  'the name of a connection',
  'text such as phone, 1 to 64 letters, digits, dots, dashes and underscores',
);

const sendingMapping = mapping('a frame to send', {
  connection,
  bytes: v.optional(whole('bytes', 1, LARGEST_FRAME_BYTES), FRAME_BYTES),
});
const oneFrame = v.pipe(
  connection,
  v.transform((name): Sending => ({ connection: name, bytes: FRAME_BYTES })),
);
const sending: v.GenericSchema<unknown, Sending> = v.lazy((input) =>
  isMapping(input) ? sendingMapping : oneFrame,
);

const verbs: Readonly<Record<string, v.GenericSchema<unknown, StepShape>>> = {
  connect: mapping('a connect step', { connect: connection }),
  send: mapping('a send step', { send: sending }),
  wait: mapping('a wait step', { wait: duration }),
  cut: mapping('a cut step', { cut: connection }),
  close: mapping('a close step', { close: connection }),
  serverSend: mapping('a serverSend step', { serverSend: sending }),
  repeat: mapping('a repeat step', {
    repeat: whole('repeat', 1, MOST_REPETITIONS),
    steps: v.lazy(() => steps),
  }),
  every: mapping('an every step', {
    every: duration,
    for: duration,
    steps: v.lazy(() => steps),
  }),
};
const VERBS = `one of ${Object.keys(verbs).join(', ')}`;

const step = v.lazy((input): v.GenericSchema<unknown, StepShape> => {
  if (!isMapping(input)) return v.never(`${shown(input)} is not a step; ${VERBS}`);
  const keys = Object.keys(input);
  const [first, second] = keys.filter((key) => Object.hasOwn(verbs, key));
  if (first !== undefined && second !== undefined) {
    return v.never(`two verbs in one step, ${first} and ${second}; write '- ${second}:' below it`);
  }
  const [unknown] = keys;
  return (
    verbs[first ?? ''] ??
    v.never(
      `${unknown === undefined ? 'an empty mapping' : quoted(unknown)} is not a verb; ${VERBS}`,
    )
  );
});
const steps: v.GenericSchema<unknown, readonly StepShape[]> = list(step, 'steps');

const quantityEntries = {
  ...v.entriesFromList(countNames, v.optional(count)),
  state: v.optional(word('a state', STATES)),
  timer: v.optional(word('a timer', TIMERS)),
  sendQueueBytes: v.optional(count),
  retransmissions: v.optional(count),
} satisfies Record<Quantity, unknown>;

const expectation = v.pipe(
  mapping('an expectation', { mode: v.optional(mode), ...quantityEntries }),
  v.transform(({ mode: only, ...quantities }) => ({ mode: only, quantities })),
  v.check(
    ({ quantities }) => Object.keys(quantities).length > 0,
    'an expectation of nothing; such as established: 6',
  ),
);

export const scenarioSchema = mapping('a scenario', {
  name: text(
    (name) => name.trim() !== '' && name.length <= 100 && !UNPRINTABLE.test(name),
    'a name',
    'text of one printable line, at most 100 characters',
  ),
  story: v.optional(
    text(
      (story) => story.length <= 4000 && !UNPRINTABLE.test(story.replace(/[\n\t]/g, '')),
      'a story',
      'text of at most 4000 printable characters',
    ),
    '',
  ),
  modes: v.optional(list(mode, 'modes', 16), ['none']),
  server: v.optional(
    mapping('a server section', {
      replyDelay: v.optional(duration),
      descriptors: v.optional(whole('descriptors', 32, 4096)),
    }),
  ),
  steps,
  expect: v.optional(list(expectation, 'expectations')),
});

/** A word that stands for itself. */
function word(what: string, accepted: readonly string[]) {
  return v.pipe(
    text((input) => accepted.includes(input), what, `one of ${accepted.join(', ')}`),
    v.transform((value): Comparison => ({ comparator: '=', value })),
  );
}
