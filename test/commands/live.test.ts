import { stripVTControlCharacters } from 'node:util';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { showProgress } from '../../src/commands/live.js';
import type { ComparisonEvent, PlannedRow } from '../../src/core/progress.js';
import { interval } from '../report/comparison-fixture.js';
import { fakeEnvironment, type FakeEnvironment, type FakeWorld } from './environment.js';

const HIDE_CURSOR = '\x1b[?25l';
const SHOW_CURSOR = '\x1b[?25h';
const CLEAR_BELOW = '\x1b[J';
const CONTROL = /\x1b\[/; // eslint-disable-line no-control-regex

/** Of the picture on a terminal, and of the lines elsewhere. */
const REPAINT_MS = 150;
const LINE_MS = 1000;

const planned: PlannedRow = {
  mode: 'heartbeat=1s:3s',
  load: 'idle',
  fault: 'blackhole',
  connections: 2,
  predicted: interval(2000, 3000),
  waitMs: 15_000,
};

const opened: readonly ComparisonEvent[] = [
  { kind: 'planned', rows: [planned] },
  { kind: 'stage', text: 'opening 2 connections' },
];

beforeEach(() => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
});

function shownIn(
  world: FakeWorld,
  events: readonly ComparisonEvent[] = opened,
  picture: 'lanes' | 'line' = 'lanes',
) {
  const env = fakeEnvironment(world);
  const progress = showProgress(env, 'never', picture);
  for (const event of events) progress.take(event);
  return { env, progress };
}

/** What was written since, and the frames that it consists of. */
function paintedWhile({ stderr }: FakeEnvironment, act: () => void): string {
  const before = stderr.text.length;
  act();
  return stderr.text.slice(before);
}

describe('on a terminal', () => {
  const terminal = { stderr: { columns: 80, rows: 24 } };

  it('paints nothing at once, then over and over in place', () => {
    const { env } = shownIn(terminal);
    expect(env.stderr.text).toBe('');
    vi.advanceTimersByTime(REPAINT_MS - 1);
    expect(env.stderr.text).toBe('');
    vi.advanceTimersByTime(1);
    const first = env.stderr.text;
    expect(first.startsWith(`${HIDE_CURSOR}\r`)).toBe(true);
    expect(first.endsWith(`\x1b[K\n${CLEAR_BELOW}`)).toBe(true);
    const lines = first.split('\n').length - 1;
    const second = paintedWhile(env, () => vi.advanceTimersByTime(REPAINT_MS));
    expect(second).toBe(first.replace(HIDE_CURSOR, `\x1b[${lines}A`));
  });

  it('shows a lane a row, and how far it is', () => {
    const { env, progress } = shownIn(terminal);
    progress.take({ kind: 'dropped', row: 0 });
    vi.advanceTimersByTime(2400);
    progress.take({ kind: 'noticed', row: 0, atMs: 2390, by: 'heartbeat' });
    const frame = paintedWhile(env, () => vi.advanceTimersByTime(REPAINT_MS));
    expect(stripVTControlCharacters(frame.replace('\r', ''))).toMatchInlineSnapshot(`
      "heartbeat=1s:3s idle    |     x                                1/2, 1 silent
                              0s    ^     5s          10s
      . sign of life   ? sent by the kernel   | the cut   x noticed
      # all noticed at once   ! false alarm   2-9 + several noticed
      2s of 15s: 1 of 2 noticed, 0 false alarms; about 13s left
      "
    `);
  });

  it('counts from the first drop', () => {
    const { env, progress } = shownIn(terminal, [
      { kind: 'planned', rows: [planned, planned] },
      { kind: 'dropped', row: 0 },
    ]);
    vi.advanceTimersByTime(2000);
    progress.take({ kind: 'dropped', row: 1 });
    const frame = paintedWhile(env, () => vi.advanceTimersByTime(1200));
    expect(frame).toContain('3s of 15s: 0 of 4 noticed, 0 false alarms; about 12s left');
  });

  it('paints one line where the picture is taller than the terminal', () => {
    const { env } = shownIn({ stderr: { columns: 80, rows: 5 } });
    vi.advanceTimersByTime(REPAINT_MS);
    expect(env.stderr.text).toBe(`${HIDE_CURSOR}\ropening 2 connections\x1b[K\n${CLEAR_BELOW}`);
    const second = paintedWhile(env, () => vi.advanceTimersByTime(REPAINT_MS));
    expect(second).toBe(`\x1b[1A\ropening 2 connections\x1b[K\n${CLEAR_BELOW}`);
  });

  it('paints the picture as soon as there is a line to spare below it', () => {
    const tall = shownIn({ stderr: { columns: 80, rows: 24 } }).env;
    vi.advanceTimersByTime(REPAINT_MS);
    const lines = tall.stderr.text.split('\n').length - 1;
    const [fits, full] = [lines + 1, lines].map(
      (rows) => shownIn({ stderr: { columns: 80, rows } }).env,
    );
    vi.advanceTimersByTime(REPAINT_MS);
    expect(fits?.stderr.text.split('\n').length).toBe(lines + 1);
    expect(full?.stderr.text.split('\n').length).toBe(2);
  });

  it('paints one line of words when that is what is wanted, no wider than the terminal', () => {
    const { env } = shownIn({ stderr: { columns: 10, rows: 24 } }, opened, 'line');
    vi.advanceTimersByTime(REPAINT_MS);
    expect(env.stderr.text).toBe(`${HIDE_CURSOR}\ropening 2~\x1b[K\n${CLEAR_BELOW}`);
  });

  it('clears the picture away at the end, once, and paints no more', () => {
    const { env, progress } = shownIn(terminal);
    vi.advanceTimersByTime(REPAINT_MS);
    const lines = env.stderr.text.split('\n').length - 1;
    const last = paintedWhile(env, () => {
      progress.end();
      progress.end();
      vi.advanceTimersByTime(10 * REPAINT_MS);
      env.exit();
    });
    expect(last).toBe(`\x1b[${lines}A\r${CLEAR_BELOW}${SHOW_CURSOR}`);
    expect(vi.getTimerCount()).toBe(0);
    expect(env.listeners.exit).toBe(0);
  });

  it('shows the cursor again when the process exits in the middle', () => {
    const { env, progress } = shownIn(terminal);
    vi.advanceTimersByTime(REPAINT_MS);
    const last = paintedWhile(env, () => env.exit());
    expect(last.endsWith(CLEAR_BELOW + SHOW_CURSOR)).toBe(true);
    expect(paintedWhile(env, () => progress.end())).toBe('');
    expect(vi.getTimerCount()).toBe(0);
  });

  it('has nothing to clear away when it ends before the first picture', () => {
    const { env, progress } = shownIn(terminal);
    progress.end();
    vi.advanceTimersByTime(REPAINT_MS);
    expect(env.stderr.text).toBe('');
  });

  it('writes to stderr only', () => {
    const { env, progress } = shownIn(terminal);
    vi.advanceTimersByTime(REPAINT_MS);
    progress.end();
    expect(env.stdout.text).toBe('');
  });
});

describe.each([
  ['elsewhere', {}],
  ['on a dumb terminal', { stderr: { columns: 80, rows: 24 }, variables: { TERM: 'dumb' } }],
])('%s', (_, world: FakeWorld) => {
  it('a line a second at most, and none twice', () => {
    const { env, progress } = shownIn(world);
    vi.advanceTimersByTime(LINE_MS - 1);
    expect(env.stderr.text).toBe('');
    vi.advanceTimersByTime(1);
    expect(env.stderr.text).toBe('opening 2 connections\n');
    vi.advanceTimersByTime(5 * LINE_MS);
    expect(env.stderr.text).toBe('opening 2 connections\n');
    progress.take({ kind: 'dropped', row: 0 });
    vi.advanceTimersByTime(2 * LINE_MS);
    progress.take({ kind: 'noticed', row: 0, atMs: 2100, by: 'heartbeat' });
    vi.advanceTimersByTime(LINE_MS);
    expect(env.stderr.text).toMatchInlineSnapshot(`
      "opening 2 connections
      1s of 15s: 0 of 2 noticed, 0 false alarms; about 14s left
      2s of 15s: 0 of 2 noticed, 0 false alarms; about 13s left
      3s of 15s: 1 of 2 noticed, 0 false alarms; about 12s left
      "
    `);
  });

  it('leaves no mark of a terminal, and nothing to clear away', () => {
    const { env, progress } = shownIn(world);
    vi.advanceTimersByTime(LINE_MS);
    progress.end();
    progress.end();
    vi.advanceTimersByTime(LINE_MS);
    env.exit();
    expect(env.stderr.text).toBe('opening 2 connections\n');
    expect(env.stderr.text).not.toMatch(CONTROL);
    expect(vi.getTimerCount()).toBe(0);
    expect(env.listeners.exit).toBe(0);
  });
});
