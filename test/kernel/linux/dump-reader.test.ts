import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { everySocket } from '../../../src/core/idle-sockets.js';
import { DumpReader } from '../../../src/kernel/linux/dump-reader.js';
import { captured } from './captured.js';

const ENOENT = 2;
const NLM_F_DUMP_INTR = 0x10;
const NLMSG_DONE = 3;
const SYN_SENT = 2;

describe('DumpReader', () => {
  const read = (...pieces: readonly Buffer[]) => {
    const reader = new DumpReader();
    const over = pieces.map((piece) => reader.take(piece));
    return { reader, isOver: over.includes(true), sockets: [...everySocket(reader.told)] };
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
            "windowBytes": 65483,
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

  it('tells the connections on which no timer is armed apart, and no listener', () => {
    const bytes = Buffer.from(captured('sock-diag-dump-ipv4'));
    expect(read(bytes).reader.told.idle).toHaveLength(0);
    const [timed] = read(bytes).sockets;
    bytes.writeUInt8(0, 18);
    const { told } = read(bytes).reader;
    expect([...told.timed]).toEqual([]);
    expect([...told.idle]).toEqual([{ ...timed, timer: { kind: 'none', expiresInMs: null } }]);
    expect(read(captured('sock-diag-dump-ipv6')).reader.told.idle).toHaveLength(3);
  });

  it('tells with the next part what came since, and what the sorts and addresses were', () => {
    const reader = new DumpReader();
    const whole = captured('sock-diag-dump-ipv6');
    reader.take(whole);
    const before = [...everySocket(reader.told)];
    const { sorts, addresses } = reader.told.idle;
    const known = [sorts.length, addresses.length];
    reader.nextPart();
    expect([...everySocket(reader.told)]).toEqual([]);
    reader.take(whole);
    expect([...everySocket(reader.told)]).toEqual(before);
    expect([sorts.length, addresses.length]).toEqual(known);
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
