import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeTcpInfo, stateName, TCP_INFO_BYTES } from '../../../src/kernel/linux/tcp-info.js';
import { captured } from './captured.js';

describe('decodeTcpInfo', () => {
  it('reads an idle connection that echoed one frame of 64 bytes', () => {
    expect(decodeTcpInfo(captured('tcp-info-established'))).toMatchInlineSnapshot(`
      {
        "backoff": 0,
        "bytesAcked": 64,
        "bytesReceived": 64,
        "dataSegmentsIn": 1,
        "lastAckReceivedMs": 60,
        "lastDataReceivedMs": 60,
        "probes": 0,
        "retransmits": 0,
        "rtoMs": 204,
        "rttMs": 0.015,
        "segmentsIn": 4,
        "segmentsOut": 2,
        "sendWindowBytes": 65536,
        "state": "ESTABLISHED",
        "totalRetransmissions": 0,
        "unacked": 0,
      }
    `);
  });

  it('reads a write that is being retransmitted', () => {
    expect(decodeTcpInfo(captured('tcp-info-unanswered'))).toMatchInlineSnapshot(`
      {
        "backoff": 2,
        "bytesAcked": 0,
        "bytesReceived": 0,
        "dataSegmentsIn": 0,
        "lastAckReceivedMs": 1300,
        "lastDataReceivedMs": 1300,
        "probes": 0,
        "retransmits": 2,
        "rtoMs": 800,
        "rttMs": 0.013,
        "segmentsIn": 2,
        "segmentsOut": 4,
        "sendWindowBytes": 65536,
        "state": "ESTABLISHED",
        "totalRetransmissions": 3,
        "unacked": 1,
      }
    `);
  });

  it('reads keepalive probes that are not answered: they are no data', () => {
    expect(decodeTcpInfo(captured('tcp-info-probed'))).toMatchObject({
      state: 'ESTABLISHED',
      probes: 2,
      retransmits: 0,
      unacked: 0,
      lastAckReceivedMs: 2604,
      segmentsOut: 2,
      dataSegmentsIn: 0,
    });
  });

  it('reads a listener', () => {
    expect(decodeTcpInfo(captured('tcp-info-listen'))?.state).toBe('LISTEN');
  });

  it('believes a kernel that knows less, down to data_segs_in, and nothing shorter', () => {
    const whole = captured('tcp-info-established');
    expect(whole.length).toBeLessThanOrEqual(TCP_INFO_BYTES);
    for (let length = 0; length <= whole.length; length++) {
      const decoded = decodeTcpInfo(whole.subarray(0, length));
      if (length < 156) expect(decoded).toBeUndefined();
      else if (length >= 232) expect(decoded).toEqual(decodeTcpInfo(whole));
      else expect(decoded).toEqual({ ...decodeTcpInfo(whole), sendWindowBytes: null });
    }
  });

  it('never throws, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: TCP_INFO_BYTES }), (bytes) => {
        const decoded = decodeTcpInfo(Buffer.from(bytes));
        expect(decoded === undefined).toBe(bytes.length < 156);
      }),
    );
  });
});

it('names every state as ss does, and an unknown one', () => {
  expect(Array.from({ length: 14 }, (_, state) => stateName(state))).toMatchInlineSnapshot(`
    [
      "UNKNOWN",
      "ESTABLISHED",
      "SYN-SENT",
      "SYN-RECV",
      "FIN-WAIT-1",
      "FIN-WAIT-2",
      "TIME-WAIT",
      "CLOSE",
      "CLOSE-WAIT",
      "LAST-ACK",
      "LISTEN",
      "CLOSING",
      "UNKNOWN",
      "UNKNOWN",
    ]
  `);
});
