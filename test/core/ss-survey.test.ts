import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Selection } from '../../src/core/selection.js';
import { surveyFromSs } from '../../src/core/ss-survey.js';
import { parseSs } from '../../src/core/ss-text.js';
import { countByFate, type Survey } from '../../src/core/survey.js';

/** fixtures/ss: one host's sockets by real ss. */
function pasted(name: string): string {
  return readFileSync(new URL(`../../fixtures/ss/${name}.txt`, import.meta.url), 'utf8');
}

function surveyOf(text: string, selection: Selection = {}): Survey {
  const reading = parseSs(text);
  return surveyFromSs({ reading, file: 'ss.txt', readAt: '2026-11-20T14:02:07.123Z', selection });
}

const ESTABLISHED = 'ESTAB 0 0 10.0.0.5:443 192.0.2.7:40001';

describe('a survey from what ss printed', () => {
  const survey = surveyOf(pasted('wide'));

  it('has every socket: listeners apart, the worst connections first', () => {
    expect(survey.listeners).toHaveLength(5);
    expect(survey.connections).toHaveLength(38);
    expect(countByFate(survey.connections)).toMatchInlineSnapshot(`
      {
        "armed": 2,
        "closing": 6,
        "dying": 6,
        "forever": 19,
        "leaked": 4,
        "slow": 1,
        "unknown": 0,
      }
    `);
    expect(survey.connections[0]?.fate.kind).toBe('forever');
  });

  it('says where it is from, and what is not known of there', () => {
    const { connections, listeners, processes, ...facts } = survey;
    expect(facts).toEqual({
      schema: 'tcpalive/ls/1',
      complete: true,
      takenAt: '2026-11-20T14:02:07.123Z',
      host: { kernel: null, hz: null },
      namespaces: [{ id: 'file', name: 'ss.txt', shown: true }],
      partial: false,
      notes: [
        "of that machine's kernel settings nothing is known: times are those of an untuned Linux",
      ],
    });
    expect(processes).toEqual([]);
    expect(new Set([...connections, ...listeners].map(({ namespace }) => namespace))).toEqual(
      new Set(['file']),
    );
  });

  it('has processes where ss was asked for them (-p), without their limits', () => {
    const { processes } = surveyOf(pasted('oneline'));
    expect(processes.length).toBeGreaterThan(0);
    expect(processes.every(({ fds, fdLimit }) => fds === null && fdLimit === null)).toBe(true);
  });

  it('takes the filters of ls', () => {
    const { connections, listeners } = surveyOf(pasted('wide'), { states: ['CLOSE-WAIT'] });
    expect(connections.map(({ state }) => state)).toEqual(['CLOSE-WAIT', 'CLOSE-WAIT']);
    expect(listeners).toEqual([]);
  });

  it('what could not be read is counted, and the first line named', () => {
    const { partial, notes, connections } = surveyOf(`${ESTABLISHED}\nhello\nworld\n`);
    expect([partial, connections.length]).toEqual([true, 1]);
    expect(notes.at(-1)).toBe(
      '2 lines could not be read, the first is line 2: nothing that ss -tneoi prints',
    );
  });

  it('without timers it tells no fate, and says how to print them', () => {
    const { connections, notes } = surveyOf(`${ESTABLISHED}\n`);
    expect(connections.map(({ fate }) => fate.kind)).toEqual(['unknown']);
    expect(notes).toContain('printed without -o: no fate can be told without the timers');
  });

  it('a unit from the cgroup, and no option that ss does not print', () => {
    const line = `${ESTABLISHED} timer:(keepalive,45sec,0) ino:7 sk:1a cgroup:/system.slice/nginx.service <->\n\t cwnd:10 rto:204 rtt:1/1 lastsnd:9 lastrcv:9 lastack:9\n`;
    const [connection] = surveyOf(line).connections;
    expect(connection).toMatchObject({
      unit: 'nginx.service',
      userTimeoutMs: null,
      keepalive: { kind: 'unknown', reason: 'ss does not print it' },
      fate: { kind: 'armed', idle: { kind: 'unknown', reason: 'ss does not print it' } },
    });
  });

  it('a timer that ss has cut off may end that much later', () => {
    const printed = (timer: string) =>
      `${ESTABLISHED} timer:(on,${timer},3) ino:7 sk:1a <->\n\t cwnd:10 backoff:3 rto:1632 rtt:1/1 lastsnd:9 lastrcv:9 lastack:9\n`;
    const latest = (timer: string) => {
      const fate = surveyOf(printed(timer)).connections[0]?.fate;
      if (fate?.kind !== 'dying' || !('ms' in fate.ends)) throw new Error('not dying');
      return fate.ends.ms;
    };
    const [whole, cut] = [latest('1.500ms'), latest('12sec')];
    // Ten and a half seconds later; behind ten seconds the milliseconds are not printed.
    expect(cut.min - whole.min).toBeCloseTo(10_500, 3);
    expect(cut.max - whole.max).toBeCloseTo(10_500 + 999, 3);
  });
});
