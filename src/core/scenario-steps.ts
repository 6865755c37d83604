/** A scenario's steps: where each stands in the file, and whether they can be played as they are. */
import { MOST_REPETITIONS, type StepShape } from './scenario-schema.js';
import type { Path, Position } from './plain-yaml.js';

export type Step = { readonly at: Position } & (
  | {
      /**
       * connect: a new socket, also under a name that was used before. cut: both ends, the server's
       * first; nothing arrives at either any more. close: the client closes.
       */
      readonly kind: 'connect' | 'cut' | 'close';
      readonly connection: string;
    }
  | {
      readonly kind: 'send' | 'serverSend';
      readonly connection: string;
      /** Of payload, 1 to 65535. */
      readonly bytes: number;
    }
  | { readonly kind: 'wait'; readonly waitMs: number }
  | { readonly kind: 'repeat'; readonly times: number; readonly steps: readonly Step[] }
  | {
      /** The steps begin at 0, `everyMs`, twice `everyMs` …, `times` times: while that is before `forMs`. */
      readonly kind: 'every';
      readonly everyMs: number;
      readonly forMs: number;
      readonly times: number;
      readonly steps: readonly Step[];
    }
);

/** What the file knows about itself. */
export interface StepSource {
  positionOf(path: Path): Position;
  refuse(at: Position, message: string): Error;
}

/** Repetitions in repetitions in repetitions. */
const DEEPEST = 3;

/** @throws what `source.refuse` makes of the first thing that cannot be played */
export function readSteps(
  shapes: readonly StepShape[],
  path: Path,
  source: StepSource,
): readonly Step[] {
  const steps = placeSteps(shapes, path, { source, depth: 0, rounds: 1 });
  followConnections(steps, new Map(), source);
  return steps;
}

/** In the order of the file, each once, a repetition before what is in it. */
export function flatSteps(steps: readonly Step[]): readonly Step[] {
  return steps.flatMap((step) => ('steps' in step ? [step, ...flatSteps(step.steps)] : [step]));
}

/** What is around a step. */
interface Surroundings {
  readonly source: StepSource;
  /** How many repetitions. */
  readonly depth: number;
  /** How often they play it, all of them together. */
  readonly rounds: number;
}

function placeSteps(shapes: readonly StepShape[], path: Path, around: Surroundings): Step[] {
  return shapes.map((shape, index) => placeStep(shape, [...path, index], around));
}

function placeStep(shape: StepShape, path: Path, around: Surroundings): Step {
  const at = around.source.positionOf(path);
  if ('connect' in shape) return { at, kind: 'connect', connection: shape.connect };
  if ('cut' in shape) return { at, kind: 'cut', connection: shape.cut };
  if ('close' in shape) return { at, kind: 'close', connection: shape.close };
  if ('send' in shape) return { at, kind: 'send', ...shape.send };
  if ('serverSend' in shape) return { at, kind: 'serverSend', ...shape.serverSend };
  if ('wait' in shape) return { at, kind: 'wait', waitMs: shape.wait };
  const stepsOf = (times: number) =>
    placeSteps(shape.steps, [...path, 'steps'], within(around, at, times));
  if ('repeat' in shape) {
    return { at, kind: 'repeat', times: shape.repeat, steps: stepsOf(shape.repeat) };
  }
  const { every: everyMs, for: forMs } = shape;
  if (everyMs >= forMs) {
    throw around.source.refuse(at, 'every is not shorter than for; such as every: 1s, for: 10s');
  }
  const times = Math.ceil(forMs / everyMs);
  return { at, kind: 'every', everyMs, forMs, times, steps: stepsOf(times) };
}

function within({ source, depth, rounds }: Surroundings, at: Position, times: number) {
  const inner: Surroundings = { source, depth: depth + 1, rounds: rounds * times };
  if (inner.depth > DEEPEST) {
    throw source.refuse(at, `repetitions ${inner.depth} deep; at most ${DEEPEST}`);
  }
  if (inner.rounds > MOST_REPETITIONS) {
    const multiplied = depth === 0 ? '' : ', multiplied by those around it';
    throw source.refuse(
      at,
      `${inner.rounds} repetitions${multiplied}; at most ${MOST_REPETITIONS}`,
    );
  }
  return inner;
}

type Connections = Map<string, 'open' | 'closed'>;

/** Repetitions are gone through twice: the second round begins with what the first leaves behind. */
function followConnections(
  steps: readonly Step[],
  connections: Connections,
  source: StepSource,
): void {
  for (const step of steps) {
    if (step.kind === 'wait') continue;
    if ('steps' in step) {
      followConnections(step.steps, connections, source);
      if (step.times > 1) followConnections(step.steps, connections, source);
      continue;
    }
    const { at, kind, connection } = step;
    const known = connections.get(connection);
    if (kind === 'connect') connections.set(connection, 'open');
    else if (known === undefined) {
      throw source.refuse(
        at,
        `'${connection}' is not connected yet; write '- connect: ${connection}' before it`,
      );
    } else if (known === 'closed' && kind !== 'serverSend') {
      throw source.refuse(
        at,
        `'${connection}' is closed already; write '- connect: ${connection}' before it`,
      );
    }
    if (kind === 'close') connections.set(connection, 'closed');
  }
}
