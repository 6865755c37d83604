import { faultKind, faultWords, type Fault } from '../core/condition.js';

/** `blackhole both ways`, `freeze: peer process stopped, its kernel alive`. */
export function faultPhrase(fault: Fault): string {
  const words = faultWords[faultKind(fault)];
  return words.startsWith(fault) ? words : `${fault}: ${words}`;
}
