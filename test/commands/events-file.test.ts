import { execFileSync } from 'node:child_process';
import {
  closeSync,
  constants,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { EventsFile } from '../../src/commands/events-file.js';
import { refusalOf } from '../refusal.js';

interface Opened {
  readonly file: EventsFile;
  readonly path: string;
  readonly troubles: readonly string[];
  readonly text: () => string;
}

function opened(path = join(folder(), 'events.jsonl')): Opened {
  const troubles: string[] = [];
  const file = new EventsFile(path, (words) => troubles.push(words));
  onTestFinished(() => file.close());
  return { file, path, troubles, text: () => readFileSync(path, 'utf8') };
}

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'tcpalive-events-'));
  onTestFinished(() => rmSync(path, { recursive: true }));
  return path;
}

describe('a file of events', () => {
  it('has each line as soon as it is written, after those that were there', () => {
    const path = join(folder(), 'events.jsonl');
    writeFileSync(path, 'of another run\n');
    const { file, text } = opened(path);
    file.write('one\n');
    expect(text()).toBe('of another run\none\n');
    file.write('two\n');
    expect(text()).toBe('of another run\none\ntwo\n');
    file.close();
    file.write('three\n');
    expect(text()).toBe('of another run\none\ntwo\n');
  });

  it('is not for everybody to read', () => {
    const { path } = opened();
    expect(statSync(path).mode & 0o137).toBe(0);
  });

  it('goes on under its name when the old one was moved away', () => {
    const { file, path, text } = opened();
    file.write('one\n');
    renameSync(path, `${path}.1`);
    file.write('two\n');
    file.reopen();
    file.write('three\n');
    expect(text()).toBe('three\n');
    expect(readFileSync(`${path}.1`, 'utf8')).toBe('one\ntwo\n');
  });

  it('goes on where it was when there can be none of that name', () => {
    const { file, path, troubles } = opened();
    renameSync(path, `${path}.1`);
    mkdirSync(path);
    file.reopen();
    file.write('one\n');
    expect(readFileSync(`${path}.1`, 'utf8')).toBe('one\n');
    expect(troubles).toEqual([`cannot write ${path}: EISDIR: events go on where they went`]);
  });

  it('is refused where it cannot be written', () => {
    const path = join(folder(), 'nowhere', 'events.jsonl');
    const { code, message } = refusalOf(() => opened(path));
    expect({ code, message }).toEqual({
      code: 'CANNOT_WRITE',
      message: `cannot write ${path}: ENOENT`,
    });
  });

  it('says once that the disk is full, and goes on when it is not', () => {
    const { file, troubles } = opened('/dev/full');
    file.write('one\n');
    file.write('two\n');
    expect(troubles).toEqual([
      'cannot write /dev/full: ENOSPC: events are lost until it takes them',
    ]);
  });

  it('says how many were lost, and leaves no line that hangs on a torn one', () => {
    const path = join(folder(), 'pipe');
    execFileSync('mkfifo', [path]);
    const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    onTestFinished(() => closeSync(reader));
    const { file, troubles } = opened(path);
    const line = `${'x'.repeat(9999)}\n`;
    while (troubles.length === 0) file.write(line);
    file.write(line);
    const taken = Buffer.alloc(1_000_000);
    const filled = readSync(reader, taken);
    file.write('after\n');
    expect(troubles).toEqual([
      expect.stringMatching(/^cannot write .*: (EAGAIN|it takes no more): events are lost/),
      `${path} takes events again: 2 were lost`,
    ]);
    const after = readSync(reader, taken, filled, taken.length - filled, null);
    const lines = taken.toString('utf8', 0, filled + after).split('\n');
    expect(lines.slice(-2)).toEqual(['after', '']);
  });
});
