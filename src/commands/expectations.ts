import type { Checked } from '../core/comparator.js';
import { printable } from '../report/printable.js';
import type { Environment } from './environment.js';

/** A line each, with what was found. @returns whether all of them hold */
export function tellExpectations({ stderr }: Environment, outcomes: readonly Checked[]): boolean {
  for (const { text, pass, got } of outcomes) {
    stderr.write(`${printable(`${pass ? 'pass' : 'FAIL'}  ${text}  (got ${got})`)}\n`);
  }
  return outcomes.every(({ pass }) => pass);
}
