import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fateKinds, type Fate, type Moment } from '../../src/core/fate.js';
import type {
  Ask,
  Connection,
  Listener,
  NamespaceSeen,
  Owner,
  ProcessSummary,
  Survey,
} from '../../src/core/survey.js';
import type { SocketKeepalive, SocketTimer } from '../../src/core/socket.js';
import { surveyJson, surveyJsonl } from '../../src/report/survey-json.js';
import { connectionOf, connectionsOf, surveyOf } from './survey-fixture.js';

const hostile = fc.string({
  unit: fc.oneof(
    fc.constantFrom('\x1b', '\x9b', '\x7f', '\n', '"', '\\', '\u202e', '\u2028', '\ud800'),
    fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
  ),
});
const orNull = <Value>(value: fc.Arbitrary<Value>) => fc.option(value, { nil: null });
const count = fc.nat();
const ms = fc.double({ min: 0, max: 1e9, noNaN: true });
const unknown = fc.record({ kind: fc.constant('unknown' as const), reason: hostile });

const span = fc.record({ min: ms, max: ms });
const moment: fc.Arbitrary<Moment> = fc.oneof(
  fc.record({ kind: fc.constant('within' as const), ms: span }),
  fc.record({ kind: fc.constant('assumed' as const), ms: span, assuming: hostile }),
  fc.record({ kind: fc.constant('never' as const) }),
  unknown,
);
const fate: fc.Arbitrary<Fate> = fc.oneof(
  fc.record({ kind: fc.constant('forever' as const), busy: moment }),
  fc.record({ kind: fc.constant('armed' as const), idle: moment, busy: moment }),
  fc.record({ kind: fc.constantFrom('dying', 'slow', 'closing'), ends: moment }),
  fc.record({ kind: fc.constant('leaked' as const) }),
  unknown,
);
const keepalive: fc.Arbitrary<SocketKeepalive> = fc.oneof(
  fc.record({
    kind: fc.constant('known' as const),
    idleSeconds: count,
    intervalSeconds: count,
    count,
  }),
  fc.record({ kind: fc.constant('off' as const) }),
  unknown,
);
const timer: fc.Arbitrary<SocketTimer> = fc.record({
  kind: fc.constantFrom('none', 'retransmit', 'keepalive', 'zero-window', 'time-wait', 'unknown'),
  expiresInMs: orNull(ms),
});
const ask: fc.Arbitrary<Ask> = fc.oneof(
  fc.record({ kind: fc.constantFrom('answers', 'silent') }),
  fc.record({ kind: fc.constantFrom('not-asked', 'no-way-out'), reason: hostile }),
);
const endpoint = fc.record({
  address: fc.oneof(fc.ipV4(), fc.ipV6(), hostile),
  port: fc.nat(65_535),
});
const owner: fc.Arbitrary<Owner> = fc.record({ pid: count, name: hostile, fd: count });

const connection: fc.Arbitrary<Connection> = fc.record({
  local: endpoint,
  peer: endpoint,
  state: fc.constantFrom('ESTABLISHED', 'CLOSE-WAIT'),
  process: orNull(owner),
  unit: orNull(hostile),
  silentMs: orNull(ms),
  unansweredMs: orNull(ms),
  timer,
  retransmissions: count,
  sendQueueBytes: count,
  receiveQueueBytes: count,
  keepalive,
  userTimeoutMs: orNull(count),
  fate,
  ask,
  userId: count,
  cookie: orNull(hostile),
  interfaceIndex: count,
  optionsUnread: orNull(hostile),
  namespace: hostile,
});
const listener: fc.Arbitrary<Listener> = fc.record({
  local: endpoint,
  process: orNull(owner),
  unit: orNull(hostile),
  waiting: count,
  backlog: count,
  keepalive,
  userTimeoutMs: orNull(count),
  optionsUnread: orNull(hostile),
  userId: count,
  cookie: orNull(hostile),
  namespace: hostile,
});
const process: fc.Arbitrary<ProcessSummary> = fc.record({
  pid: count,
  name: hostile,
  unit: orNull(hostile),
  ports: fc.array(count),
  connections: count,
  byFate: fc.constant(
    Object.fromEntries(fateKinds.map((kind) => [kind, 1])) as ProcessSummary['byFate'],
  ),
  fds: orNull(count),
  fdLimit: orNull(count),
});
const namespace: fc.Arbitrary<NamespaceSeen> = fc.record({
  id: hostile,
  name: hostile,
  shown: fc.boolean(),
});
const survey: fc.Arbitrary<Survey> = fc.record({
  schema: fc.constant('tcpalive/ls/1' as const),
  complete: fc.boolean(),
  takenAt: hostile,
  host: fc.record({ kernel: orNull(hostile), hz: orNull(count) }),
  namespaces: fc.array(namespace),
  partial: fc.boolean(),
  notes: fc.array(hostile),
  processes: fc.array(process),
  listeners: fc.array(listener),
  connections: fc.array(connection),
});

/** A terminal would act on these; ends of lines are the writer's own. */
const DANGEROUS = /[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}\p{Cs}]/u;

function text(pieces: Iterable<string | Uint8Array>): string {
  return [...pieces].join('');
}

describe('surveyJson', () => {
  it('is the survey itself, whatever stands in it, and safe on a terminal', () => {
    fc.assert(
      fc.property(survey, (value) => {
        const json = text(surveyJson(value));
        expect(JSON.parse(json)).toEqual(JSON.parse(JSON.stringify(value)));
        expect(json.replaceAll('\n', '')).not.toMatch(DANGEROUS);
      }),
    );
  });

  it('has a line for each connection, process and listener, so that grep works', () => {
    const value = surveyOf(connectionsOf(2));
    const lines = text(surveyJson(value)).trimEnd().split('\n');
    const [processes, listeners] = [value.processes.length, value.listeners.length];
    expect(lines).toHaveLength(4 + processes + listeners + 2);
    expect(lines.filter((line) => line.includes('"fate":{"kind":"forever"'))).toHaveLength(2);
    expect(text(surveyJson(surveyOf([], { processes: [], listeners: [] })))).toMatch(
      /,"processes":\[\],"listeners":\[\],"connections":\[\]\}\n$/,
    );
  });

  it('keeps what connections share apart from what they do not, however many there are', () => {
    const connections = Array.from({ length: 600 }, (_, at) =>
      connectionOf({ unit: `unit-${at % 300}`, local: { address: '10.0.0.5', port: at } }),
    );
    expect(JSON.parse(text(surveyJson(surveyOf(connections))))).toEqual(surveyOf(connections));
  });

  it('comes in pieces that can be written at once', () => {
    const pieces = [...surveyJson(surveyOf(connectionsOf(5000)))];
    for (const piece of pieces) expect(piece.length).toBeLessThan(1024 * 1024);
    expect(pieces.length).toBeLessThan(30);
  });
});

it('surveyJsonl is the survey without its lists, then what they hold, line by line', () => {
  fc.assert(
    fc.property(survey, (value) => {
      const lines = text(surveyJsonl(value)).trimEnd().split('\n');
      const { processes, listeners, connections, ...facts } = value;
      const expected = [
        { kind: 'survey', ...facts },
        ...processes.map((each) => ({ kind: 'process', ...each })),
        ...listeners.map((each) => ({ kind: 'listener', ...each })),
        ...connections.map((each) => ({ kind: 'connection', ...each })),
      ];
      expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual(
        JSON.parse(JSON.stringify(expected)),
      );
      for (const line of lines) expect(line).not.toMatch(DANGEROUS);
    }),
  );
});
