import { mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openJournal } from '../../src/host/journal.js';
import { refusalOf } from '../refusal.js';

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'tcpalive-journal-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

describe('a journal', () => {
  it('has on the disk what it was given when it returns, for its owner alone', () => {
    const path = join(folder(), 'made', 'too', 'journal.jsonl');
    const journal = openJournal(path);
    journal.append('{"a":1}\n');
    expect(readFileSync(path, 'utf8')).toBe('{"a":1}\n');
    journal.append('{"b":"ü"}\n{"c":3}\n');
    expect(readFileSync(path, 'utf8')).toBe('{"a":1}\n{"b":"ü"}\n{"c":3}\n');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(join(path, '..')).mode & 0o777).toBe(0o700);
    journal.close();
    journal.close();
  });

  it('writes nowhere once it is closed: its descriptor is another one’s by then', () => {
    const path = join(folder(), 'journal.jsonl');
    const journal = openJournal(path);
    journal.close();
    expect(() => journal.append('late\n')).toThrow(`${path} is closed`);
    expect(readFileSync(path, 'utf8')).toBe('');
  });

  it('never goes over what is there, nor through a link', () => {
    const path = join(folder(), 'journal.jsonl');
    writeFileSync(path, 'precious');
    const link = join(folder(), 'link.jsonl');
    symlinkSync('/nonexistent/anywhere', link);
    for (const taken of [path, link]) {
      expect(refusalOf(() => openJournal(taken))).toMatchObject({
        code: 'BAD_USAGE',
        message: `${taken} exists: a record is never overwritten`,
        hint: 'name another one',
      });
    }
    expect(readFileSync(path, 'utf8')).toBe('precious');
  });

  it('that cannot be written says so, and what that means', () => {
    expect(refusalOf(() => openJournal('/proc/nowhere/journal.jsonl'))).toMatchObject({
      code: 'NO_CAPABILITY',
      message: 'cannot write /proc/nowhere/journal.jsonl: ENOENT',
      hint: 'nothing is changed without a record on the disk: name another place for it, or set XDG_STATE_HOME',
    });
  });
});
