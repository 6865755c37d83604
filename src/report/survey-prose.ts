/** The sentences around a survey's tables: what was looked at, and what must not be misread. */
import { formatEndpoint } from '../core/endpoint.js';
import type { Connection, Listener, NamespaceSeen, Survey } from '../core/survey.js';
import { countWords } from './count-words.js';
import { printable } from './printable.js';
import { processName } from './survey-groups.js';
import type { SurveyScope } from './survey-options.js';
import { askedCounts, wereAsked, type FateSummary } from './survey-summary.js';
import { assumptionOf } from './survey-words.js';

const NAMES_SHOWN = 3;

/** `312 connections at 2026-11-20 14:02:07 UTC, Linux 6.18.44`. */
export function headerLine({ complete, takenAt, host, connections }: Survey): string {
  const pieces = [
    ...(complete ? [] : ['interrupted: what was read so far']),
    `${countWords(connections.length, 'connection')} at ${moment(takenAt)}`,
    ...(host.kernel === null ? [] : [`Linux ${host.kernel}`]),
  ];
  return printable(pieces.join(', '));
}

/** Where there is no row: whether that is the filters' doing. */
export function nothingThere({ filters, fates }: SurveyScope): string {
  const words = [...filters, ...fates];
  return words.length === 0
    ? 'There is no connection.'
    : printable(`No connection matches ${words.join(' ')}.`);
}

/** `... 3 more (--all)`. */
export function moreLine(count: number, how: string): readonly string[] {
  return count > 0 ? [`... ${count} more (${how})`] : [];
}

/** Where new connections are lost before the program sees them. */
export function queueWarnings({ listeners }: Survey): readonly string[] {
  const full = listeners.filter(isFull).toSorted((a, b) => b.waiting - a.waiting);
  const warnings = full.slice(0, NAMES_SHOWN).map(({ local, process, waiting, backlog }) => {
    const whose = process === null ? '' : ` of ${processName(process)}`;
    return `Warning: ${formatEndpoint(local)}${whose} has ${waiting} waiting to be accepted, room for ${backlog}: new ones are lost`;
  });
  const more = full.length - warnings.length;
  return [
    ...warnings.map(printable),
    ...(more > 0 ? [`Warning: ${countWords(more, 'more listener')} without room`] : []),
  ];
}

/** What else silence may be, and of when SILENT is, as soon as somebody was asked. */
export function silenceLines(summaries: readonly FateSummary[]): readonly string[] {
  if (!wereAsked(summaries)) return [];
  const before = 'Times of silence are those before the ask.';
  return askedCounts(summaries).silent === 0 ? [before] : [`${SILENCE} ${before}`];
}

const SILENCE =
  'Silent is not yet dead: a sleeping radio needs a longer wait (--ask=30s), and a middlebox that forgot the connection swallows the question, or answers with a reset, which ends it.';

/** What `?` stands for in the rows that are shown. */
export function assumptionLines(shown: readonly Connection[]): readonly string[] {
  const assumptions = new Set(shown.flatMap(({ fate }) => assumptionOf(fate) ?? []));
  if (assumptions.size === 0) return [];
  return [printable(`?: assuming ${[...assumptions].join(', ')}, which could not be read.`)];
}

/** Notes, and always what was looked at. */
export function closingLines({ notes, partial, namespaces }: Survey): readonly string[] {
  const torn =
    'Note: the table of sockets changed while it was read: one may be missing, or shown twice';
  return [
    ...notes.map((note) => printable(`Note: ${note}`)),
    // Of a file the notes say what could not be read.
    ...(partial && !namespaces.some(({ id }) => id === 'file') ? [torn] : []),
    lookedAt(namespaces),
  ];
}

function lookedAt(namespaces: readonly NamespaceSeen[]): string {
  const shown = namespaces.filter((namespace) => namespace.shown);
  const hidden = namespaces.filter((namespace) => !namespace.shown);
  const more = shown.length - NAMES_SHOWN;
  const names = shown.slice(0, NAMES_SHOWN).map(namespaceWords);
  const listed = [...names, ...(more > 0 ? [`${more} more`] : [])].join(', ') || 'nothing';
  return printable(`Looked at: ${listed}${hiddenWords(hidden)}`);
}

/** By name where they are few. */
function hiddenWords(hidden: readonly NamespaceSeen[]): string {
  if (hidden.length === 0) return '.';
  const names = hidden.length > NAMES_SHOWN ? '' : `: ${hidden.map(({ name }) => name).join(', ')}`;
  return ` only, ${countWords(hidden.length, 'other')} not shown (--netns all)${names}.`;
}

/** `file` is what the kernel would call it. */
function namespaceWords({ id, name }: NamespaceSeen): string {
  return id === 'file' ? name : `${name} namespace`;
}

/** As the kernel refuses more, sk_acceptq_is_full in include/net/sock.h, or is about to. */
function isFull({ waiting, backlog }: Listener): boolean {
  return backlog === 0 ? waiting > 0 : waiting >= backlog;
}

/** RFC 3339 for a person: `2026-11-20 14:02:07 UTC`. */
function moment(takenAt: string): string {
  return `${takenAt.slice(0, 10)} ${takenAt.slice(11, 19)} UTC`;
}
