import { describe, expect, it } from 'vitest';
import type { ServeEntry } from '../../src/core/serve-log.js';
import { serveOutput } from '../../src/commands/serve-output.js';
import { fakeEnvironment } from './environment.js';

const time = '2026-11-20T14:02:07.123Z';
const about = { time, worker: null, connection: 1, peer: '192.0.2.7:40001' };
const opened: ServeEntry = { event: 'opened', ...about, settings: 'none' };
const restarted: ServeEntry = { event: 'restarted', time, pid: 1, successor: 2 };

function told(text: string): readonly ServeEntry[] {
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as ServeEntry);
}

describe('what a server tells somebody who does not read', () => {
  it('is bounded: what it leaves out of its connections it counts, and nothing else', () => {
    const env = fakeEnvironment();
    const { print } = serveOutput(env, { json: true, color: 'never' });
    env.stdout.waiting = 999;
    print(opened);
    env.stdout.waiting = 1000;
    for (let each = 0; each < 5; each++) print(opened);
    print(restarted);
    print(opened);
    env.stdout.waiting = 0;
    print(opened);
    const untold = (entries: number) => ({ event: 'untold', time, entries });
    expect(told(env.stdout.text)).toEqual([opened, untold(5), restarted, untold(1), opened]);
  });
});
