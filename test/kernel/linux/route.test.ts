import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatAddress } from '../../../src/core/address.js';
import {
  decodeLink,
  decodeNeighbour,
  decodeRoute,
  encodeAddressRequest,
  encodeLinkRequest,
  encodeNeighbourQuestion,
  encodeNeighbourRequest,
  encodeRouteRequest,
  type Flow,
} from '../../../src/kernel/linux/route.js';
import { captured } from './captured.js';

const ENETUNREACH = 101;

describe('a request', () => {
  const lines = (bytes: Buffer) =>
    bytes
      .toString('hex')
      .replace(/(.{32})/g, '$1\n')
      .trim();
  const flow: Flow = {
    local: { address: '192.0.2.1', port: 0x1e61 },
    peer: { address: '198.51.100.7', port: 0xc001 },
    interfaceIndex: 3,
    userId: 33,
    mark: 9,
    isTransparent: false,
  };

  it('for a route names all that a rule may look at', () => {
    expect(lines(encodeRouteRequest(flow))).toMatchInlineSnapshot(`
      "5c0000001a0001000000000000000000
      02202000000000000000000008000100
      c633640708000200c000020108000400
      03000000080010000900000008001900
      2100000005001b000600000006001c00
      1e61000006001d00c0010000"
    `);
  });

  it('asks for a transparent socket as if its address were anybody’s, and for IPv4 as IPv4', () => {
    const transparent = encodeRouteRequest({ ...flow, isTransparent: true });
    expect(transparent.readUInt8(18)).toBe(0);
    const mapped = (end: Flow['peer']) => ({ ...end, address: `::ffff:${end.address}` });
    expect(
      encodeRouteRequest({ ...flow, local: mapped(flow.local), peer: mapped(flow.peer) }),
    ).toEqual(encodeRouteRequest(flow));
  });

  it('for an address, an interface and a neighbour', () => {
    expect(lines(encodeAddressRequest('2001:db8::1', 0))).toMatchInlineSnapshot(`
      "300000001a0001000000000000000000
      0a800000000000000000000014000100
      20010db8000000000000000000000001"
    `);
    expect(lines(encodeLinkRequest(3))).toMatchInlineSnapshot(`
      "20000000120001000000000000000000
      00000000030000000000000000000000"
    `);
    const router = Uint8Array.of(192, 0, 2, 254);
    expect(lines(encodeNeighbourRequest(3, router))).toMatchInlineSnapshot(`
      "240000001e0001000000000000000000
      02000000030000000000000008000100
      c00002fe"
    `);
    expect(lines(encodeNeighbourQuestion(3, router))).toMatchInlineSnapshot(`
      "240000001c0005000000000000000000
      02000000030000001000000008000100
      c00002fe"
    `);
  });
});

describe('a reply', () => {
  it('tells the way of a packet', () => {
    const [direct, by6] = ['route-router', 'route-router6'].map((name) => {
      const route = decodeRoute(captured(name));
      return 'errno' in route
        ? route
        : { ...route, router: formatAddress(route.router ?? new Uint8Array()) };
    });
    expect(direct).toEqual({ interfaceIndex: 3, isLocal: false, router: '192.0.2.254' });
    expect(by6).toEqual({ interfaceIndex: 3, isLocal: false, router: '2001:db8::254' });
    expect(decodeRoute(captured('route-local'))).toEqual({
      interfaceIndex: 1,
      isLocal: true,
      router: undefined,
    });
    expect(decodeRoute(captured('route-none'))).toEqual({ errno: ENETUNREACH });
  });

  it('tells what an interface is like', () => {
    const link = { name: 'near', isUp: true, hasCarrier: true, carrierChanges: 2 };
    expect(decodeLink(captured('link-up'))).toEqual(link);
    expect(decodeLink(captured('link-without-carrier'))).toEqual({
      ...link,
      hasCarrier: false,
      carrierChanges: 3,
    });
  });

  it.each([
    ['INCOMPLETE', 0x01, 'silent', false],
    ['REACHABLE', 0x02, 'answers', true],
    ['STALE', 0x04, 'answers', true],
    ['DELAY', 0x08, 'asked', true],
    ['PROBE', 0x10, 'asked', false],
    ['FAILED', 0x20, 'silent', false],
    ['NOARP', 0x40, 'answers', false],
    ['PERMANENT', 0x80, 'answers', false],
  ] as const)('tells of a neighbour that is %s', (_, state, kind, mayBeAsked) => {
    const bytes = captured('neighbour-reachable');
    bytes.writeUInt16LE(state, 24);
    expect(decodeNeighbour(bytes)).toEqual({ kind, mayBeAsked });
  });

  it('tells that others have a say in a neighbour; that it routes says nothing', () => {
    const [NTF_EXT_LEARNED, NTF_ROUTER] = [0x10, 0x80];
    const withFlags = (flags: number) => {
      const bytes = captured('neighbour-reachable');
      bytes.writeUInt8(flags, 26);
      return decodeNeighbour(bytes).mayBeAsked;
    };
    expect([withFlags(NTF_EXT_LEARNED), withFlags(NTF_ROUTER)]).toEqual([false, true]);
  });

  it('never throws, whatever the bytes', () => {
    const names = ['route-router6', 'link-up', 'neighbour-reachable'];
    const cutShort = fc
      .constantFrom(...names)
      .chain((name) =>
        fc.nat(captured(name).length).map((length) => captured(name).subarray(0, length)),
      );
    const anything = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes));
    fc.assert(
      fc.property(fc.oneof(cutShort, anything), (bytes) => {
        for (const decode of [decodeRoute, decodeLink, decodeNeighbour]) {
          expect(decode(bytes)).toBeTypeOf('object');
        }
      }),
    );
  });
});
