/** What happens to a connection (fault) and what it is doing meanwhile (load). */
import { TcpaliveError } from '../errors.js';
import { formatDuration, parseDuration } from './duration.js';
import { parseList } from './list.js';

/** In its canonical spelling, which is also how it is written in a result. */
export type Fault = PlainFault | `outage=${string}` | `pause=${string}` | `loss=${string}%`;
type PlainFault = 'blackhole' | 'to-peer' | 'from-peer' | 'freeze' | 'relay' | 'close' | 'reset';
export type FaultKind = PlainFault | 'outage' | 'pause' | 'loss';
export type Load = 'idle' | 'write' | 'zero-window' | 'connect';
/** The end that must notice. */
export type Observer = 'server' | 'client';

/** Each fault as a person would say it. */
export const faultWords: Readonly<Record<FaultKind, string>> = {
  blackhole: 'blackhole both ways',
  'to-peer': 'nothing reaches the peer',
  'from-peer': 'nothing from the peer arrives',
  freeze: 'peer process stopped, its kernel alive',
  pause: 'peer process stopped, then going on',
  relay: 'relay that swallows but acknowledges',
  outage: 'blackhole both ways that heals',
  loss: 'random loss both ways',
  close: 'peer closes (FIN)',
  reset: 'peer resets (RST)',
};

export const loadWords: Readonly<Record<Load, string>> = {
  idle: 'nothing in flight',
  write: 'one unanswered write in flight',
  'zero-window': 'the peer does not read',
  connect: 'SYNs into nothing',
};

/** How each fault is written. */
export const faultGrammar = Object.keys(faultWords).map((kind) => {
  if (kind === 'outage' || kind === 'pause') return `${kind}=T`;
  return kind === 'loss' ? 'loss=P%' : kind;
});

const observers: readonly Observer[] = ['server', 'client'];

export function faultKind(fault: Fault): FaultKind {
  return fault.replace(/=.*/, '') as FaultKind;
}

/** After how long all is well again, of an outage or a pause; undefined: it never is. */
export function healsAfterMs(fault: Fault): number | undefined {
  const kind = faultKind(fault);
  return kind === 'outage' || kind === 'pause'
    ? parseDuration(fault.replace(`${kind}=`, ''))
    : undefined;
}

/** The part of the segments that is lost, 0 to 1; undefined: this fault is no loss. */
export function lossShare(fault: Fault): number | undefined {
  return faultKind(fault) === 'loss' ? Number(/[\d.]+/.exec(fault)?.[0]) / 100 : undefined;
}

/** A method by which the peer's end still acknowledges: a keepalive row through it means nothing. */
export function stillAcknowledges(fault: Fault): boolean {
  const kind = faultKind(fault);
  return kind === 'freeze' || kind === 'pause' || kind === 'relay';
}

/** Segments are silently dropped, at one end or both. */
export function drops(fault: Fault): boolean {
  return ['blackhole', 'to-peer', 'from-peer', 'outage', 'loss'].includes(faultKind(fault));
}

/** @throws TcpaliveError BAD_USAGE, for this and the other parsers. */
export function parseFaults(text: string): readonly Fault[] {
  return parseList(text, parseFault);
}

export function parseFault(text: string): Fault {
  const at = text.indexOf('=');
  const [kind, value] = at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
  if (kind === 'outage' || kind === 'pause') {
    return `${kind}=${formatDuration(parseHealing(kind, value))}`;
  }
  if (kind === 'loss') return `loss=${parsePercent(value, text)}%`;
  return oneOf(text, faultGrammar, 'a fault') as PlainFault;
}

export function parseLoads(text: string): readonly Load[] {
  return parseList(text, (load) => oneOf(load, Object.keys(loadWords), 'a load') as Load);
}

export function parseObserver(text: string): Observer {
  return oneOf(text, observers, 'an observer') as Observer;
}

function parseHealing(kind: string, value: string | undefined): number {
  if (value !== undefined && value !== '') return parseDuration(value);
  throw new TcpaliveError('BAD_USAGE', `'${kind}' needs a time, such as ${kind}=2s`);
}

function parsePercent(value: string | undefined, text: string): number {
  const percent = /^(\d{1,3}(?:\.\d{1,2})?)%$/.exec(value ?? '')?.[1];
  if (percent !== undefined && Number(percent) > 0 && Number(percent) <= 100)
    return Number(percent);
  throw new TcpaliveError('BAD_USAGE', `'${text}' is not a loss: 0.01% to 100%, such as loss=5%`);
}

function oneOf(text: string, accepted: readonly string[], what: string): string {
  if (accepted.includes(text)) return text;
  throw new TcpaliveError('BAD_USAGE', `'${text}' is not ${what}: ${accepted.join(', ')}`);
}
