import { describe, expect, it } from 'vitest';
import { failures, parseFailOn } from '../../src/core/fail-on.js';
import { refusalOf } from '../refusal.js';
import { connectionsOf, processOf, surveyOf } from '../report/survey-fixture.js';

describe('parseFailOn', () => {
  it('takes fates and a share of descriptors', () => {
    expect(parseFailOn('forever, dying,fds=90%')).toEqual([
      { kind: 'fate', fate: 'forever' },
      { kind: 'fate', fate: 'dying' },
      { kind: 'descriptors', share: 0.9 },
    ]);
    expect(parseFailOn('fds=0%,fds=100%,fds=99.5%')).toEqual([
      { kind: 'descriptors', share: 0 },
      { kind: 'descriptors', share: 1 },
      { kind: 'descriptors', share: 0.995 },
    ]);
  });

  it.each(['', 'dead', 'fds', 'fds=', 'fds=90', 'fds=200%', 'fds=100.1%', 'fds=-1%', 'forever;'])(
    'refuses %j and says what it takes',
    (text) => {
      expect(refusalOf(() => parseFailOn(text))).toMatchObject({
        code: 'BAD_USAGE',
        message: `'${text}' is not forever, leaked, dying, slow, unknown, armed, closing or fds=PERCENT%, such as fds=90%`,
      });
    },
  );

  it('refuses what is listed twice', () => {
    expect(refusalOf(() => parseFailOn('dying,dying')).message).toBe("'dying' is listed twice");
  });
});

describe('failures', () => {
  const failed = (text: string, survey = surveyOf()) => failures(survey, parseFailOn(text));

  it('is a line for each fate that is there, in the order asked for', () => {
    expect(failed('dying,forever,slow,leaked')).toEqual(['dying: 1', 'forever: 312', 'leaked: 1']);
  });

  it('is nothing where all is well', () => {
    expect(failed('slow,unknown')).toEqual([]);
    expect(failed('forever,fds=1%', surveyOf([]))).toEqual([]);
  });

  it('names each process at its share of descriptors, and not one below', () => {
    const connections = connectionsOf(3);
    const at = (fds: number | null, fdLimit: number | null) =>
      surveyOf(connections, { processes: [processOf(connections, { fds, fdLimit })] });
    expect(failed('fds=90%', at(899, 1000))).toEqual([]);
    expect(failed('fds=90%', at(900, 1000))).toEqual(['fds=90%: nginx[812] holds 900 of 1000']);
    expect(failed('fds=99.5%', at(1000, 1000))).toEqual([
      'fds=99.5%: nginx[812] holds 1000 of 1000',
    ]);
    expect(failed('fds=0%', at(null, 1000))).toEqual([]);
    expect(failed('fds=0%', at(5, null))).toEqual([]);
  });
});
