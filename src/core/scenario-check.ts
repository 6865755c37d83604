/** A scenario's `expect:` held against what was found when it had been played in one mode. */
import { holds, type Checked, type Comparison } from './comparator.js';
import { formatMode, type Mode } from './mode.js';
import type { Lingering } from './result.js';

export interface ScenarioExpectation extends Comparison {
  /** Canonical text of the only mode it is about; undefined: every mode. */
  readonly mode: string | undefined;
  readonly quantity: Quantity;
}

/** Counted on the server's machine at the end, unless it says otherwise. */
export interface ScenarioFacts {
  /** Connections that the client opened. */
  readonly opened: number;
  /** Connections on which the client received an answer. */
  readonly answered: number;
  /** Connections that the server could not take on. */
  readonly refused: number;
  /** Connections that the server gave up because its mode found them dead. */
  readonly noticed: number;
  /** Server sockets in state ESTABLISHED. */
  readonly established: number;
  /** Server sockets whose client is gone. */
  readonly stale: number;
  /** Server sockets whose client is still there. */
  readonly live: number;
  /** The most descriptors that the server process held at any time. */
  readonly peakDescriptors: number;
  /** The stale server sockets by the kernel's own word. */
  readonly staleSockets: readonly Lingering[];
}

export const countNames = [
  'opened',
  'answered',
  'refused',
  'noticed',
  'established',
  'stale',
  'live',
  'peakDescriptors',
] as const satisfies readonly (keyof ScenarioFacts)[];

/** Facts about the stale server sockets: there must be one, and it must hold for all. */
export const factNames = [
  'state',
  'timer',
  'sendQueueBytes',
  'retransmissions',
] as const satisfies readonly (keyof Lingering)[];

type CountName = (typeof countNames)[number];
type FactName = (typeof factNames)[number];
export type Quantity = CountName | FactName;

/** Those of `expectations` that are about `mode`, in their order. */
export function checkScenario(
  expectations: readonly ScenarioExpectation[],
  mode: Mode,
  facts: ScenarioFacts,
): readonly Checked[] {
  const played = formatMode(mode);
  return expectations
    .filter((expectation) => expectation.mode === undefined || expectation.mode === played)
    .map((expectation) => {
      const { quantity, comparator, value } = expectation;
      const found = valuesOf(quantity, facts);
      return {
        text: `${quantity}${comparator}${value}`,
        got: found.length === 0 ? 'no stale socket' : [...new Set(found)].join(', '),
        pass: found.length > 0 && found.every((each) => holds(each, expectation)),
      };
    });
}

function valuesOf(quantity: Quantity, facts: ScenarioFacts): readonly (number | string)[] {
  if (!isFact(quantity)) return [facts[quantity]];
  return facts.staleSockets.filter((group) => group.count > 0).map((group) => group[quantity]);
}

function isFact(quantity: Quantity): quantity is FactName {
  return factNames.some((name) => name === quantity);
}
