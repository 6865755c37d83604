import { expect, it } from 'vitest';
import { surveyJson, surveyJsonl } from '../../src/report/survey-json.js';
import { SurveyLines } from '../../src/report/survey-lines.js';
import { connectionsOf, outage, surveyOf } from './survey-fixture.js';

const FORMATS = [
  ['json', surveyJson],
  ['jsonl', surveyJsonl],
] as const;

it.each(FORMATS)(
  '%s that is written at once is that of the survey, byte for byte',
  (format, of) => {
    const unheard = connectionsOf(1500, { silentMs: null });
    const connections = [...connectionsOf(2, { silentMs: 0 }), ...outage, ...unheard].toReversed();
    const { connections: ordered, ...facts } = surveyOf(connections);
    const lines = new SurveyLines(format);
    for (const connection of connections) lines.add(connection);
    const atOnce = Buffer.concat([...lines.worstFirst(facts)]);
    expect(atOnce.equals(Buffer.concat([...of({ ...facts, connections: ordered })]))).toBe(true);
  },
);
