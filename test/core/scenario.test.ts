import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { COMPARATORS } from '../../src/core/comparator.js';
import { formatDuration } from '../../src/core/duration.js';
import { formatMode, parseMode } from '../../src/core/mode.js';
import { countNames, factNames } from '../../src/core/scenario-check.js';
import { parseScenario, serverParts } from '../../src/core/scenario.js';
import { TcpaliveError } from '../../src/errors.js';
import { refusal } from './scenario-refusal.js';

const SCENARIOS = 'fixtures/scenarios';

function fixture(path: string): string {
  return readFileSync(`${SCENARIOS}/${path}`, 'utf8');
}

function yamlFilesIn(directory: string): readonly string[] {
  return readdirSync(directory).filter((file) => file.endsWith('.yaml'));
}

describe('the scenarios that come with tcpalive', () => {
  it.each(yamlFilesIn(SCENARIOS))('%s has a name, a story and something to expect', (file) => {
    const { name, story, expect: expectations } = parseScenario(fixture(file), file);
    expect(name).toMatch(/^[A-Z]/);
    expect(story).toMatch(/^[A-Z].*\.$/);
    expect(expectations.length).toBeGreaterThan(0);
  });

  it('one-frame-then-silence.yaml needs no server of ours', () => {
    const scenario = parseScenario(fixture('one-frame-then-silence.yaml'), 'a.yaml');
    expect(scenario).toMatchObject({ modes: [{}], server: { replyDelayMs: 0 } });
    expect(scenario.server.descriptors).toBeUndefined();
    expect(serverParts(scenario)).toBeUndefined();
  });

  it('five-times-over.yaml connects six times', () => {
    const { steps } = parseScenario(fixture('five-times-over.yaml'), 'a.yaml');
    expect(steps.map(({ kind }) => kind)).toEqual(['repeat', 'connect', 'send', 'wait']);
  });

  it('late-answer.yaml has a slow server', () => {
    const scenario = parseScenario(fixture('late-answer.yaml'), 'a.yaml');
    expect(scenario.server.replyDelayMs).toBe(1000);
    expect(serverParts(scenario)).toEqual({ key: 'server', at: { line: 6, column: 1 } });
  });

  it('sixty-four-descriptors.yaml is played in three modes', () => {
    const scenario = parseScenario(fixture('sixty-four-descriptors.yaml'), 'a.yaml');
    expect(scenario.modes.map(formatMode)).toEqual([
      'none',
      'keepalive=1s:1s:3',
      'heartbeat=1s:3s',
    ]);
    expect(scenario.server.descriptors).toBe(64);
    expect(scenario.expect).toEqual([
      { mode: 'none', quantity: 'refused', comparator: '>', value: 0 },
      { mode: 'keepalive=1s:1s:3', quantity: 'refused', comparator: '=', value: 0 },
      { mode: 'heartbeat=1s:3s', quantity: 'refused', comparator: '=', value: 0 },
      { mode: undefined, quantity: 'peakDescriptors', comparator: '<=', value: 64 },
    ]);
  });
});

it('each invalid one is refused in one line', () => {
  const files = yamlFilesIn(`${SCENARIOS}/invalid`).toSorted();
  const lines = files.map((file) => refusal(fixture(`invalid/${file}`), file));
  expect(lines.join('\n')).toMatchInlineSnapshot(`
    "alias.yaml:4:5: an anchor, '&hello'; write it out where it is needed
    bad-mode.yaml:2:15: 'keepalive=1:1:3' has no units: did you mean keepalive=1s:1s:3?
    bare-duration.yaml:4:11: '3' has no unit: did you mean 3s?
    closed-twice.yaml:6:9: 'phone' is closed already; write '- connect: phone' before it
    empty-steps.yaml:2:8: an empty list; a list of steps, at least one
    every-longer-than-for.yaml:3:5: every is not shorter than for; such as every: 1s, for: 10s
    large-frame.yaml:4:39: bytes cannot be 65536; a whole number, 1 to 65535
    never-connected.yaml:4:5: 'laptop' is not connected yet; write '- connect: laptop' before it
    no-steps.yaml:1:1: a scenario without 'steps'; accepted: name, story, modes, server, steps, expect
    no-verb.yaml:3:5: 'conect' is not a verb; one of connect, send, wait, cut, close, serverSend, repeat, every
    too-deep.yaml:9:17: repetitions 4 deep; at most 3
    too-often.yaml:3:5: 900000 repetitions; at most 10000
    two-verbs.yaml:3:5: two verbs in one step, connect and send; write '- send:' below it
    unknown-key.yaml:2:1: 'speed' is not a key of a scenario; accepted: name, story, modes, server, steps, expect
    unknown-timer.yaml:5:12: 'egg' is not a timer; one of none, retransmit, keepalive, zero-window
    unplayed-mode.yaml:6:13: 'heartbeat=1s:3s' is not played here; one of none"
  `);
});

describe('modes', () => {
  const modes = (text: string) => `name: A test\nmodes: ${text}\nsteps: [connect: phone]`;

  it('are none at all where the file does not say', () => {
    expect(parseScenario('name: A test\nsteps: [connect: phone]', 'a.yaml').modes).toEqual([{}]);
  });

  it('are played once each, however they are spelled', () => {
    expect(refusal(modes('[none, keepalive, keepalive=1m:10s:6]'))).toMatchInlineSnapshot(
      `"a.yaml:2:26: 'keepalive=60s:10s:6' twice; each mode once"`,
    );
    expect(parseScenario(modes('[keepalive, keepalive=1m:10s:5]'), 'a.yaml').modes).toHaveLength(2);
  });

  it('are expected to do something only if they are played', () => {
    const text = modes('[none, heartbeat]');
    expect(refusal(`${text}\nexpect:\n  - { mode: keepalive, noticed: 1 }`)).toMatchInlineSnapshot(
      `"a.yaml:5:13: 'keepalive=60s:10s:6' is not played here; one of none, heartbeat=1s:3s"`,
    );
    const { expect: expectations } = parseScenario(
      `${text}\nexpect:\n  - { mode: 'heartbeat=1000ms:3s', noticed: 1 }`,
      'a.yaml',
    );
    expect(expectations).toEqual([
      { mode: 'heartbeat=1s:3s', quantity: 'noticed', comparator: '=', value: 1 },
    ]);
  });
});

it('keeps expectations in the order of the file', () => {
  const { expect: expectations } = parseScenario(
    'name: A test\nsteps: [connect: phone]\nexpect: [{ timer: none, stale: 5 }, established: 6]',
    'a.yaml',
  );
  expect(expectations.map(({ quantity }) => quantity)).toEqual(['timer', 'stale', 'established']);
});

it('tells the first of several mistakes', () => {
  const both = 'name: A test\nsteps:\n  - wait: 3\n  - wait: 4\nserver: 5\n';
  expect(refusal(both)).toMatchInlineSnapshot(`"a.yaml:3:11: '3' has no unit: did you mean 3s?"`);
});

describe('the first thing that takes a server of ours', () => {
  const where = (text: string) => serverParts(parseScenario(`name: A test\n${text}`, 'a.yaml'));
  const steps = 'steps:\n  - connect: a\n  - repeat: 2\n    steps: [serverSend: a]\n';

  it('is its section, or a step of its own', () => {
    expect(where('steps: [connect: a]')).toBeUndefined();
    expect(where('steps: [connect: a]\nserver: {}')).toEqual({
      key: 'server',
      at: { line: 3, column: 1 },
    });
    expect(where(steps)).toEqual({ key: 'serverSend', at: { line: 5, column: 13 } });
    expect(where(`server: { replyDelay: 1s }\n${steps}`)).toMatchObject({ key: 'server' });
    expect(where(`${steps}server: { replyDelay: 1s }`)).toMatchObject({ key: 'serverSend' });
  });
});

describe('whatever is in the file', () => {
  /** Any other error, or a message of two lines, is a bug. */
  function survives(text: string): void {
    try {
      parseScenario(text, 'a.yaml');
    } catch (error) {
      if (!(error instanceof TcpaliveError)) throw error;
      expect(error.code).toBe('BAD_SCENARIO');
      expect(error.message).toMatch(/^a\.yaml:\d+:\d+: [^\p{Cc}\p{Cs}]+$/u);
    }
  }

  /** Any UTF-16 units, lone surrogates among them. */
  const units = (maxLength: number) =>
    fc.uint16Array({ maxLength }).map((array) => String.fromCharCode(...array));

  it('random text', () => {
    fc.assert(fc.property(units(100), survives));
    fc.assert(fc.property(fc.string({ maxLength: 100 }), survives));
  });

  it('random bytes', () => {
    const decoder = new TextDecoder();
    const bytes = fc.uint8Array({ maxLength: 200 }).map((array) => decoder.decode(array));
    fc.assert(fc.property(bytes, survives));
  });

  it('what looks like YAML', () => {
    const token = fc.constantFrom(
      ...['- ', ': ', '\n', '  ', '? ', '[', ']', '{', '}', ',', '&a ', '*a', '!x ', '|', '>', "'"],
      ...['"', '#', '%', '---\n', '...\n', '\t', 'steps:', 'name: a\n', 'connect: a', 'repeat: 2'],
      ...['every: 1s', 'for: 2s', 'expect:', 'mode: none', 'stale: 1', 'modes:', 'none', '<<: '],
    );
    const text = fc.array(token, { maxLength: 60 }).map((tokens) => tokens.join(''));
    fc.assert(fc.property(text, survives), { numRuns: 300 });
  });

  it('a scenario with a piece torn out and another put in', () => {
    const whole =
      'name: A test\nmodes: [none, heartbeat=1s:3s]\nserver: { descriptors: 64 }\nsteps:\n' +
      '  - every: 1s\n    for: 3s\n    steps:\n      - connect: phone\n      - cut: phone\n' +
      "expect:\n  - { mode: none, refused: '>0' }\n";
    const wound = fc.tuple(fc.nat({ max: whole.length }), fc.nat({ max: 20 }), units(4));
    fc.assert(
      fc.property(wound, ([at, length, put]) => {
        survives(whole.slice(0, at) + put + whole.slice(at + length));
      }),
    );
  });
});

describe('a scenario that is written as YAML', () => {
  const names = ['phone', 'laptop', '42', 'null', 'a.b-c_d'];
  const name = fc.constantFrom(...names);
  const durationMs = fc.integer({ min: 1, max: 600_000 });
  const frame = fc.record({ connection: name, bytes: fc.integer({ min: 1, max: 65_535 }) });

  /** A step in the file, and what is to become of it. */
  const leaf = fc.oneof(
    name.map((connection) => [{ connect: connection }, { kind: 'connect', connection }]),
    name.map((connection) => [{ cut: connection }, { kind: 'cut', connection }]),
    name.map((connection) => [{ send: connection }, { kind: 'send', connection, bytes: 64 }]),
    frame.map((send) => [{ send }, { kind: 'send', ...send }]),
    frame.map((serverSend) => [{ serverSend }, { kind: 'serverSend', ...serverSend }]),
    durationMs.map((waitMs) => [{ wait: formatDuration(waitMs) }, { kind: 'wait', waitMs }]),
  );
  const repetition = fc
    .tuple(
      fc.integer({ min: 1, max: 20 }),
      durationMs,
      fc.array(leaf, { minLength: 1, maxLength: 4 }),
    )
    .map(([times, everyMs, inner]) => {
      const steps = inner.map(([written]) => written);
      const become = inner.map(([, step]) => step);
      const forMs = everyMs * (times + 1);
      return times % 2 === 0
        ? [
            { repeat: times, steps },
            { kind: 'repeat', times, steps: become },
          ]
        : [
            { every: formatDuration(everyMs), for: formatDuration(forMs), steps },
            { kind: 'every', everyMs, forMs, times: times + 1, steps: become },
          ];
    });
  const quantity = fc.oneof(
    fc.tuple(fc.constantFrom(...countNames), fc.constantFrom(...COMPARATORS), fc.nat(64)),
    fc.constant(['timer', '=', 'none'] as const),
    fc.constant([factNames[0], '=', 'CLOSE-WAIT'] as const),
  );
  const modes = fc.uniqueArray(
    fc.constantFrom('none', 'keepalive=1s:1s:3+user-timeout=3s', 'heartbeat=1s:3s'),
    { minLength: 1 },
  );
  const title = fc
    .string({ minLength: 1, maxLength: 100 })
    .filter((text) => text.trim() !== '' && text.length <= 100);

  it('is read as it was meant', () => {
    fc.assert(
      fc.property(
        title,
        modes,
        fc.integer({ min: 32, max: 4096 }),
        fc.array(fc.oneof(leaf, repetition), { maxLength: 6 }),
        fc.array(quantity, { minLength: 1, maxLength: 4 }),
        (written, modeTexts, descriptors, steps, expectations) => {
          const open = names.map((connection) => ({ connect: connection }));
          const text = stringify({
            name: written,
            modes: modeTexts,
            server: { descriptors },
            steps: [...open, ...steps.map(([step]) => step)],
            expect: expectations.map(([what, comparator, value]) => ({
              [what]: typeof value === 'string' ? value : `${comparator}${value}`,
            })),
          });
          expect(parseScenario(text, 'a.yaml')).toMatchObject({
            name: written,
            story: '',
            modes: modeTexts.map(parseMode),
            server: { replyDelayMs: 0, descriptors },
            steps: [
              ...names.map((connection) => ({ kind: 'connect', connection })),
              ...steps.map(([, step]) => step),
            ],
            expect: expectations.map(([what, comparator, value]) => ({
              quantity: what,
              comparator,
              value,
            })),
          });
        },
      ),
    );
  });
});
