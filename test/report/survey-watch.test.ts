import { describe, expect, it } from 'vitest';
import type { ProcessSummary, Survey } from '../../src/core/survey.js';
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

/** What the last of these looks, two seconds apart, has to say. */
function lastOf(surveys: readonly Survey[], color = false): readonly string[] {
  const looks = surveys.map((survey, at) => ({ survey, atMs: at * ELAPSED_MS }));
  const now = looks.at(-1);
  return now === undefined ? [] : watchLines(looks.slice(0, -1), now, { ...plainStyle, color });
}

describe('what changed', () => {
  it('is how many there are at the first look', () => {
    expect(lastOf([surveyOf()])).toEqual([
      '14:02:07  318 now: forever 312, leaked 1, dying 1, armed 4',
    ]);
    expect(lastOf([surveyOf([])])).toEqual(['14:02:07  0 now']);
  });

  it('is what came, went and turned, by fate and by name', () => {
    const before = surveyOf([...connectionsOf(4), connectionOf({ cookie: 'x', fate: armed })]);
    const after = surveyOf([
      ...connectionsOf(2),
      connectionOf({ cookie: 'x', fate: dying }),
      connectionOf({ cookie: 'y', process: null }),
      connectionOf({ cookie: 'z', fate: armed }),
    ]);
    expect(lastOf([before, after]).join('\n')).toMatchInlineSnapshot(`
      "14:02:07  2 new: forever 1, armed 1
                  192.0.2.7:40001  -  forever
                  192.0.2.7:40001  nginx[812]  armed
                2 gone: forever 2
                  192.0.2.7:40003  nginx[812]  forever
                  192.0.2.7:40004  nginx[812]  forever
                1 turned: dying 1
                  192.0.2.7:40001  nginx[812]  dying, was armed"
    `);
    expect(lastOf([before, after, after])).toEqual(['14:02:07  nothing new, nothing gone']);
  });

  it('is five by name, then how many more, and harmless', () => {
    const evil = connectionsOf(7, { process: { pid: 7, name: '\x1b[2J', fd: 3 } });
    const changed = lastOf([surveyOf([]), surveyOf(evil)]);
    expect(changed).toHaveLength(7);
    expect(changed[5]).toBe('            192.0.2.7:40005  \\x1b[2J[7]  forever');
    expect(changed[6]).toBe('            ... 2 more');
  });

  it('tells connections apart by cookie, else by addresses, in each namespace', () => {
    const look = (...changes: readonly Parameters<typeof connectionOf>[0][]) =>
      surveyOf(changes.map((each) => connectionOf(each)));
    const changed = (before: ReturnType<typeof look>, after: ReturnType<typeof look>) =>
      lastOf([before, after]).join(';');
    const reused = /1 new: forever 1;.*;\s+1 gone: forever 1;/;
    const nothing = /nothing new, nothing gone/;
    expect(changed(look({ cookie: '1' }), look({ cookie: '2' }))).toMatch(reused);
    expect(changed(look({ cookie: null }), look({ cookie: null }))).toMatch(nothing);
    const elsewhere = { cookie: null, peer: { address: '192.0.2.8', port: 40_001 } };
    expect(changed(look({ cookie: null }), look(elsewhere))).toMatch(reused);
    expect(changed(look({}), look({ namespace: 'net:[2]' }))).toMatch(reused);
  });
});

describe('the descriptor limit', () => {
  function limitLines(
    looks: readonly (number | null | Partial<ProcessSummary>)[],
    color = false,
  ): readonly string[] {
    const surveys = looks.map((look) => {
      const changes = typeof look === 'object' && look !== null ? look : { fds: look };
      return surveyOf([], { processes: [processOf([], changes)] });
    });
    return lastOf(surveys, color).slice(1);
  }

  it.each([
    [[852, 876, 900], '          nginx[812] 900/1024 fds, +12/s: limit in 10s'],
    [[898, 899, 900], '          nginx[812] 900/1024 fds, +0.5/s: limit in 4m8s'],
    [[1, 852, 876, 900], '          nginx[812] 900/1024 fds, +12/s: limit in 10s'],
    [[1000, 1024], '          nginx[812] 1024/1024 fds: limit reached'],
    [[1024, 1024], '          nginx[812] 1024/1024 fds: limit reached'],
  ])('from look to look %j', (fds, line) => {
    expect(limitLines(fds)).toEqual([line]);
  });

  it.each([
    ['seen twice alone', [876, 900]],
    ['no rise', [900, 900, 900]],
    ['no rise at last', [899, 900, 900]],
    ['a fall', [898, 897, 900]],
    ['unknown before', [null, 899, 900]],
    ['unknown in between', [898, null, 900]],
    ['unknown now', [898, 899, null]],
    ['no limit', [1, 2, { fds: 3, fdLimit: null }]],
    ['another process', [{ fds: 1, name: 'other' }, 2, 3]],
  ])('is nothing to speak of: %s', (_, looks) => {
    expect(limitLines(looks)).toEqual([]);
  });

  it('is red within a minute, and harmless whatever the process calls itself', () => {
    const [near] = limitLines([852, 876, 900], true);
    expect(near?.trimStart().startsWith('\x1b[31mnginx')).toBe(true);
    const [far] = limitLines([898, 899, 900], true);
    expect(far).not.toContain('\x1b');
    const name = '\x1b[2J\n';
    const [evil] = limitLines([852, 876, 900].map((fds) => ({ fds, name })));
    expect(evil).toContain('\\x1b[2J\\x0a[812] 900/1024');
  });
});
