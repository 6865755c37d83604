/** The command line that does what a dry run has shown. */
import { formatDuration } from '../core/duration.js';
import { formatMode } from '../core/mode.js';
import type { ProtectOrder } from './protect.js';
import { shellWord } from './selection.js';

export function protectLine(order: ProtectOrder): string {
  const { pid, port, unit, keepalive, userTimeout, spread, undo, direction } = order;
  const words = [
    'tcpalive protect',
    ...(pid === undefined ? [] : [`${pid}`]),
    ...flag('port', port?.toString()),
    ...flag('unit', unit),
    ...toggle('tree', order.tree),
    ...flag('keepalive', keepalive && formatMode({ keepalive }).replace('keepalive=', '')),
    ...flag('user-timeout', userTimeout === undefined ? undefined : formatDuration(userTimeout)),
    ...flag('direction', direction === 'both' ? undefined : direction),
    ...toggle('force', order.force),
    ...flag('spread', spread === undefined ? undefined : spreadWords(spread)),
    ...toggle('follow', order.follow),
    ...flag('undo', undo),
    ...toggle('json', order.json),
    '--yes',
  ];
  return words.join(' ');
}

function flag(name: string, value: string | undefined): readonly string[] {
  return value === undefined ? [] : [`--${name} ${shellWord(value)}`];
}

function toggle(name: string, on: boolean | undefined): readonly string[] {
  return on === true ? [`--${name}`] : [];
}

function spreadWords(ms: number): string {
  return ms === 0 ? 'none' : formatDuration(ms);
}
