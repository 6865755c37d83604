import { describe, expect, it } from 'vitest';
import type { ProcessSummary } from '../../src/core/survey.js';
import { watchLines } from '../../src/report/survey-watch.js';
import { plainStyle } from './comparison-fixture.js';
import {
  armed,
  connectionOf,
  connectionsOf,
  dying,
  processOf,
  surveyOf,
} from './survey-fixture.js';

const ELAPSED_MS = 2000;

describe('what changed', () => {
  it('is how many there are at the first look', () => {
    expect(watchLines(undefined, surveyOf(), ELAPSED_MS, plainStyle)).toEqual([
      '14:02:07  318 now: forever 312, leaked 1, dying 1, armed 4',
    ]);
    expect(watchLines(undefined, surveyOf([]), ELAPSED_MS, plainStyle)).toEqual([
      '14:02:07  0 now',
    ]);
  });

  it('is what came, went and turned, by fate', () => {
    const before = surveyOf([...connectionsOf(4), connectionOf({ cookie: 'x', fate: armed })]);
    const after = surveyOf([
      ...connectionsOf(2),
      connectionOf({ cookie: 'x', fate: dying }),
      connectionOf({ cookie: 'y' }),
      connectionOf({ cookie: 'z', fate: armed }),
    ]);
    expect(watchLines(before, after, ELAPSED_MS, plainStyle)).toEqual([
      '14:02:07  2 new: forever 1, armed 1; 2 gone: forever 2; 1 turned: dying 1',
    ]);
    expect(watchLines(after, after, ELAPSED_MS, plainStyle)).toEqual([
      '14:02:07  nothing new, nothing gone',
    ]);
  });

  it('tells connections apart by cookie, else by addresses, in each namespace', () => {
    const look = (...changes: readonly Parameters<typeof connectionOf>[0][]) =>
      surveyOf(changes.map((each) => connectionOf(each)));
    const changed = (before: ReturnType<typeof look>, after: ReturnType<typeof look>) =>
      watchLines(before, after, ELAPSED_MS, plainStyle).join();
    const [reused, nothing] = ['1 new: forever 1; 1 gone: forever 1', 'nothing new, nothing gone'];
    expect(changed(look({ cookie: '1' }), look({ cookie: '2' }))).toContain(reused);
    expect(changed(look({ cookie: null }), look({ cookie: null }))).toContain(nothing);
    const elsewhere = { cookie: null, peer: { address: '192.0.2.8', port: 40_001 } };
    expect(changed(look({ cookie: null }), look(elsewhere))).toContain(reused);
    expect(changed(look({}), look({ namespace: 'net:[2]' }))).toContain(reused);
  });
});

describe('the descriptor limit', () => {
  function limitLines(
    before: Partial<ProcessSummary>,
    after: Partial<ProcessSummary>,
    elapsedMs = ELAPSED_MS,
    color = false,
  ): readonly string[] {
    const look = (changes: Partial<ProcessSummary>) =>
      surveyOf([], { processes: [processOf([], changes)] });
    return watchLines(look(before), look(after), elapsedMs, { ...plainStyle, color }).slice(1);
  }

  it.each([
    [876, 900, '14:02:07  nginx[812] 900/1024 fds, +12/s: limit in 10s'],
    [899, 900, '14:02:07  nginx[812] 900/1024 fds, +0.5/s: limit in 4m8s'],
    [1000, 1024, '14:02:07  nginx[812] 1024/1024 fds, +12/s: limit reached'],
  ])('from %d to %d in 2s', (before, after, line) => {
    expect(limitLines({ fds: before }, { fds: after })).toEqual([line]);
  });

  it('is nothing to speak of while it is not rising, or cannot be told', () => {
    expect(limitLines({ fds: 900 }, { fds: 900 })).toEqual([]);
    expect(limitLines({ fds: 901 }, { fds: 900 })).toEqual([]);
    expect(limitLines({ fds: null }, { fds: 900 })).toEqual([]);
    expect(limitLines({ fds: 1 }, { fds: null })).toEqual([]);
    expect(limitLines({ fds: 1 }, { fds: 9, fdLimit: null })).toEqual([]);
    expect(limitLines({ fds: 1 }, { fds: 9 }, 0)).toEqual([]);
    expect(limitLines({ fds: 1, name: 'other' }, { fds: 9 })).toEqual([]);
  });

  it('is red within a minute, and harmless whatever the process calls itself', () => {
    const [near] = limitLines({ fds: 876 }, { fds: 900 }, ELAPSED_MS, true);
    expect(near?.startsWith('14:02:07  \x1b[31mnginx')).toBe(true);
    const [far] = limitLines({ fds: 899 }, { fds: 900 }, ELAPSED_MS, true);
    expect(far).not.toContain('\x1b');
    const name = '\x1b[2J\n';
    const [evil] = limitLines({ fds: 876, name }, { fds: 900, name });
    expect(evil).toContain('\\x1b[2J\\x0a[812] 900/1024');
  });
});
