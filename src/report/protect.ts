/** What `protect` would do, or has done: each setting now and after, what is left out, what to type next. */
import type { Moment } from '../core/fate.js';
import type {
  ProtectEvent,
  ProtectGroup,
  Protection,
  ProtectResult,
  RestoreResult,
  SkipReason,
} from '../core/protection.js';
import { countWords } from './count-words.js';
import { paint, type Style } from './format.js';
import { fillLines, plainTable, type TableColumn } from './layout.js';
import { printable } from './printable.js';
import { settingWords } from './setting-words.js';
import { roughly, spanWords } from './time-words.js';

/** Who is meant, and what changes for whom. Ends with a newline. */
export function protectPlan(result: ProtectResult, style: Style): string {
  const lines = [
    ...targetLines(result, style.width),
    ...(result.groups.length === 0 ? [] : ['', ...groupLines(result.groups, style)]),
    ...leftOutLines(result),
    ...result.notes.map((note) => `Note: ${printable(note)}`),
  ];
  return `${lines.join('\n')}\n`;
}

/** @param command what would do it */
export function protectDryRun({ groups }: ProtectResult, command: string): string {
  const words = roleWords(groups.filter(({ changes }) => changes));
  return words === undefined
    ? nothingToDo(groups)
    : `Dry run: ${words} would change, and nothing has. To do it:\n  ${printable(command)}\n`;
}

export function protectOutcome(result: ProtectResult): string {
  const { changed, skipped, followed, undoFile, complete, groups } = result;
  if (undoFile === null) return nothingToDo(groups);
  const planned = groups
    .filter(({ changes }) => changes)
    .reduce((total, { sockets }) => total + sockets, 0);
  const first = changed - (followed?.changed ?? 0);
  const failed = skipped.filter(({ reason }) => reason === 'gone' || reason === 'refused');
  const lines = [
    `${complete ? 'Set on' : 'Interrupted: set on'} ${first} of ${countWords(planned, 'socket')}`,
    ...failed.map(({ reason, sockets }) => `${sockets} ${SKIPPED[reason]}`),
    ...(followed === null
      ? []
      : [
          `${followed.changed} more while following, ${followed.overridden} of them set otherwise by the program`,
        ]),
  ];
  return `${lines.join('; ')}.\nTo bring the old values back:\n  tcpalive protect --restore ${printable(undoFile)}\n`;
}

/** One line, without its end; undefined: nothing to say. */
export function protectEventLine(event: ProtectEvent): string {
  switch (event.kind) {
    case 'recorded':
      return `old values: ${printable(event.undoFile)}`;
    case 'progress':
      return `${event.done} of ${countWords(event.total, 'connection')}${event.leftMs > 0 ? `, ${roughly(event.leftMs)} left` : ''}`;
    case 'following':
      return 'following: new sockets are covered within a second, until Ctrl-C';
    case 'covered':
      return `covered ${countWords(event.sockets, 'new socket')}`;
    case 'overridden':
      return `the program sets ${settingWords(event)} on what it accepts on port ${event.port}: each is set again, once`;
    case 'targets-gone':
      return 'every process that was followed has ended';
  }
}

export function restoreWords({ restored, unchanged, gone, refused, notes }: RestoreResult): string {
  const lines = [
    `${countWords(restored, 'socket')} restored, ${unchanged} had the old values, ${gone} gone, ${refused} refused`,
    ...notes.map((note) => `Note: ${printable(note)}`),
  ];
  return `${lines.join('\n')}\n`;
}

const SKIPPED: Readonly<Record<SkipReason, string>> = {
  'slow-reader':
    'whose peer takes nothing: the user timeout would end them (--force takes them too)',
  'probes-unanswered':
    'that left probes unanswered: it would end them at once (ls --ask again: an answer clears it)',
  opened: 'that the program opened itself (--direction accepted)',
  closing: 'closing: the kernel finishes them',
  gone: 'gone meanwhile',
  refused: 'refused by the kernel',
};

function nothingToDo(groups: readonly ProtectGroup[]): string {
  return groups.length === 0
    ? 'Nothing to do: everything is left out.\n'
    : 'Nothing to do: each has this setting already.\n';
}

/** More than these are counted. */
const MOST_TARGETS = 8;

function targetLines({ targets }: ProtectResult, width: number): readonly string[] {
  const named = targets.slice(0, MOST_TARGETS).map(({ pid, name, unit }) => {
    return printable(`${pid} ${name}${unit === null ? '' : ` (${unit})`}`);
  });
  const more = targets.length - named.length;
  const total = (key: 'listeners' | 'connections') =>
    targets.reduce((sum, target) => sum + target[key], 0);
  const pieces = [...named, ...(more === 0 ? [] : [`${more} more`])];
  const counts = `${countWords(total('listeners'), 'listener')}, ${countWords(total('connections'), 'connection')}`;
  return fillLines([...pieces.slice(0, -1), `${pieces.at(-1) ?? ''}: ${counts}`], ', ', width);
}

const COLUMNS: readonly TableColumn[] = [
  { title: 'SOCKETS', align: 'right' },
  { title: 'WHAT', align: 'left' },
  { title: '', align: 'left' },
  { title: 'SETTING', align: 'left' },
  { title: 'IDLE', align: 'left' },
  { title: 'BUSY', align: 'left' },
];

function groupLines(groups: readonly ProtectGroup[], style: Style): readonly string[] {
  const colors = paint(style);
  const rows = groups.flatMap(({ sockets, role, changes, now, after }) => [
    [`${sockets}`, `${role}s`, 'now', ...protectionCells(now)],
    ['', '', 'after', ...(changes ? protectionCells(after, colors.green) : ['the same', '', ''])],
  ]);
  return [
    ...plainTable(COLUMNS, rows),
    'Noticed that long after the peer vanished, at any phase: idle, and with something unanswered.',
    ...(groups.some(({ role }) => role === 'listener')
      ? ['What a listener has, the connections that it accepts from then on inherit.']
      : []),
  ];
}

function protectionCells(
  protection: Protection,
  color = (text: string) => text,
): readonly string[] {
  const { idle, busy } = protection;
  return [settingWords(protection), momentWords(idle), momentWords(busy)].map((cell) =>
    color(cell),
  );
}

function momentWords(moment: Moment): string {
  return 'ms' in moment ? spanWords(moment.ms) : moment.kind;
}

function leftOutLines({ skipped }: ProtectResult): readonly string[] {
  return skipped.map(({ reason, sockets }) => `Left out: ${sockets} ${SKIPPED[reason]}`);
}

/** `2 listeners and 37 connections`; undefined: none at all. */
function roleWords(groups: readonly ProtectGroup[]): string | undefined {
  const words = (['listener', 'connection'] as const).flatMap((wanted) => {
    const count = groups
      .filter(({ role }) => role === wanted)
      .reduce((total, { sockets }) => total + sockets, 0);
    return count === 0 ? [] : [countWords(count, wanted)];
  });
  return words.length === 0 ? undefined : words.join(' and ');
}
