import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  isEmpty,
  isUnit,
  parseEndpointPattern,
  parseFate,
  parseState,
  selects,
  selectsListener,
  type Selection,
} from '../../src/core/selection.js';
import { fateKinds } from '../../src/core/fate.js';
import { TcpaliveError } from '../../src/errors.js';
import type { Listener } from '../../src/core/survey.js';
import { quiet } from './connections.js';

const at = parseEndpointPattern;

describe('selects', () => {
  it.each<[string, Selection, Selection]>([
    ['local address', { local: at('10.0.0.0/8') }, { local: at('192.168.0.0/16') }],
    ['local port', { local: at(':443') }, { local: at(':444') }],
    ['local address and port', { local: at('10.0.0.1:443') }, { local: at('10.0.0.1:50000') }],
    ['peer', { peer: at('203.0.113.0/24:50000') }, { peer: at('10.0.0.1') }],
    ['peer of another family', { peer: at('0.0.0.0/0') }, { peer: at('::/0') }],
    ['port of the local end', { port: 443 }, { port: 80 }],
    ['port of the peer', { port: 50_000 }, { port: 80 }],
    ['pid', { pid: 12 }, { pid: 1 }],
    ['unit', { unit: 'nginx' }, { unit: 'ngin' }],
    ['unit in full', { unit: 'nginx.service' }, { unit: 'nginx.socket' }],
    ['states', { states: ['CLOSE-WAIT', 'ESTABLISHED'] }, { states: ['CLOSE-WAIT'] }],
    ['fates', { fates: ['dying', 'forever'] }, { fates: ['dying'] }],
    ['silence', { silentMs: 60_000 }, { silentMs: 60_001 }],
  ])('by %s', (_, fits, doesNot) => {
    expect(selects(fits, quiet)).toBe(true);
    expect(selects(doesNot, quiet)).toBe(false);
    // All of them must hold.
    expect(selects({ ...fits, port: 80 }, quiet)).toBe(false);
  });

  it('nothing of what is not known', () => {
    const unknown = { ...quiet, process: null, unit: null, silentMs: null };
    expect(selects({ pid: 12 }, unknown)).toBe(false);
    expect(selects({ unit: 'nginx' }, unknown)).toBe(false);
    expect(selects({ silentMs: 1 }, unknown)).toBe(false);
    expect(selects({}, unknown)).toBe(true);
  });

  it('one end by its address and the other by its port', () => {
    expect(selects({ local: at(':443'), peer: at('203.0.113.9') }, quiet)).toBe(true);
    expect(selects({ local: at(':443'), peer: at(':443') }, quiet)).toBe(false);
  });
});

it('a listener is meant by what it has, and by nothing that only a connection has', () => {
  const listener: Listener = {
    local: { address: '10.0.0.1', port: 443 },
    process: { pid: 12, name: 'nginx', fd: 3 },
    unit: 'nginx.service',
    waiting: 0,
    backlog: 511,
    keepalive: { kind: 'off' },
    userTimeoutMs: 0,
    optionsUnread: null,
    userId: 33,
    cookie: '11',
    namespace: 'net:[1]',
  };
  for (const its of [{}, { local: at(':443') }, { port: 443 }, { pid: 12 }, { unit: 'nginx' }]) {
    expect(selectsListener(its, listener)).toBe(true);
  }
  const others: readonly Selection[] = [
    ...[{ local: at(':80') }, { port: 80 }, { pid: 1 }, { unit: 'sshd' }],
    ...[{ peer: at('::/0') }, { states: [] }, { fates: [] }, { silentMs: 0 }],
  ];
  for (const other of others) expect(selectsListener(other, listener)).toBe(false);
});

it('is empty as long as nothing is asked for', () => {
  expect(isEmpty({})).toBe(true);
  expect(isEmpty({ port: undefined, states: undefined })).toBe(true);
  expect(isEmpty({ silentMs: 0 })).toBe(false);
});

it('a unit may go without its .service, and without nothing else', () => {
  expect(isUnit('nginx.service', 'nginx')).toBe(true);
  expect(isUnit('nginx', 'nginx')).toBe(true);
  expect(isUnit('nginx', 'nginx.service')).toBe(false);
  expect(isUnit(null, 'nginx')).toBe(false);
});

describe('parseEndpointPattern', () => {
  it.each([
    ['10.0.0.0/8', 4, 8, undefined],
    ['10.0.0.0/8:443', 4, 8, 443],
    ['10.0.0.7', 4, 32, undefined],
    ['10.0.0.7:1', 4, 32, 1],
    ['[2001:db8::/32]:443', 16, 32, 443],
    ['[2001:db8::/32]', 16, 32, undefined],
    ['[::1]:65535', 16, 128, 65_535],
    ['2001:db8::/32', 16, 32, undefined],
    ['::1', 16, 128, undefined],
    ['[10.0.0.0/8]:443', 4, 8, 443],
  ])('%s', (text, bytes, bits, port) => {
    const pattern = parseEndpointPattern(text);
    expect(pattern.prefix?.bytes).toHaveLength(bytes);
    expect(pattern.prefix?.bits).toBe(bits);
    expect(pattern.port).toBe(port);
  });

  it.each([
    [':443', 443],
    ['*:443', 443],
    ['*', undefined],
  ])('%s: any address', (text, port) => {
    expect(parseEndpointPattern(text)).toEqual({ text, prefix: undefined, port });
  });

  it.each([
    '',
    'web:443',
    '10.0.0.0/33',
    '1.2.3:4',
    '[::1',
    '[]:443',
    '[web]:443',
    '10.0.0.1/8/8',
    '::/129',
  ])('%j is refused by its name', (text) => {
    expect(() => parseEndpointPattern(text)).toThrow(TcpaliveError);
    expect(() => parseEndpointPattern(text)).toThrow(`'${text}' is not ADDRESS, ADDRESS/BITS`);
  });

  it.each([
    ['10.0.0.1:', ''],
    [':', ''],
    [':0', '0'],
    [':65536', '65536'],
    ['[::1]:http', 'http'],
  ])('%j: its port is refused', (text, port) => {
    expect(() => parseEndpointPattern(text)).toThrow(`'${port}' is not a port: 1 to 65535`);
  });

  it('of any text is a pattern or a refusal', () => {
    const part = fc.constantFrom('10', '.', ':', '::', '[', ']', '/', '8', '*', 'a', '443', '');
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(part, { maxLength: 12 }).map((parts) => parts.join('')),
        ),
        (text) => {
          try {
            const { prefix, port } = parseEndpointPattern(text);
            expect(prefix !== undefined || port !== undefined || text === '*').toBe(true);
          } catch (error) {
            expect(error).toBeInstanceOf(TcpaliveError);
          }
        },
      ),
      { numRuns: 5000 },
    );
  });
});

describe('words', () => {
  it('of a fate', () => {
    expect(fateKinds.map(parseFate)).toEqual(fateKinds);
    expect(() => parseFate('dead')).toThrow(
      "'dead' is not a fate: forever, leaked, dying, slow, unknown, armed, closing",
    );
  });

  it.each([
    ['ESTABLISHED', 'ESTABLISHED'],
    ['estab', 'ESTABLISHED'],
    ['close-wait', 'CLOSE-WAIT'],
    ['Fin-Wait-2', 'FIN-WAIT-2'],
    ['syn-recv', 'SYN-RECV'],
  ])('of a state: %s', (text, state) => {
    expect(parseState(text)).toBe(state);
  });

  it.each(['listen', 'closewait', ''])('%j is no state of a connection', (text) => {
    expect(() => parseState(text)).toThrow(`'${text}' is not a state: ESTABLISHED, `);
  });
});
