import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  cookieText,
  decodeSocketReply,
  decodeSockets,
  DumpReader,
  encodeDumpRequest,
  encodeSocketRequest,
  SOCK_DESTROY,
  SOCK_DIAG_BY_FAMILY,
} from '../../../src/kernel/linux/sock-diag.js';
import { captured } from './captured.js';

const ENOENT = 2;
const NLM_F_DUMP_INTR = 0x10;
const NLMSG_DONE = 3;
const SYN_SENT = 2;

describe('encodeSocketRequest', () => {
  const request = (
    type: typeof SOCK_DIAG_BY_FAMILY | typeof SOCK_DESTROY,
    local: string,
    peer: string,
    cookie: string | null = null,
  ) =>
    encodeSocketRequest(type, {
      local: { address: local, port: 0x1e61 },
      peer: { address: peer, port: 0xc001 },
      interfaceIndex: 0,
      cookie,
    })
      .toString('hex')
      .replace(/(.{32})/g, '$1\n')
      .trim();

  it('asks for one IPv4 connection by its addresses, with any cookie', () => {
    expect(request(SOCK_DIAG_BY_FAMILY, '127.0.0.1', '10.1.2.3')).toMatchInlineSnapshot(`
      "48000000140001000000000000000000
      02060200ffffffff1e61c0017f000001
      0000000000000000000000000a010203
      00000000000000000000000000000000
      ffffffffffffffff"
    `);
  });

  it('names one incarnation of them by its cookie', () => {
    const bytes = request(SOCK_DESTROY, '127.0.0.1', '10.1.2.3', '123456789abcdef0');
    expect(bytes.split('\n').at(-1)).toBe('f0debc9a78563412');
  });

  it('asks for all sockets of both families at once, with their tcp_info', () => {
    expect(encodeDumpRequest().toString('hex')).toBe(
      `4c00000012000103000000000000000000000002${'00'.repeat(48)}7f0f000000000000`,
    );
  });

  it('asks for an acknowledgement when it destroys', () => {
    expect(request(SOCK_DESTROY, '127.0.0.1', '10.1.2.3')).toMatchInlineSnapshot(`
      "48000000150005000000000000000000
      02060200ffffffff1e61c0017f000001
      0000000000000000000000000a010203
      00000000000000000000000000000000
      ffffffffffffffff"
    `);
  });

  it.each([
    ['::1', '00000000000000000000000000000001'],
    ['::', '00000000000000000000000000000000'],
    ['2001:db8::8:800:200c:417a', '20010db80000000000080800200c417a'],
    ['2001:db8:1:2:3:4:5:6', '20010db8000100020003000400050006'],
    ['2001:db8::', '20010db8000000000000000000000000'],
    ['fe80::1%eth0', 'fe800000000000000000000000000001'],
    ['::ffff:127.0.0.1', '00000000000000000000ffff7f000001'],
    ['64:ff9b::192.0.2.33', '0064ff9b0000000000000000c0000221'],
  ])('writes %s in network order', (address, hex) => {
    const endpoint = { address, port: 1 };
    const bytes = encodeSocketRequest(SOCK_DIAG_BY_FAMILY, {
      local: endpoint,
      peer: endpoint,
      interfaceIndex: 3,
      cookie: null,
    });
    expect(bytes.readUInt8(16)).toBe(10);
    expect(bytes.toString('hex', 28, 44)).toBe(hex);
    expect(bytes.toString('hex', 44, 60)).toBe(hex);
  });
});

describe('decodeSocketReply', () => {
  it('reads an idle connection: no timer, nothing queued', () => {
    expect(decodeSocketReply(captured('sock-diag-idle'))).toEqual({
      local: { address: '127.0.0.1', port: 37_305 },
      peer: { address: '127.0.0.1', port: 40_218 },
      state: 'ESTABLISHED',
      timer: { kind: 'none', expiresInMs: null },
      retransmissions: 0,
      receiveQueueBytes: 0,
      sendQueueBytes: 0,
      inode: 10_422,
      userId: 0,
      cookie: '1002',
      interfaceIndex: 0,
      info: null,
    });
  });

  it('reads the keepalive timer: 60 s less the 64 ms that the connection had been silent', () => {
    expect(decodeSocketReply(captured('sock-diag-keepalive'))).toMatchObject({
      timer: { kind: 'keepalive', expiresInMs: 59_936 },
    });
  });

  it('reads two unanswered probes', () => {
    expect(decodeSocketReply(captured('sock-diag-probed'))).toMatchObject({
      timer: { kind: 'keepalive', expiresInMs: 428 },
      retransmissions: 2,
    });
  });

  it('reads a write that is being retransmitted', () => {
    expect(decodeSocketReply(captured('sock-diag-retransmit'))).toMatchObject({
      timer: { kind: 'retransmit', expiresInMs: 328 },
      retransmissions: 2,
      sendQueueBytes: 64,
    });
  });

  it('reads a peer that does not read', () => {
    expect(decodeSocketReply(captured('sock-diag-zero-window'))).toMatchObject({
      timer: { kind: 'zero-window', expiresInMs: 204 },
      sendQueueBytes: 3_715_584,
    });
  });

  it('reads a connection over IPv6', () => {
    expect(decodeSocketReply(captured('sock-diag-ipv6'))).toMatchObject({
      state: 'ESTABLISHED',
      timer: { kind: 'none', expiresInMs: null },
    });
  });

  it("reads the kernel's errno: no such connection, and none at all when it acknowledges", () => {
    expect(decodeSocketReply(captured('sock-diag-gone'))).toEqual({ errno: ENOENT });
    expect(decodeSocketReply(captured('sock-diag-destroyed'))).toEqual({ errno: 0 });
  });

  it('takes a reply that is cut short for none, and never throws', () => {
    for (const name of ['sock-diag-keepalive', 'sock-diag-gone', 'sock-diag-destroyed']) {
      const whole = captured(name);
      const needed = name === 'sock-diag-keepalive' ? 88 : 20;
      for (let length = 0; length < whole.length; length++) {
        const decoded = decodeSocketReply(whole.subarray(0, length));
        expect(decoded).toEqual(length < needed ? { errno: 0 } : decodeSocketReply(whole));
      }
    }
  });

  it('never throws, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(decodeSocketReply(Buffer.from(bytes))).toBeTypeOf('object');
      }),
    );
  });
});

describe('a dump', () => {
  const read = (...pieces: readonly Buffer[]) => {
    const reader = new DumpReader();
    const over = pieces.map((piece) => reader.take(piece));
    return { reader, isOver: over.includes(true), sockets: [...decodeSockets(pieces)] };
  };

  it('reads what the kernel knows of an IPv4 connection', () => {
    const { reader, isOver, sockets } = read(captured('sock-diag-dump-ipv4'));
    expect({ isOver, torn: reader.torn, errno: reader.errno }).toEqual({
      isOver: true,
      torn: false,
      errno: 0,
    });
    expect(sockets).toMatchInlineSnapshot(`
      [
        {
          "cookie": "150ee",
          "info": {
            "backoff": 0,
            "probes": 0,
            "rtoMs": 204,
            "rttMs": 0.036,
            "silentMs": 504,
          },
          "inode": 3454510,
          "interfaceIndex": 0,
          "local": {
            "address": "127.0.0.1",
            "port": 56652,
          },
          "peer": {
            "address": "127.0.0.1",
            "port": 7777,
          },
          "receiveQueueBytes": 0,
          "retransmissions": 0,
          "sendQueueBytes": 0,
          "state": "ESTABLISHED",
          "timer": {
            "expiresInMs": 59496,
            "kind": "keepalive",
          },
          "userId": 0,
        },
      ]
    `);
  });

  it('shows addresses that are mapped into IPv6 as IPv4, and a listener without times', () => {
    const { sockets } = read(captured('sock-diag-dump-ipv6'));
    expect(
      sockets.map(({ local, peer, state, info }) => [
        `${local.address} ${local.port}`,
        `${peer.address} ${peer.port}`,
        state,
        info === null ? 'no info' : `silent ${info.silentMs}`,
      ]),
    ).toMatchInlineSnapshot(`
      [
        [
          ":: 7777",
          ":: 0",
          "LISTEN",
          "no info",
        ],
        [
          "::1 7777",
          "::1 50596",
          "ESTABLISHED",
          "silent 504",
        ],
        [
          "127.0.0.1 7777",
          "127.0.0.1 56652",
          "ESTABLISHED",
          "silent 508",
        ],
        [
          "::1 50596",
          "::1 7777",
          "ESTABLISHED",
          "silent 504",
        ],
      ]
    `);
  });

  it('says that the table changed while it was read', () => {
    const bytes = Buffer.from(captured('sock-diag-dump-ipv4'));
    bytes.writeUInt16LE(bytes.readUInt16LE(6) | NLM_F_DUMP_INTR, 6);
    expect(read(bytes).reader.torn).toBe(true);
  });

  it('counts the connections on which no timer is armed, and no listener', () => {
    const bytes = Buffer.from(captured('sock-diag-dump-ipv4'));
    expect(read(bytes).reader.idle).toBe(0);
    bytes.writeUInt8(0, 18);
    expect(read(bytes).reader.idle).toBe(1);
    expect(read(captured('sock-diag-dump-ipv6')).reader.idle).toBe(3);
  });

  it('says why there is none', () => {
    expect(read(captured('sock-diag-gone')).reader.errno).toBe(ENOENT);
  });

  it('says what ended a dump that is done', () => {
    const done = Buffer.alloc(20);
    done.writeUInt32LE(20, 0);
    done.writeUInt16LE(NLMSG_DONE, 4);
    expect(read(done).reader.errno).toBe(0);
    done.writeInt32LE(-ENOENT, 16);
    expect(read(done).reader.errno).toBe(ENOENT);
  });

  it('takes what was cut off for torn', () => {
    const whole = captured('sock-diag-dump-ipv4');
    const { reader, isOver } = read(whole.subarray(0, 100));
    expect({ isOver, torn: reader.torn }).toEqual({ isOver: true, torn: true });
  });

  it('believes no clock of a connection that has heard nothing yet', () => {
    const bytes = Buffer.from(captured('sock-diag-dump-ipv4'));
    bytes.writeUInt8(SYN_SENT, 17);
    expect(read(bytes).sockets[0]).toMatchObject({ state: 'SYN-SENT', info: null });
  });

  it('puts messages together from pieces, and never throws on one that is cut short', () => {
    const whole = captured('sock-diag-dump-ipv6');
    const first = whole.readUInt32LE(0);
    const { sockets } = read(whole.subarray(0, first), whole.subarray(first));
    expect(sockets).toEqual(read(whole).sockets);
    for (let length = 0; length < whole.length; length++) {
      const { sockets: some } = read(whole.subarray(0, length));
      expect(some).toEqual(sockets.slice(0, some.length));
    }
  });

  it('never throws and always ends, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 500 }), (bytes) => {
        read(Buffer.from(bytes));
      }),
    );
  });
});

describe('cookieText', () => {
  it.each([
    [1, 0, '1'],
    [0xffff_ffff, 0, 'ffffffff'],
    [2, 1, '100000002'],
    [0xffff_fffe, 0xffff_ffff, 'fffffffffffffffe'],
  ])('%i, %i', (low, high, text) => {
    expect(cookieText(low, high)).toBe(text);
  });
});
