import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeSocketReply,
  encodeDumpRequest,
  encodeSocketRequest,
  SOCK_DESTROY,
  SOCK_DIAG_BY_FAMILY,
} from '../../../src/kernel/linux/sock-diag.js';
import { captured } from './captured.js';

const ENOENT = 2;

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
