import { describe, expect, it } from 'vitest';
import { parseScenario } from '../../src/core/scenario.js';
import { flatSteps } from '../../src/core/scenario-steps.js';
import { refusal } from './scenario-refusal.js';

function withSteps(steps: string): string {
  return `name: A test\nsteps:\n${steps}`;
}

function stepsOf(steps: string) {
  return parseScenario(withSteps(steps), 'a.yaml').steps;
}

it('knows where it stands, what it does and to which connection', () => {
  const steps = stepsOf(`
  - connect: phone
  - send: phone
  - send: { connection: phone, bytes: 1000 }
  - serverSend: phone
  - wait: 1m30s
  - cut: phone
  - close: phone
`);
  expect(steps).toEqual([
    { at: { line: 4, column: 5 }, kind: 'connect', connection: 'phone' },
    { at: { line: 5, column: 5 }, kind: 'send', connection: 'phone', bytes: 64 },
    { at: { line: 6, column: 5 }, kind: 'send', connection: 'phone', bytes: 1000 },
    { at: { line: 7, column: 5 }, kind: 'serverSend', connection: 'phone', bytes: 64 },
    { at: { line: 8, column: 5 }, kind: 'wait', waitMs: 90_000 },
    { at: { line: 9, column: 5 }, kind: 'cut', connection: 'phone' },
    { at: { line: 10, column: 5 }, kind: 'close', connection: 'phone' },
  ]);
});

describe('repetitions', () => {
  it('hold steps, which hold steps', () => {
    const steps = stepsOf(`
  - repeat: 2
    steps:
      - every: 1s
        for: 2500ms
        steps:
          - connect: phone
`);
    expect(steps).toMatchObject([
      {
        kind: 'repeat',
        times: 2,
        steps: [
          {
            at: { line: 6, column: 9 },
            kind: 'every',
            everyMs: 1000,
            forMs: 2500,
            times: 3,
            steps: [{ at: { line: 9, column: 13 }, kind: 'connect' }],
          },
        ],
      },
    ]);
    expect(flatSteps(steps).map(({ kind }) => kind)).toEqual(['repeat', 'every', 'connect']);
  });

  it.each([
    ['125ms', '30s', 240],
    ['1s', '3s', 3],
    ['1s', '3001ms', 4],
    ['2s', '3s', 2],
  ])('every %s for %s is %i times', (every, duration, times) => {
    const [step] = stepsOf(`  - { every: ${every}, for: ${duration}, steps: [connect: a] }`);
    expect(step).toMatchObject({ times });
  });

  it('are three deep and no deeper', () => {
    const nested = (depth: number): string =>
      depth === 0 ? '{ connect: a }' : `{ repeat: 2, steps: [${nested(depth - 1)}] }`;
    expect(stepsOf(`  - ${nested(3)}`)).toHaveLength(1);
    expect(refusal(withSteps(`  - ${nested(4)}`))).toMatchInlineSnapshot(
      `"a.yaml:3:68: repetitions 4 deep; at most 3"`,
    );
  });

  it('are ten thousand and no more, all together', () => {
    expect(stepsOf('  - { repeat: 10000, steps: [connect: a] }')).toHaveLength(1);
    expect(refusal(withSteps('  - { repeat: 10001, steps: [connect: a] }'))).toMatchInlineSnapshot(
      `"a.yaml:3:15: repeat cannot be 10001; a whole number, 1 to 10000"`,
    );
    expect(stepsOf('  - { every: 1ms, for: 10s, steps: [connect: a] }')).toHaveLength(1);
    expect(
      refusal(withSteps('  - { every: 1ms, for: 10001ms, steps: [connect: a] }')),
    ).toMatchInlineSnapshot(`"a.yaml:3:5: 10001 repetitions; at most 10000"`);
    expect(
      refusal(
        withSteps('  - repeat: 101\n    steps: [{ every: 1s, for: 100s, steps: [connect: a] }]'),
      ),
    ).toMatchInlineSnapshot(
      `"a.yaml:4:13: 10100 repetitions, multiplied by those around it; at most 10000"`,
    );
  });

  it('do not begin again after their end', () => {
    expect(
      refusal(withSteps('  - { every: 3s, for: 3s, steps: [connect: a] }')),
    ).toMatchInlineSnapshot(
      `"a.yaml:3:5: every is not shorter than for; such as every: 1s, for: 10s"`,
    );
  });
});

describe('connections', () => {
  it.each(['send', 'serverSend', 'cut', 'close'])('are opened before %s', (verb) => {
    expect(refusal(withSteps(`  - connect: phone\n  - ${verb}: laptop`))).toBe(
      "a.yaml:4:5: 'laptop' is not connected yet; write '- connect: laptop' before it",
    );
    expect(stepsOf(`  - connect: laptop\n  - ${verb}: laptop`)).toHaveLength(2);
  });

  it.each(['send', 'cut', 'close'])('are not closed before %s', (verb) => {
    expect(refusal(withSteps(`  - connect: phone\n  - close: phone\n  - ${verb}: phone`))).toBe(
      "a.yaml:5:5: 'phone' is closed already; write '- connect: phone' before it",
    );
    const again = `  - connect: phone\n  - close: phone\n  - connect: phone\n  - ${verb}: phone`;
    expect(stepsOf(again)).toHaveLength(4);
  });

  it('may be closed when the server sends: it need not know', () => {
    expect(stepsOf('  - connect: a\n  - close: a\n  - serverSend: a')).toHaveLength(3);
  });

  it('are what the round before has left of them', () => {
    const twice = '  - connect: a\n  - repeat: 2\n    steps: [send: a, close: a]';
    expect(refusal(withSteps(twice))).toMatchInlineSnapshot(
      `"a.yaml:5:13: 'a' is closed already; write '- connect: a' before it"`,
    );
    const once = '  - connect: a\n  - repeat: 1\n    steps: [send: a, close: a]';
    expect(stepsOf(once)).toHaveLength(2);
    const again = '  - repeat: 2\n    steps: [connect: a, send: a, close: a]\n  - connect: a';
    expect(stepsOf(again)).toHaveLength(2);
  });

  it('outlive the repetition that opened them', () => {
    expect(stepsOf('  - repeat: 2\n    steps: [connect: a]\n  - send: a')).toHaveLength(2);
  });
});
