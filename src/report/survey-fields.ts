/**
 * A survey for awk: always the same fields in the same order, none of them with a space in it or cut
 * off, `-` for nothing.
 */
import { formatEndpoint } from '../core/endpoint.js';
import { fateKinds } from '../core/fate.js';
import type { Connection, NamespaceSeen, Survey } from '../core/survey.js';
import type { Style } from './format.js';
import { columnWidths, tableLine, type TableColumn } from './layout.js';
import { inPieces } from './pieces.js';
import { printable } from './printable.js';
import { groupsOf, processName, type Group } from './survey-groups.js';
import { groupFields, rowFields, type Grouping } from './survey-options.js';
import { fatePainter } from './survey-paint.js';
import { endsWord } from './survey-words.js';
import { silenceWords } from './time-words.js';

type NameOf = (id: string) => string;

export function connectionFieldLines(
  { namespaces }: Survey,
  connections: readonly Connection[],
  style: Style,
): Iterable<string> {
  const nameOf = namer(namespaces);
  const painter = fatePainter(style);
  const fateAt = rowFields.indexOf('fate');
  return aligned(
    rowFields,
    connections.map((connection) => rowOf(connection, nameOf)),
    (cell, at) => (at === fateAt ? painter(cell) : cell),
  );
}

export function groupFieldLines(survey: Survey, by: Grouping): Iterable<string> {
  const nameOf = namer(survey.namespaces);
  const rows = groupsOf(survey, by).map((group) => groupRow(group, nameOf));
  return aligned(groupFields, rows);
}

/** As `rowFields` says. */
function rowOf(connection: Connection, nameOf: NameOf): readonly string[] {
  const { local, peer, state, process, unit, silentMs, timer, fate, ask, namespace } = connection;
  const { kind, expiresInMs } = timer;
  return [
    word(formatEndpoint(local)),
    word(formatEndpoint(peer)),
    word(state),
    process === null ? NOTHING : word(processName(process)),
    word(unit ?? ''),
    silentMs === null ? NOTHING : silenceWords(silentMs),
    kind === 'none'
      ? NOTHING
      : kind + (expiresInMs === null ? '' : `:${silenceWords(expiresInMs)}`),
    fate.kind,
    ask.kind === 'not-asked' ? NOTHING : ask.kind,
    endsWord(fate),
    word(nameOf(namespace)),
  ];
}

/** As `groupFields` says. */
function groupRow(group: Group, nameOf: NameOf): readonly string[] {
  const { processes, connections, byFate, silent, namespaces } = group;
  const [fullest] = processes;
  return [
    word(group.name),
    list(processes.map(processName)),
    list(processes.map(({ unit }) => unit ?? '')),
    list(processes.flatMap(({ ports }) => ports.map(String))),
    word(`${fullest?.fds ?? ''}`),
    word(`${fullest?.fdLimit ?? ''}`),
    `${connections}`,
    ...fateKinds.map((kind) => `${byFate[kind]}`),
    `${silent}`,
    list(namespaces.map(nameOf)),
  ];
}

const NOTHING = '-';

function word(text: string): string {
  return printable(text).replaceAll(/\s/g, '_') || NOTHING;
}

/** Each once. */
function list(texts: readonly string[]): string {
  return word([...new Set(texts)].filter((text) => text !== '').join(','));
}

function namer(namespaces: readonly NamespaceSeen[]): NameOf {
  const names = new Map(namespaces.map(({ id, name }) => [id, name]));
  return (id) => names.get(id) ?? id;
}

function aligned(
  fields: readonly string[],
  rows: readonly (readonly string[])[],
  paint?: (cell: string, at: number) => string,
): Iterable<string> {
  const columns = fields.map((): TableColumn => ({ title: '', align: 'left' }));
  const widths = columnWidths(columns, rows);
  return inPieces(rows, (row) => `${tableLine(columns, widths, row, paint)}\n`);
}
