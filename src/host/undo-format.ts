/**
 * The undo file, JSON lines: a header, then a line for each socket with the values that it had.
 * Reading knows no file and believes nothing: whatever is in it names the line that is wrong.
 */
import type { Endpoint } from '../core/endpoint.js';
import { TcpaliveError } from '../errors.js';
import type { OptionValues } from '../kernel/socket-view.js';

export interface UndoHeader {
  readonly schema: 'tcpalive/undo/1';
  /** RFC 3339, UTC. */
  readonly createdAt: string;
  /** Null where the machine does not tell: cookies mean nothing after a restart. */
  readonly bootId: string | null;
}

/** A socket, where it is held, and what its options were. */
export interface UndoEntry {
  readonly pid: number;
  readonly fd: number;
  readonly cookie: string;
  readonly local: Endpoint;
  readonly peer: Endpoint;
  readonly values: OptionValues;
}

export interface UndoRecord {
  readonly header: UndoHeader;
  /** In the order in which they were written: of one socket the last counts. */
  readonly entries: readonly UndoEntry[];
}

export function undoLine(line: UndoHeader | UndoEntry): string {
  return `${JSON.stringify(line)}\n`;
}

/** @param name of the file, for what is wrong with it. @throws TcpaliveError BAD_USAGE naming the line */
export function parseUndo(text: string, name: string): UndoRecord {
  const lines = text.split('\n');
  // Nothing is changed before its line is on the disk: what a crash cut short was not begun.
  lines.pop();
  const [first = '', ...rest] = lines;
  const header = parseLine(first, isHeader);
  if (header === undefined) throw foreign(name, 1, 'the header of an undo file of tcpalive');
  const entries = rest.map((line, at) => {
    const entry = parseLine(line, isEntry);
    if (entry === undefined) throw foreign(name, at + 2, 'a socket with its old values');
    return entry;
  });
  return { header, entries };
}

function foreign(name: string, line: number, expected: string): TcpaliveError {
  return new TcpaliveError('BAD_USAGE', `${name}:${line}: this is not ${expected}`, {
    hint: 'nothing was changed; protect --yes prints the path of the file that it writes',
  });
}

function parseLine<T>(line: string, isValid: (value: unknown) => value is T): T | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return isValid(value) ? value : undefined;
  } catch {
    // No JSON: as foreign as any other.
    return undefined;
  }
}

function isHeader(value: unknown): value is UndoHeader {
  return (
    isRecord(value) &&
    value['schema'] === 'tcpalive/undo/1' &&
    typeof value['createdAt'] === 'string' &&
    (value['bootId'] === null || typeof value['bootId'] === 'string')
  );
}

function isEntry(value: unknown): value is UndoEntry {
  return (
    isRecord(value) &&
    isCount(value['pid']) &&
    value['pid'] > 0 &&
    isCount(value['fd']) &&
    typeof value['cookie'] === 'string' &&
    isEndpoint(value['local']) &&
    isEndpoint(value['peer']) &&
    isValues(value['values'])
  );
}

function isEndpoint(value: unknown): value is Endpoint {
  return isRecord(value) && typeof value['address'] === 'string' && isCount(value['port']);
}

function isValues(value: unknown): value is OptionValues {
  return (
    isRecord(value) &&
    typeof value['keepalive'] === 'boolean' &&
    isCount(value['idleSeconds']) &&
    isCount(value['intervalSeconds']) &&
    isCount(value['count']) &&
    isCount(value['userTimeoutMs'])
  );
}

/** As far as an int of the kernel goes. */
function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 0x7fff_ffff;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
