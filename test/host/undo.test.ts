import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parseUndo, undoLine, type UndoEntry } from '../../src/host/undo-format.js';
import { stateFolder } from '../../src/host/journal.js';
import { openUndo, readUndo, restore } from '../../src/host/undo.js';
import { TcpaliveError } from '../../src/errors.js';
import { KernelRefusal, type Kernel } from '../../src/kernel/kernel.js';
import { portableKernel } from '../../src/kernel/portable.js';
import type { OptionValues } from '../../src/kernel/socket-view.js';
import { refusalOf } from '../refusal.js';

const OFF: OptionValues = {
  keepalive: false,
  idleSeconds: 7200,
  intervalSeconds: 75,
  count: 9,
  userTimeoutMs: 0,
};

const ON: OptionValues = { ...OFF, keepalive: true, idleSeconds: 60, userTimeoutMs: 120_000 };

const HEADER = undoLine({
  schema: 'tcpalive/undo/1',
  createdAt: '2026-11-20T14:02:07.123Z',
  bootId: 'of another day',
});

function entry(changes: Partial<UndoEntry> = {}): UndoEntry {
  return {
    pid: 42,
    fd: 7,
    cookie: '1a2b',
    local: { address: '::1', port: 6379 },
    peer: { address: '::1', port: 40_000 },
    values: OFF,
    ...changes,
  };
}

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'tcpalive-undo-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

describe('the undo file', () => {
  it('is read back as it was written, and stays', () => {
    const path = join(folder(), 'made', 'here.jsonl');
    const file = openUndo(path);
    const entries = [entry(), entry({ cookie: 'ff', values: ON })];
    file.append(entries.slice(0, 1));
    file.append(entries.slice(1));
    file.close();
    file.close();
    expect(readUndo(path)).toEqual(entries);
    expect(readUndo(path)).toEqual(entries);
  });

  it('is for its owner alone, and so is a folder made for it', () => {
    const made = join(folder(), 'made');
    openUndo(join(made, 'here.jsonl')).close();
    expect(statSync(made).mode & 0o777).toBe(0o700);
    expect(statSync(join(made, 'here.jsonl')).mode & 0o777).toBe(0o600);
  });

  it('has its lines on the disk before anything else may happen', () => {
    const path = join(folder(), 'undo.jsonl');
    const file = openUndo(path);
    file.append([entry()]);
    expect(readFileSync(path, 'utf8').split('\n')).toHaveLength(3);
    file.close();
  });

  it('is never overwritten', () => {
    const path = join(folder(), 'undo.jsonl');
    writeFileSync(path, 'precious');
    expect(refusalOf(() => openUndo(path))).toMatchObject({
      code: 'BAD_USAGE',
      message: `${path} exists: a record is never overwritten`,
    });
    expect(readFileSync(path, 'utf8')).toBe('precious');
  });

  it('that cannot be written says where', () => {
    expect(refusalOf(() => openUndo('/dev/null/undo.jsonl'))).toMatchObject({
      code: 'NO_CAPABILITY',
      message: 'cannot write /dev/null/undo.jsonl: ENOTDIR',
    });
  });

  it('that cannot be read says why', () => {
    expect(refusalOf(() => readUndo('/nonexistent'))).toMatchObject({
      code: 'BAD_USAGE',
      message: 'cannot read /nonexistent: ENOENT',
    });
  });

  it('of before the last start of the machine restores nothing', () => {
    const path = join(folder(), 'old.jsonl');
    writeFileSync(path, HEADER + undoLine(entry()));
    expect(refusalOf(() => readUndo(path))).toMatchObject({
      code: 'NO_TARGET',
      message: `${path} is of 2026-11-20T14:02:07.123Z, and this machine was started anew since, or is another one`,
    });
  });
});

describe('parseUndo', () => {
  it.each([
    ['', 'f:1: this is not the header of an undo file of tcpalive'],
    ['{"schema":"tcpalive/ls/1"}\n', 'f:1: this is not the header of an undo file of tcpalive'],
    [`${HEADER}hello\n`, 'f:2: this is not a socket with its old values'],
    [
      HEADER + undoLine(entry()) + undoLine(entry({ pid: 0 })),
      'f:3: this is not a socket with its old values',
    ],
    [`${HEADER}\n`, 'f:2: this is not a socket with its old values'],
  ])('%j', (text, message) => {
    expect(refusalOf(() => parseUndo(text, 'f'))).toMatchObject({ code: 'BAD_USAGE', message });
  });

  it('leaves out what a crash cut short: nothing was done under it yet', () => {
    const whole = HEADER + undoLine(entry());
    const torn = undoLine(entry({ cookie: 'ff' })).slice(0, -5);
    expect(parseUndo(whole + torn, 'f').entries).toEqual([entry()]);
  });

  it('names a line of any text that it does not take, and throws nothing else', () => {
    const lines = fc.oneof(
      fc.string(),
      fc.json(),
      fc.constantFrom(HEADER.trimEnd(), undoLine(entry()).trimEnd()),
    );
    fc.assert(
      fc.property(fc.array(lines), (parts) => {
        try {
          parseUndo(parts.join('\n'), 'f');
        } catch (error) {
          expect(error).toBeInstanceOf(TcpaliveError);
          expect((error as TcpaliveError).message).toMatch(/^f:\d+: this is not /);
        }
      }),
    );
  });

  it('reads back whatever was written', () => {
    const count = fc.nat();
    const end = fc.record({ address: fc.string(), port: count });
    const entries = fc.array(
      fc.record({
        pid: fc.integer({ min: 1, max: 0x7fff_ffff }),
        fd: count,
        cookie: fc.string(),
        local: end,
        peer: end,
        values: fc.record({
          keepalive: fc.boolean(),
          idleSeconds: count,
          intervalSeconds: count,
          count,
          userTimeoutMs: count,
        }),
      }),
    );
    fc.assert(
      fc.property(entries, (written) => {
        const text = HEADER + written.map(undoLine).join('');
        expect(parseUndo(text, 'f').entries).toEqual(written);
      }),
    );
  });
});

describe('restore', () => {
  /** Process 42 holds a socket by that descriptor, process 43 may not be reached, and there are no others. */
  function kernelWith(sockets: Map<number, { cookie: string; values: OptionValues }>): Kernel {
    const at = (fd: number) => {
      const socket = sockets.get(fd);
      if (socket === undefined) throw new KernelRefusal('pidfd_getfd', 9);
      return socket;
    };
    return {
      ...portableKernel,
      withProcess: (pid, work) => {
        if (pid !== 42 && pid !== 43) throw new KernelRefusal('pidfd_open', 3);
        return work((fd, use) => {
          if (pid === 43) throw new KernelRefusal('pidfd_getfd', 1);
          at(fd);
          return use(fd);
        });
      },
      cookie: (fd) => at(fd).cookie,
      optionValues: (fd) => at(fd).values,
      setOptionValues: (fd, values) => void (at(fd).values = values),
    };
  }

  it('brings back what it finds, and counts the rest', () => {
    const sockets = new Map([
      [3, { cookie: 'a', values: ON }],
      [4, { cookie: 'b', values: OFF }],
      [5, { cookie: 'reused', values: ON }],
    ]);
    const counts = restore(kernelWith(sockets), [
      entry({ fd: 3, cookie: 'a' }),
      entry({ fd: 4, cookie: 'b' }),
      entry({ fd: 5, cookie: 'c' }),
      entry({ fd: 6, cookie: 'd' }),
      entry({ pid: 43, cookie: 'e' }),
      entry({ pid: 44, cookie: 'f' }),
    ]);
    expect(counts).toEqual({ restored: 1, unchanged: 1, gone: 3, refused: 1 });
    expect([...sockets.values()].map(({ values }) => values)).toEqual([OFF, OFF, ON]);
  });

  it('takes the last record of a socket: what it had just before it was changed', () => {
    const sockets = new Map([[3, { cookie: 'a', values: ON }]]);
    const between = { ...OFF, idleSeconds: 300 };
    restore(kernelWith(sockets), [
      entry({ fd: 3, cookie: 'a' }),
      entry({ fd: 3, cookie: 'a', values: between }),
    ]);
    expect(sockets.get(3)?.values).toEqual(between);
  });
});

describe('stateFolder', () => {
  it.each([
    [{ XDG_STATE_HOME: '/state', HOME: '/home/a' }, '/state/tcpalive'],
    [{ HOME: '/home/a' }, '/home/a/.local/state/tcpalive'],
    [{ XDG_STATE_HOME: 'relative', HOME: '/home/a' }, '/home/a/.local/state/tcpalive'],
  ])('%j', (variables, path) => {
    expect(stateFolder(variables)).toBe(path);
  });
});
