/** However a command ends, nothing of it remains: no process, stopped ones included, no namespace. */
import { readlinkSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { until } from '../until.js';
import { MARK, marked, pids } from './marked.js';
import { install, start } from './program.js';

/** SIGKILL of the parent reaches its children by the kernel's own hand, at once. */
const GONE_MS = 5000;

const FREEZE = ['compare', '--faults', 'freeze', '--loads', 'idle', '--connections', '3'];
const MODES = ['--modes', 'none,heartbeat=200ms:800ms'];

describe.each([
  { how: 'a normal end', signal: undefined, limit: '2s', code: 0 },
  { how: 'Ctrl-C', signal: 'SIGINT', limit: '20s', code: 130 },
  { how: 'SIGTERM', signal: 'SIGTERM', limit: '20s', code: 143 },
  { how: 'kill -9', signal: 'SIGKILL', limit: '20s', code: null },
] as const)('after $how', ({ signal, limit, code }) => {
  it('no process and no namespace remains, of stopped peers neither', async () => {
    const mark = randomUUID();
    const running = start([...FREEZE, ...MODES, '--limit', limit], { variables: { [MARK]: mark } });
    // The command, the observer, the shared peer and a peer of its own for each row.
    await until(() => marked(mark).filter(({ stopped }) => stopped).length === 2, 20_000);
    expect(marked(mark).length).toBeGreaterThanOrEqual(5);
    const theirs = marked(mark).flatMap(({ pid }) => namespaceOf(pid));
    if (signal !== undefined) running.child.kill(signal);
    const ended = await running.ended;
    expect(ended.code).toBe(code);
    await until(() => marked(mark).length === 0, GONE_MS);
    const left = pids().flatMap(namespaceOf);
    const own = namespaceOf('self');
    expect(theirs.filter((each) => left.includes(each) && !own.includes(each))).toEqual([]);
    if (signal === 'SIGINT' || signal === 'SIGTERM') {
      expect(ended.stdout).toMatch(/heartbeat=200ms:800ms/);
    }
  });
});

describe('kill -9 at any moment', () => {
  it.each([40, 120, 250, 400, 700, 1200])('after %d ms', async (afterMs) => {
    const mark = randomUUID();
    const running = start(['compare'], { variables: { [MARK]: mark }, bin: install() });
    // Not waiting for something to happen: the moment itself is what is tried.
    await new Promise((resolve) => setTimeout(resolve, afterMs));
    running.child.kill('SIGKILL');
    await running.ended;
    await until(() => marked(mark).length === 0, GONE_MS);
  });
});

describe('serve and probe', () => {
  it.each(['SIGINT', 'SIGTERM', 'SIGKILL'] as const)(
    'end with their process on %s',
    async (signal) => {
      const mark = randomUUID();
      const running = start(['serve', '--port', '7803'], { variables: { [MARK]: mark } });
      await running.sees(/listening/);
      expect(marked(mark)).toHaveLength(1);
      running.child.kill(signal);
      await running.ended;
      expect(marked(mark)).toEqual([]);
    },
  );
});

/** The network namespace that a process is in; none when it has ended or is somebody else's. */
function namespaceOf(pid: string): readonly string[] {
  try {
    return [readlinkSync(`/proc/${pid}/ns/net`)];
  } catch {
    return [];
  }
}
