/** `ls --fail-on forever,dying,fds=90%`: what makes a survey a failure, for CI and for alarms. */
import type { FateKind } from './fate.js';
import { fateKinds } from './fate.js';
import { parseList } from './list.js';
import { countByFate, type Survey } from './survey.js';
import { TcpaliveError } from '../errors.js';

export type Condition =
  | { readonly kind: 'fate'; readonly fate: FateKind }
  /** A process that holds that share of its descriptors, 0 to 1. */
  | { readonly kind: 'descriptors'; readonly share: number };

/** @throws TcpaliveError BAD_USAGE */
export function parseFailOn(text: string): readonly Condition[] {
  return parseList(text, parseCondition);
}

/** One line for each condition that holds. */
export function failures(survey: Survey, conditions: readonly Condition[]): readonly string[] {
  if (conditions.length === 0) return [];
  const counts = countByFate(survey.connections);
  return conditions.flatMap((condition) => {
    if (condition.kind === 'fate') {
      const count = counts[condition.fate];
      return count === 0 ? [] : [`${condition.fate}: ${count}`];
    }
    return survey.processes.flatMap(({ name, pid, fds, fdLimit }) =>
      fds !== null && fdLimit !== null && fds >= condition.share * fdLimit
        ? [`fds=${percent(condition.share)}: ${name}[${pid}] holds ${fds} of ${fdLimit}`]
        : [],
    );
  });
}

function parseCondition(text: string): Condition {
  const fate = fateKinds.find((known) => known === text);
  if (fate !== undefined) return { kind: 'fate', fate };
  const digits = /^fds=(\d+(?:\.\d+)?)%$/.exec(text)?.[1];
  if (digits !== undefined && Number(digits) <= 100) {
    return { kind: 'descriptors', share: Number(digits) / 100 };
  }
  throw new TcpaliveError(
    'BAD_USAGE',
    `'${text}' is not ${fateKinds.join(', ')} or fds=PERCENT%, such as fds=90%`,
  );
}

function percent(share: number): string {
  return `${Number((share * 100).toFixed(2))}%`;
}
