/** What happens to a connection (fault) and what it is doing meanwhile (load). */
import { TcpaliveError } from '../errors.js';
import { parseList } from './list.js';

export type Fault = 'blackhole' | 'freeze' | 'close' | 'reset';
export type Load = 'idle' | 'write';
/** The end that must notice. */
export type Observer = 'server' | 'client';

/** Each fault as a person would say it. */
export const faultWords: Readonly<Record<Fault, string>> = {
  blackhole: 'blackhole both ways',
  freeze: 'peer process stopped, its kernel alive',
  close: 'peer closes (FIN)',
  reset: 'peer resets (RST)',
};

export const loadWords: Readonly<Record<Load, string>> = {
  idle: 'nothing in flight',
  write: 'one unanswered write in flight',
};

const observers: readonly Observer[] = ['server', 'client'];

/** @throws TcpaliveError BAD_USAGE, for this and the other parsers. */
export function parseFaults(text: string): readonly Fault[] {
  return parseList(text, (fault) => oneOf(fault, Object.keys(faultWords), 'a fault') as Fault);
}

export function parseLoads(text: string): readonly Load[] {
  return parseList(text, (load) => oneOf(load, Object.keys(loadWords), 'a load') as Load);
}

export function parseObserver(text: string): Observer {
  return oneOf(text, observers, 'an observer') as Observer;
}

function oneOf(text: string, accepted: readonly string[], what: string): string {
  if (accepted.includes(text)) return text;
  throw new TcpaliveError('BAD_USAGE', `'${text}' is not ${what}: ${accepted.join(', ')}`);
}
