import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { waitingLine, askable, showingProgress } from '../../src/commands/ask-progress.js';
import { armed, connectionOf, surveyOf } from '../report/survey-fixture.js';
import { fakeEnvironment } from './environment.js';

describe('waitingLine', () => {
  it.each([
    [17, 300_000, 1000, 'waiting for 17 to answer, up to 5m1s'],
    [17, 2000, 1004, 'waiting for 17 to answer, up to 3s'],
    [17, 2000, 9000, 'waiting for 17 to answer, up to 0s'],
    [0, 2000, 1000, undefined],
  ])('%d within %d after %d', (count, waitMs, elapsedMs, line) => {
    expect(waitingLine(count, waitMs, elapsedMs)).toBe(line);
  });
});

it('counts those without a timer that somebody holds', () => {
  const connections = [
    connectionOf(),
    connectionOf({ process: null }),
    connectionOf({ fate: armed }),
  ];
  expect(askable(surveyOf(connections))).toBe(1);
});

describe('while it waits', () => {
  function fakeTimers() {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'hrtime'] });
    onTestFinished(() => void vi.useRealTimers());
  }

  it('says how long it may still take, a line in five seconds through a pipe', async () => {
    fakeTimers();
    const env = fakeEnvironment();
    const answer = await showingProgress(env, { count: 17, waitMs: 60_000 }, (tell) => {
      vi.advanceTimersByTime(11_000);
      tell('asked 17 of 17\x1b');
      return Promise.resolve('silent');
    });
    expect(answer).toBe('silent');
    expect(env.stderr.text.trimEnd().split('\n')).toEqual([
      'waiting for 17 to answer, up to 1m1s',
      'waiting for 17 to answer, up to 56s',
      'waiting for 17 to answer, up to 51s',
      'asked 17 of 17\\x1b',
    ]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('repaints its line on a terminal, and leaves none when it fails', async () => {
    fakeTimers();
    const env = fakeEnvironment({ stderr: { columns: 80, rows: 24 } });
    const failing = showingProgress(env, { count: 2, waitMs: 60_000 }, () => {
      vi.advanceTimersByTime(3000);
      return Promise.reject(new Error('refused'));
    });
    await expect(failing).rejects.toThrow('refused');
    expect(env.stderr.text.split('\rwaiting for 2 to answer, up to ')).toHaveLength(4);
    expect(env.stderr.text).not.toContain('\n');
    expect(env.stderr.text.endsWith('\r\x1b[K')).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
  });
});
