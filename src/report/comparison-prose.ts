/** The sentences around a comparison's table: what was done, notes, and how to read the figures. */
import { countWords } from './count-words.js';
import { faultKind, type Fault } from '../core/condition.js';
import { changedSysctls } from '../core/sysctl.js';
import { faultPhrase } from './fault-phrase.js';
import { formatMode } from '../core/mode.js';
import type { ComparisonResult, RowResult } from '../core/result.js';
import { defaultRows } from '../core/row.js';
import { fillLines } from './layout.js';
import { printable } from './printable.js';
import { roughly } from './time-words.js';

/** What was done to whom, where and on what; with several faults, each on a line of its own. */
export function headerLines(result: ComparisonResult, width: number): readonly string[] {
  const faults = [...new Set(result.rows.map((row) => row.fault))];
  const described = faults.map((fault) => describedFault(result.rows, fault));
  const interrupted = result.complete ? [] : ['interrupted: figures so far'];
  return faults.length > 1
    ? [...fillLines([...interrupted, ...circumstances(result)], ', ', width), ...described]
    : fillLines([...interrupted, ...described, ...circumstances(result)], ', ', width);
}

/** Each distinct footnote's number, from 1 in the order of the rows. */
export function numberFootnotes(rows: readonly RowResult[]): ReadonlyMap<string, number> {
  const distinct = new Set(rows.flatMap((row) => row.footnotes));
  return new Map([...distinct].map((footnote, at) => [footnote, at + 1]));
}

/** Notes about the whole run, then the numbered ones that rows refer to. */
export function noteLines(result: ComparisonResult): readonly string[] {
  const numbered = [...numberFootnotes(result.rows)];
  return [
    ...result.notes.map((note) => `Note: ${printable(note)}`),
    ...numbered.map(([footnote, number]) => `[${number}] ${printable(footnote)}`),
  ];
}

/** The default rows' values are chosen so that a run takes seconds: nobody should copy them. */
export function closingLines({ rows }: ComparisonResult): readonly string[] {
  const sized = rows.map((row) => row.mode).filter((mode) => !UNSIZED.has(mode));
  const times = rows.every((row) => row.fault === 'blackhole')
    ? 'Times from the cut.'
    : 'Times from the fault.';
  const labModes = new Set(defaultRows().map((row) => formatMode(row.mode)));
  if (sized.length === 0 || !sized.every((mode) => labModes.has(mode))) {
    return [times];
  }
  return [
    `${times} Lab-sized values, not a recommendation.`,
    'Yours: tcpalive compare --modes keepalive=60s:10s:6+user-timeout=2m,heartbeat=10s:30s',
  ];
}

/** Modes without a time of ours in them. */
const UNSIZED: ReadonlySet<string> = new Set(['none', 'keepalive=system']);

function circumstances(result: ComparisonResult): readonly string[] {
  const { rows, host, loopDelayMs } = result;
  return [
    placeWords(result),
    ...connectionPieces(rows),
    `Linux ${printable(/^\d+\.\d+/.exec(host.kernel)?.[0] ?? host.kernel)}`,
    ...changedSysctls(host.sysctl),
    roughly(result.durationMs),
    rows.some((row) => row.measured.waited)
      ? `event loop at most ${loopDelayMs.max.toFixed(1)}ms late`
      : 'predicted only',
  ];
}

/** `blackhole both ways, proven (0 segments delivered)`, `freeze: peer process stopped, …`. */
function describedFault(rows: readonly RowResult[], fault: Fault): string {
  const named = faultPhrase(fault);
  const proof = proofWords(rows, fault);
  return proof === undefined ? named : `${named}, ${proof}`;
}

function proofWords(rows: readonly RowResult[], fault: Fault): string | undefined {
  const drops = rows.filter((row) => row.fault === fault).flatMap(({ drop }) => drop ?? []);
  if (drops.length === 0) return undefined;
  const delivered = drops.reduce((total, drop) => total + drop.deliveredSegments, 0);
  const unproven = drops.filter((drop) => !drop.proven).length;
  const verdict = unproven === 0 ? 'proven' : `NOT proven for ${countWords(unproven, 'row')}`;
  return faultKind(fault) === 'loss'
    ? verdict
    : `${verdict} (${countWords(delivered, 'segment')} delivered)`;
}

function placeWords({ namespace, rows }: ComparisonResult): string {
  const byTtl = rows.some(({ drop }) => drop?.engine === 'min-ttl');
  if (namespace === 'private') {
    return byTtl ? 'minimum TTL in a private namespace' : 'private namespace';
  }
  return byTtl ? "minimum TTL on the host's loopback" : "on the host's loopback";
}

function connectionPieces(rows: readonly RowResult[]): readonly string[] {
  const counts = rows.filter((row) => row.measured.waited).map((row) => row.connections);
  if (counts.length === 0) return [];
  const [fewest, most] = [Math.min(...counts), Math.max(...counts)];
  return [
    fewest === most
      ? `${countWords(most, 'connection')} a row`
      : `${fewest}-${most} connections a row`,
  ];
}
