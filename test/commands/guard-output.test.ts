import { describe, expect, it } from 'vitest';
import { guardOutput } from '../../src/commands/guard-output.js';
import type { GuardEntry, GuardEvent } from '../../src/core/guard/guard-log.js';
import { fakeEnvironment } from './environment.js';

const restarting: GuardEvent = {
  service: 'web',
  event: 'restarting',
  inMs: 0,
  restart: 1,
  most: 10,
  withinMs: 600_000,
};
const summary: GuardEvent = { event: 'summary', durationMs: 1, restarts: { web: 1 }, lost: [] };

describe('what a guardian tells somebody who does not read', () => {
  it('is bounded: what it leaves out it counts, and how it went is told', () => {
    const env = fakeEnvironment();
    const output = guardOutput(env, { json: true, color: 'never' }, () => false);
    env.stdout.waiting = 999;
    output.print(restarting);
    env.stdout.waiting = 1000;
    for (let each = 0; each < 5; each++) output.print(restarting);
    output.print(summary);
    expect(told(env.stdout.text)).toMatchObject([
      restarting,
      { event: 'untold', entries: 5 },
      summary,
    ]);
  });

  it('in words is bounded on standard error', () => {
    const env = fakeEnvironment();
    const output = guardOutput(env, { color: 'never' }, () => false);
    env.stderr.waiting = 1000;
    output.print(restarting);
    env.stderr.waiting = 0;
    output.print(restarting);
    expect(env.stderr.text).toMatch(/^\S+ {2}1 line left out here: .*\n\S+ {2}web {2}restart 1 /);
  });
});

function told(text: string): readonly GuardEntry[] {
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as GuardEntry);
}
