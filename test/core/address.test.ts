import { BlockList, isIP, isIPv4, isIPv6 } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  addressBytes,
  formatAddress,
  isLoopback,
  isWithin,
  networkOf,
  parsePrefix,
} from '../../src/core/address.js';

const ipv4 = fc.uint8Array({ minLength: 4, maxLength: 4 });
/** With runs of zeros, which is what is shortened. */
const ipv6 = fc
  .array(fc.oneof(fc.constant(0), fc.constantFrom(0xffff, 1), fc.nat(0xffff)), {
    minLength: 8,
    maxLength: 8,
  })
  .map((words) => Uint8Array.from(words.flatMap((word) => [word >> 8, word & 0xff])));
const mapped = ipv4.map((quad) =>
  Uint8Array.from([...Array<number>(10).fill(0), 255, 255, ...quad]),
);
/** What an address is made of, in any order. */
const addressLike = fc
  .array(
    fc.constantFrom(
      '0',
      '1',
      '255',
      '256',
      '1.2.3.4',
      '00ff',
      'fffff',
      'g',
      ':',
      '::',
      '.',
      '%',
      ' ',
    ),
    {
      maxLength: 16,
    },
  )
  .map((parts) => parts.join(''));

describe('addressBytes', () => {
  it.each([
    ['0.0.0.0', [0, 0, 0, 0]],
    ['255.254.3.10', [255, 254, 3, 10]],
    ['::', Array<number>(16).fill(0)],
    ['::1', [...Array<number>(15).fill(0), 1]],
    ['2001:db8::ff00:42:8329', [32, 1, 13, 184, 0, 0, 0, 0, 0, 0, 255, 0, 0, 66, 131, 41]],
    ['::ffff:10.0.0.1', [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 10, 0, 0, 1]],
    ['1:2:3:4:5:6:1.2.3.4', [0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 1, 2, 3, 4]],
  ])('%s', (text, bytes) => {
    expect([...(addressBytes(text) ?? [])]).toEqual(bytes);
  });

  it.each([
    '',
    '1.2.3',
    '1.2.3.4.5',
    '1.2.3.256',
    '1.2.3.-4',
    ' 1.2.3.4',
    '010.0.0.1',
    'localhost',
    ':',
    ':::',
    '1::2::3',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7::8',
    '12345::',
    '::1.2.3',
    '1.2.3.4::',
    'fe80::1%eth0',
    '[::1]',
  ])('%j is none', (text) => {
    expect(addressBytes(text)).toBeUndefined();
  });

  it('agrees with Node on what an address is', () => {
    fc.assert(
      fc.property(fc.oneof(addressLike, fc.ipV4(), fc.ipV6()), (text) => {
        // Node takes a zone for part of an address.
        fc.pre(!text.includes('%'));
        expect(addressBytes(text)?.length ?? 0).toBe([0, 4, 16][[0, 4, 6].indexOf(isIP(text))]);
      }),
      { numRuns: 5000 },
    );
  });
});

describe('formatAddress', () => {
  it.each([
    ['2001:db8:0:0:0:0:2:1', '2001:db8::2:1'],
    ['2001:DB8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['0:0:0:0:0:0:0:0', '::'],
    ['1:0:0:0:0:0:0:0', '1::'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::ffff:0:1.2.3.4', '::ffff:0:102:304'],
  ])('%s as RFC 5952 writes it: %s', (text, written) => {
    expect(formatAddress(addressBytes(text) ?? new Uint8Array())).toBe(written);
  });

  it('is read back to the same bytes, and by Node as an address', () => {
    fc.assert(
      fc.property(fc.oneof(ipv4, ipv6), (bytes) => {
        const text = formatAddress(bytes);
        const read = addressBytes(text) ?? new Uint8Array();
        expect([...read]).toEqual([...(read.length === 4 ? bytes.slice(-4) : bytes)]);
        expect(read.length === 4 ? isIPv4(text) : isIPv6(text)).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  it('writes a mapped address as the IPv4 address that it is', () => {
    fc.assert(
      fc.property(mapped, (bytes) => {
        expect(formatAddress(bytes)).toBe([...bytes.slice(12)].join('.'));
      }),
    );
  });

  it('writes what it has written the same again', () => {
    fc.assert(
      fc.property(fc.ipV6(), (text) => {
        const written = formatAddress(addressBytes(text) ?? new Uint8Array(4));
        expect(formatAddress(addressBytes(written) ?? new Uint8Array(4))).toBe(written);
      }),
    );
  });
});

describe('isLoopback', () => {
  it.each(['127.0.0.1', '127.255.255.254', '::1', '0:0:0:0:0:0:0:1', '::ffff:127.0.0.1'])(
    '%s is',
    (text) => {
      expect(isLoopback(text)).toBe(true);
    },
  );

  it.each([
    '126.255.255.255',
    '128.0.0.1',
    '10.0.0.1',
    '::',
    '::2',
    '1::1',
    '::ffff:10.0.0.1',
    'x',
  ])('%s is not', (text) => {
    expect(isLoopback(text)).toBe(false);
  });
});

describe('networkOf', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::', '2001:db8:1:2::/64'],
    ['::1', '::/64'],
    ['fe80::1%eth0', 'fe80::/64%eth0'],
    ['no address', 'no address'],
  ])('of %s is %s', (address, network) => {
    expect(networkOf(address)).toBe(network);
  });
});

describe('a prefix', () => {
  it.each([
    ['10.0.0.0/8', '10.255.0.1', true],
    ['10.0.0.0/8', '11.0.0.1', false],
    ['10.0.0.0/9', '10.127.0.1', true],
    ['10.0.0.0/9', '10.128.0.1', false],
    ['10.0.0.7', '10.0.0.7', true],
    ['10.0.0.7', '10.0.0.6', false],
    ['0.0.0.0/0', '203.0.113.9', true],
    ['0.0.0.0/0', '::1', false],
    ['::/0', '203.0.113.9', false],
    ['fe80::/10', 'febf::1', true],
    ['fe80::/10', 'fec0::1', false],
    ['2001:db8::/32', '2001:db8:ffff::1', true],
    ['::1/128', '::1', true],
    ['10.0.0.0/8', 'no address', false],
  ])('%s holds %s: %s', (prefix, address, holds) => {
    const parsed = parsePrefix(prefix);
    expect(parsed !== undefined && isWithin(parsed, address)).toBe(holds);
  });

  it.each([
    '',
    '/8',
    '10.0.0.0/',
    '10.0.0.0/33',
    '::/129',
    '10.0.0.0/-1',
    '10.0.0.0/8/8',
    '10/8',
    '::1%lo',
  ])('%j is none', (text) => {
    expect(parsePrefix(text)).toBeUndefined();
  });

  it('agrees with Node on what it holds', () => {
    const bits = fc.nat(128);
    const near = fc.tuple(fc.oneof(ipv4, ipv6), bits, fc.nat(127));
    fc.assert(
      fc.property(near, ([bytes, share, flipped]) => {
        const most = bytes.length * 8;
        const prefixBits = share % (most + 1);
        // One bit away, inside or outside of the prefix.
        const other = Uint8Array.from(bytes);
        const at = flipped % most;
        other[at >> 3] = (other[at >> 3] ?? 0) ^ (0x80 >> (at & 7));
        const [network, address] = [formatAddress(bytes), formatAddress(other)];
        fc.pre(isIP(network) === isIP(address) && isIP(network) === (most === 32 ? 4 : 6));
        const family = most === 32 ? 'ipv4' : 'ipv6';
        const oracle = new BlockList();
        oracle.addSubnet(network, prefixBits, family);
        const prefix = parsePrefix(`${network}/${prefixBits}`) ?? {
          bytes: new Uint8Array(),
          bits: 0,
        };
        expect(isWithin(prefix, address)).toBe(oracle.check(address, family));
        expect(isWithin(prefix, network)).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });
});
