/** What a survey shows of each fate, each group and each connection: shared by the table and Markdown. */
import { fateKinds, fateWords } from '../core/fate.js';
import { formatEndpoint } from '../core/endpoint.js';
import type { Connection, Survey } from '../core/survey.js';
import type { TableColumn } from './layout.js';
import { printable } from './printable.js';
import { descriptorUse, processName, type Group } from './survey-groups.js';
import type { Grouping } from './survey-options.js';
import type { FateSummary } from './survey-summary.js';
import { endsWords, latestEndsWords, shortEndsWords, timerWords } from './survey-words.js';
import { silenceWords } from './time-words.js';

export interface SurveyColumn<Row> extends TableColumn {
  readonly cell: (row: Row) => string;
}

/** What shortens a name that is too long. */
type Clip = (text: string, width: number) => string;

/** A kernel keeps 15 characters of a process's name; a container's unit has its 64-digit hash in it. */
const NAME_WIDTH = 24;
const PORTS_SHOWN = 3;
const FATES_SHOWN = 3;

export const fateColumns: readonly SurveyColumn<FateSummary>[] = [
  left('FATE', ({ kind }) => kind),
  right('CONNECTIONS', ({ connections }) => `${connections}`),
  right('LONGEST-SILENCE', ({ longestSilenceMs }) => silence(longestSilenceMs)),
  left('MEANING', meaningCell),
];

/** What differs from one survey to the next. */
export interface ColumnOptions {
  readonly clip: Clip;
  /** Whether anybody was asked. */
  readonly withAsked: boolean;
  /** Undefined: all are in the same. */
  readonly namespaceName: ((id: string) => string) | undefined;
}

/** What has no end of its own stands last. */
export function groupColumns(
  by: Grouping,
  { clip, namespaceName }: Pick<ColumnOptions, 'clip' | 'namespaceName'>,
): readonly SurveyColumn<Group>[] {
  const shown = (name: string) => clip(printable(name), NAME_WIDTH);
  const process = left<Group>('PROCESS', ({ processes }) =>
    first(processes.map(processName), shown),
  );
  const unit = left<Group>('UNIT', ({ processes }) =>
    first([...new Set(processes.flatMap(({ unit: name }) => name ?? []))], shown),
  );
  const ports = left<Group>('PORTS', portsCell);
  const fds = right<Group>('FDS', descriptorsCell);
  const namespace = left<Group>('NAMESPACE', ({ namespaces }) =>
    first(namespaces.map(namespaceName ?? String), shown),
  );
  const about = {
    process: [unit, ports, fds],
    unit: [process, ports, fds],
    peer: [process, unit],
    port: [process, unit, fds],
  }[by];
  return [
    ...(namespaceName === undefined ? [] : [namespace]),
    left(by.toUpperCase(), ({ name }) => shown(name)),
    ...about,
    right('CONNECTIONS', ({ connections }) => `${connections}`),
    left('FATES', fatesCell),
  ];
}

/** Either end of it; and one of the last three, by how much room there is. */
export function connectionColumns({
  clip,
  withAsked,
  namespaceName,
}: ColumnOptions): readonly SurveyColumn<Connection>[] {
  const shown = (name: string) => clip(printable(name), NAME_WIDTH);
  const asked = left<Connection>('ASKED', ({ ask }) => (ask.kind === 'not-asked' ? '-' : ask.kind));
  const inNamespace = left<Connection>('NAMESPACE', ({ namespace }) =>
    shown(namespaceName?.(namespace) ?? namespace),
  );
  return [
    ...(namespaceName === undefined ? [] : [inNamespace]),
    left('LOCAL', ({ local }) => printable(formatEndpoint(local))),
    left('PORT', ({ local }) => `:${local.port}`),
    left('PEER', ({ peer }) => printable(formatEndpoint(peer))),
    left('STATE', ({ state }) => printable(state)),
    left('PROCESS', ({ process }) => (process === null ? '-' : shown(processName(process)))),
    right('SILENT', ({ silentMs }) => silence(silentMs)),
    left('TIMER', ({ timer }) => timerWords(timer)),
    left('FATE', ({ fate }) => fate.kind),
    ...(withAsked ? [asked] : []),
    left('ENDS', ({ fate }) => endsWords(fate)),
    left('ENDS-BY', ({ fate }) => latestEndsWords(fate)),
    left('IDLE/BUSY', ({ fate }) => shortEndsWords(fate)),
  ];
}

/** What tells namespaces apart; undefined where one alone is shown. */
export function namespaceNamer({
  namespaces,
}: Pick<Survey, 'namespaces'>): ColumnOptions['namespaceName'] {
  const shown = namespaces.filter((namespace) => namespace.shown);
  if (shown.length < 2) return undefined;
  const names = new Map(shown.map(({ id, name }) => [id, name]));
  return (id) => names.get(id) ?? id;
}

/** Once asked, what has no timer is told apart by its answers. */
function meaningCell({ kind, answers, silent, ended }: FateSummary): string {
  const words = fateWords[kind];
  if (answers + silent + ended === 0) return words;
  const counts = `${silent} silent, ${answers} answered${ended === 0 ? '' : `, ${ended} ended`}`;
  return kind === 'forever' ? `no timer; asked: ${counts}` : `${words}; asked: ${counts}`;
}

function silence(ms: number | null): string {
  return ms === null ? '-' : silenceWords(ms);
}

/** `nginx[812]`, `nginx[812] +3`. */
function first(names: readonly string[], shown: (name: string) => string): string {
  const [name] = names;
  if (name === undefined) return '-';
  return names.length === 1 ? shown(name) : `${shown(name)} +${names.length - 1}`;
}

/** `80,443`, `80,443,8080+2`. */
function portsCell({ processes }: Group): string {
  const ports = [...new Set(processes.flatMap((process) => process.ports))].toSorted(
    (a, b) => a - b,
  );
  const more = ports.length - PORTS_SHOWN;
  const shown = ports.slice(0, PORTS_SHOWN).join(',');
  return shown === '' ? '-' : shown + (more > 0 ? `+${more}` : '');
}

/** A host without systemd and containers has none. */
export function withoutEmptyUnit<Row>(
  columns: readonly SurveyColumn<Row>[],
  rows: readonly Row[],
): readonly SurveyColumn<Row>[] {
  return columns.filter(
    ({ title, cell }, at) => at === 0 || title !== 'UNIT' || rows.some((row) => cell(row) !== '-'),
  );
}

/** The same in less room, for a narrow terminal: titles, and cells that say less. */
export function narrow<Row>(columns: readonly SurveyColumn<Row>[]): readonly SurveyColumn<Row>[] {
  return columns.map((column) => {
    const { title, cell } = column;
    if (title === 'FDS') return { ...column, cell: (row) => cell(row).replace(/ .*/, '') };
    return { ...column, title: NARROW.get(title) ?? title };
  });
}

const NARROW: ReadonlyMap<string, string> = new Map([
  ['CONNECTIONS', 'COUNT'],
  ['LONGEST-SILENCE', 'SILENT'],
]);

/** Of the process that is nearest to its limit: `900/1024 (87%)`. */
function descriptorsCell({ processes: [fullest] }: Group): string {
  if (fullest?.fds == null) return '-';
  if (fullest.fdLimit === null) return `${fullest.fds}`;
  return `${fullest.fds}/${fullest.fdLimit} (${Math.floor(descriptorUse(fullest) * 100)}%)`;
}

/** `forever 312 (200 silent), armed 4`; of more than three the worst two and how many are left. */
function fatesCell({ byFate, connections, silent }: Group): string {
  const present = fateKinds.filter((kind) => byFate[kind] > 0);
  const shown = present.slice(0, present.length > FATES_SHOWN ? FATES_SHOWN - 1 : FATES_SHOWN);
  const words = shown.map((kind) => {
    const ofThem = kind === 'forever' && silent > 0 ? ` (${silent} silent)` : '';
    return `${kind} ${byFate[kind]}${ofThem}`;
  });
  const rest = connections - shown.reduce((total, kind) => total + byFate[kind], 0);
  return [...words, ...(rest > 0 ? [`${rest} more`] : [])].join(', ') || '-';
}

function left<Row>(title: string, cell: (row: Row) => string): SurveyColumn<Row> {
  return { title, align: 'left', cell };
}

function right<Row>(title: string, cell: (row: Row) => string): SurveyColumn<Row> {
  return { title, align: 'right', cell };
}
