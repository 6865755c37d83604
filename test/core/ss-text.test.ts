import { readFileSync } from 'node:fs';
import { isIPv4, isIPv6 } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addressBytes, formatAddress } from '../../src/core/address.js';
import { parseSs, type SsSocket } from '../../src/core/ss-text.js';
import { printMsTimer, printSs } from './ss-print.js';

/** fixtures/ss: one host's sockets by real ss, iproute2 6.1.0, each with the options its first line names. */
function pasted(name: string): string {
  return readFileSync(new URL(`../../fixtures/ss/${name}.txt`, import.meta.url), 'utf8');
}

const wide = pasted('wide');

function only(text: string): SsSocket {
  const { sockets, unread } = parseSs(text);
  expect(unread).toEqual({ count: 0, lines: [] });
  expect(sockets).toHaveLength(1);
  const [socket] = sockets;
  if (socket === undefined) throw new Error('no socket');
  return socket;
}

function reasonOf(text: string): string {
  const { sockets, unread } = parseSs(text);
  expect(sockets).toEqual([]);
  expect(unread.count).toBe(1);
  return unread.lines[0]?.reason ?? '';
}

describe('what ss -tneoiaH printed', () => {
  const { sockets, unread, timersTold } = parseSs(wide);
  const found = (state: string, timer: string, more: (read: SsSocket) => boolean = () => true) => {
    const read = sockets.find(
      (each) => each.socket.state === state && each.socket.timer.kind === timer && more(each),
    );
    return read?.socket;
  };

  it('is read whole', () => {
    expect(unread).toEqual({ count: 0, lines: [] });
    expect(timersTold).toBe(true);
    const counts: Record<string, number> = {};
    for (const { socket } of sockets) counts[socket.state] = (counts[socket.state] ?? 0) + 1;
    expect(counts).toEqual({
      LISTEN: 5,
      ESTABLISHED: 25,
      'SYN-SENT': 2,
      'SYN-RECV': 1,
      'FIN-WAIT-1': 2,
      'FIN-WAIT-2': 3,
      'TIME-WAIT': 1,
      'CLOSE-WAIT': 2,
      'LAST-ACK': 1,
      CLOSING: 1,
    });
  });

  it('a retransmission under way', () => {
    const { info, ...rest } = found('ESTABLISHED', 'retransmit') ?? {};
    expect(rest).toMatchObject({ retransmissions: 5, sendQueueBytes: 10 });
    expect(info).toMatchObject({ probes: 0, backoff: 5, rtoMs: 6528 });
  });

  it('keepalive, waiting and with probes out', () => {
    const waiting = found('ESTABLISHED', 'keepalive', ({ socket }) => socket.info?.probes === 0);
    expect(waiting?.timer.expiresInMs).toBeGreaterThan(79_000);
    const probing = found('ESTABLISHED', 'keepalive', ({ socket }) => socket.info?.probes === 4);
    expect(probing).toMatchObject({ retransmissions: 4, info: { backoff: 0, rtoMs: 204 } });
    expect(probing?.info?.silentMs).toBeGreaterThan(8000);
    const hours = sockets.find(({ expiresLaterMs }) => expiresLaterMs === 59_999);
    expect(hours?.socket.timer).toEqual({ kind: 'keepalive', expiresInMs: 119 * 60_000 });
  });

  it('closed windows, one answering and one not', () => {
    const probes = sockets
      .filter(({ socket }) => socket.timer.kind === 'zero-window')
      .map(({ socket }) => socket.info?.probes);
    expect(probes).toEqual([0, 4]);
  });

  it('what has been let go of, and what is still held', () => {
    expect(found('FIN-WAIT-2', 'time-wait')).toMatchObject({ inode: 0, info: null });
    expect(found('FIN-WAIT-2', 'none')?.inode).toBeGreaterThan(0);
    expect(found('TIME-WAIT', 'time-wait')).toMatchObject({ inode: 0, info: null });
    expect(found('FIN-WAIT-1', 'retransmit')?.inode).toBe(0);
    expect(found('CLOSING', 'retransmit')?.inode).toBeGreaterThan(0);
  });

  it('handshakes: of silence the kernel tells nothing that is true', () => {
    expect(found('SYN-SENT', 'retransmit')).toMatchObject({ retransmissions: 6, info: null });
    expect(found('SYN-RECV', 'retransmit')).toMatchObject({ retransmissions: 8, info: null });
  });

  it('listeners, and how many connections wait to be accepted', () => {
    const listeners = sockets.filter(({ socket }) => socket.state === 'LISTEN');
    expect(listeners.map(({ socket }) => socket.local)).toEqual([
      { address: '127.0.0.1', port: 7001 },
      { address: '127.0.0.1', port: 7004 },
      { address: '127.0.0.1', port: 443 },
      { address: '::1', port: 7003 },
      { address: '::', port: 7002 },
    ]);
    expect(listeners[0]?.socket).toMatchObject({ receiveQueueBytes: 1, sendQueueBytes: 8 });
    expect(listeners[4]?.socket.peer).toEqual({ address: '::', port: 0 });
  });

  it('an IPv4 connection of a dual-stack socket has its IPv4 addresses at both ends', () => {
    const mapped = sockets.filter(
      ({ socket: { local, peer } }) => local.port === 7002 || peer.port === 7002,
    );
    const pairs = mapped.map(({ socket }) => `${socket.local.address} ${socket.peer.address}`);
    expect(pairs.toSorted()).toEqual([
      '127.0.0.1 127.0.0.1',
      '127.0.0.1 127.0.0.1',
      ':: ::',
      '::1 ::1',
      '::1 ::1',
    ]);
  });
});

describe('the same host with other options', () => {
  const cookies = new Set(parseSs(wide).sockets.map(({ socket }) => socket.cookie));

  it.each([['oneline'], ['everyone']])('%s: the same sockets', (name) => {
    const { sockets, unread } = parseSs(pasted(name));
    expect(new Set(sockets.map(({ socket }) => socket.cookie))).toEqual(cookies);
    const reasons = unread.lines.map(({ reason }) => reason);
    expect(reasons).toEqual(name === 'everyone' ? ['udp is not TCP'] : []);
  });

  it('-p: the first of several, by the name it gave itself', () => {
    const owners = parseSs(pasted('oneline')).sockets.flatMap(({ owner }) => owner?.name ?? []);
    // The worker had called itself that: 14 of the 15 bytes that there are.
    expect(new Set(owners)).toEqual(new Set(['w",pid=1,fd=3']));
  });

  it('-t without -n: a port that has a name cannot be told', () => {
    const { sockets, unread } = parseSs(pasted('names'));
    expect(unread.count).toBe(2);
    expect(unread.lines[0]).toEqual({
      line: 5,
      reason: "port 'https': print numbers, with ss -n",
    });
    expect(sockets).toHaveLength(cookies.size - 2);
  });

  it('-tna: no timer is told, nor who holds what is closing', () => {
    const { sockets, timersTold, unread } = parseSs(pasted('plain'));
    expect(timersTold).toBe(false);
    expect(new Set(sockets.map(({ socket }) => socket.timer.kind))).toEqual(new Set(['unknown']));
    expect(unread.count).toBe(7);
    expect(sockets[0]).toMatchObject({ socket: { inode: -1, userId: -1, cookie: null } });
  });

  it('state established: what is filtered by is not printed', () => {
    const { sockets, unread } = parseSs(pasted('without-state'));
    expect(sockets).toEqual([]);
    expect(unread).toMatchObject({
      count: 25,
      lines: { 0: { line: 2, reason: 'no state: give ss no filter on states' } },
    });
    expect(unread.lines).toHaveLength(20);
  });
});

describe('one socket', () => {
  const line = 'ESTAB 0 0 10.0.0.1:443 10.0.0.2:50000';

  it('from a terminal, with -e and a user', () => {
    expect(
      only(
        `${line} users:(("my server",pid=12,fd=7)) timer:(keepalive,1min59sec,0) uid:33 ino:9 ` +
          'sk:A0 fwmark:0x1 cgroup:/system.slice/nginx.service <->\r\n' +
          '\t skmem:(r0,rb1,t0) ts sack cubic wscale:7,7 rto:236 rtt:35.5/2.25 cwnd:10 lastrcv:90 lastack:80\r\n',
      ),
    ).toEqual({
      socket: {
        local: { address: '10.0.0.1', port: 443 },
        peer: { address: '10.0.0.2', port: 50_000 },
        state: 'ESTABLISHED',
        timer: { kind: 'keepalive', expiresInMs: 119_000 },
        retransmissions: 0,
        sendQueueBytes: 0,
        receiveQueueBytes: 0,
        inode: 9,
        userId: 33,
        cookie: 'a0',
        interfaceIndex: 0,
        info: { probes: 0, backoff: 0, rtoMs: 236, rttMs: 35.5, silentMs: 80, windowBytes: 0 },
      },
      owner: { pid: 12, name: 'my server', fd: 7 },
      cgroup: '/system.slice/nginx.service',
      expiresLaterMs: 999,
    });
  });

  it('three seconds of retransmission timeout, and all that is zero, are not printed', () => {
    expect(only(`${line} ino:9\n cubic cwnd:10\n`).socket.info).toEqual({
      probes: 0,
      backoff: 0,
      rtoMs: 3000,
      rttMs: 0,
      silentMs: 0,
      windowBytes: 0,
    });
  });

  it('memory alone (-m) is no tcp_info', () => {
    expect(only(`${line} ino:9\n\t skmem:(r0,rb131072,t0)\n`).socket.info).toBeNull();
  });

  it('whose second line has lost its indentation', () => {
    expect(only(`${line} ino:9\ncubic rto:208 cwnd:10\n`).socket.info?.rtoMs).toBe(208);
  });

  it.each([
    ['127.0.0.53%lo:53', '127.0.0.53', 53],
    ['[fe80::1]%eth0:22', 'fe80::1', 22],
    ['[fe80::1%eth0]:22', 'fe80::1', 22],
    ['[::ffff:1.2.3.4]:80', '1.2.3.4', 80],
    ['[2001:db8:0:0:0:0:0:1]:80', '2001:db8::1', 80],
    ['*:80', '::', 80],
    [':::22', '::', 22],
    ['::ffff:1.2.3.4:22', '1.2.3.4', 22],
    ['0.0.0.0:*', '0.0.0.0', 0],
  ])('at %s', (end, address, port) => {
    expect(only(`LISTEN 0 8 ${end} 0.0.0.0:*`).socket.local).toEqual({ address, port });
  });

  it.each([
    ['worker', 'worker'],
    ['', ''],
    ['a b', 'a b'],
    ['timer:(on,1,0)', 'timer:(on,1,0)'],
    ['",pid=1,fd=3))', '",pid=1,fd=3))'],
    ['users:(("x', 'users:(("x'],
  ])('of a process that calls itself %j', (name, expected) => {
    const read = only(
      `${line} users:(("${name}",pid=1234,fd=5),("${name}",pid=2,fd=6)) timer:(on,204ms,1) ino:7`,
    );
    expect(read.owner).toEqual({ pid: 1234, name: expected, fd: 5 });
    expect(read.socket.timer).toEqual({ kind: 'retransmit', expiresInMs: 204 });
  });

  it('with threads (-T) and contexts (-Z) between', () => {
    const users = 'users:(("x",pid=1,tid=4,proc_ctx=unconfined,fd=5))';
    expect(only(`${line} ${users}`).owner).toEqual({ pid: 1, name: 'x', fd: 5 });
  });
});

describe('what cannot be read', () => {
  const ends = '10.0.0.1:443 10.0.0.2:50000';
  it.each([
    ['ESTAB 0 0 10.0.0.1:443', "'ESTAB 0 0 10.0.0.1:443' is cut off"],
    ['ESTAB', "'ESTAB' is cut off"],
    ['ESTAB 0 0 web.example:443 1.2.3.4:5', "'web.example:443' is no address and port"],
    ['ESTAB 0 0 10.0.0.1:http 1.2.3.4:5', "port 'http': print numbers, with ss -n"],
    ['ESTAB 0 0 10.0.0.1:65536 1.2.3.4:5', "port '65536': print numbers, with ss -n"],
    ['ESTAB 0 0 10.0.0.1 1.2.3.4:5', "'10.0.0.1' is no address and port"],
    [`PONDERING 0 0 ${ends}`, "state 'PONDERING'"],
    [`u_str ESTAB 0 0 * 1 * 2`, 'u_str is not TCP'],
    [`ESTAB 0 0 ${ends} timer:(keepalive,1mi`, 'timer:(keepalive,1mi'],
    [`ESTAB 0 0 ${ends} timer:(on,1.5sec,0)`, 'timer:(on,1.5sec,0)'],
    [`ESTAB 0 0 ${ends} users:(("ng`, `'users:(("ng' is cut off`],
    [`ESTAB 0 0 ${ends} users:(("x",pid=1,fd=2),`, `'users:(("x",pid=1,fd=2),' is cut off`],
    [`ESTAB 0 0 ${ends} ino:x`, 'ino:x'],
    [`ESTAB 0 0 ${ends} ino:1 uid:-1`, 'uid:-1'],
    [`ESTAB 0 0 ${ends} ino:1 sk:`, 'sk:'],
    [`ESTAB 0 0 ${ends} ino:1\n cwnd:10 rto:2x`, "rtoMs '2x'"],
    [
      `FIN-WAIT-2 0 0 ${ends}`,
      'FIN-WAIT-2 without ino: whether a process holds it is printed by ss -e',
    ],
    ['$ ss -tneoi', 'nothing that ss -tneoi prints'],
  ])('%s', (text, reason) => {
    expect(reasonOf(text)).toBe(reason);
  });

  it('leaves out its second line with it, and nothing else', () => {
    const { sockets, unread } = parseSs(
      `ESTAB 0 0 a:b c:d\n\t cwnd:10 rto:300\nESTAB 0 0 ${ends} ino:1\n\t cwnd:10 rto:208\n`,
    );
    expect(sockets.map(({ socket }) => socket.info?.rtoMs)).toEqual([208]);
    expect(unread.count).toBe(1);
  });

  it('a name with an end of line in it takes its socket away', () => {
    const { sockets, unread } = parseSs(
      `ESTAB 0 0 ${ends} users:(("a\nb",pid=1,fd=2)) timer:(on,1sec,3) ino:7\n`,
    );
    expect(sockets).toEqual([]);
    expect(unread.count).toBe(2);
  });
});

describe('how long a timer has to run', () => {
  const left = (ms: number) => {
    const { socket, expiresLaterMs } = only(
      `ESTAB 0 0 1.2.3.4:5 6.7.8.9:10 timer:(keepalive,${printMsTimer(ms)},0)`,
    );
    return { min: socket.timer.expiresInMs, max: (socket.timer.expiresInMs ?? 0) + expiresLaterMs };
  };

  it.each([
    [0, '', 0],
    [4, '004ms', 4],
    [204, '204ms', 204],
    [1000, '1sec', 1000],
    [1052, '1.052ms', 1052],
    [9999, '9.999ms', 9999],
    [10_999, '10sec', 10_000],
    [60_999, '1min', 60_000],
    [119_500, '1min59sec', 119_000],
    [599_999, '9min59sec', 599_000],
    [7_199_999, '119min', 7_140_000],
  ])('%d ms: %s', (ms, text, read) => {
    expect(printMsTimer(ms)).toBe(text);
    expect(left(ms).min).toBe(read);
  });

  it('is known to what is printed of it', () => {
    fc.assert(
      fc.property(fc.oneof(fc.nat(20_000), fc.nat(700_000), fc.nat(40_000_000)), (ms) => {
        const { min, max } = left(ms);
        expect(min).toBeLessThanOrEqual(ms);
        expect(max).toBeGreaterThanOrEqual(ms);
      }),
    );
  });

  it('reads back exactly what lost nothing', () => {
    fc.assert(
      fc.property(fc.nat(9999), (ms) => {
        expect(left(ms)).toEqual({ min: ms, max: ms });
      }),
    );
  });
});

const address = fc
  .oneof(
    fc.uint8Array({ minLength: 4, maxLength: 4 }),
    fc.uint8Array({ minLength: 16, maxLength: 16 }),
  )
  .map(formatAddress);
const endpoint = fc.record({ address, port: fc.integer({ min: 1, max: 65_535 }) });
const whole = fc.nat(2_147_483_647);
const exactMs = fc.oneof(
  fc.nat(9999),
  fc.integer({ min: 10, max: 599 }).map((seconds) => seconds * 1000),
);

/** Sockets whose times ss cuts nothing off. */
const printable: fc.Arbitrary<SsSocket> = fc
  .record({
    local: endpoint,
    peer: endpoint,
    state: fc.constantFrom('ESTABLISHED', 'CLOSE-WAIT', 'FIN-WAIT-1', 'LAST-ACK', 'CLOSE'),
    kind: fc.constantFrom('none', 'retransmit', 'keepalive', 'zero-window', 'time-wait', 'other'),
    expiresInMs: exactMs,
    retransmissions: fc.nat(255),
    queues: fc.tuple(whole, whole),
    inode: whole,
    userId: whole,
    cookie: fc.option(fc.bigInt({ min: 1n, max: 2n ** 64n - 1n })),
    info: fc.option(
      fc.record({
        backoff: fc.nat(255),
        rtoMs: fc.oneof(fc.constant(3000), fc.nat(120_000)),
        rttMs: fc.nat(99_999).map((tenths) => tenths / 10),
        silentMs: whole,
        windowBytes: whole,
      }),
    ),
    owner: fc.option(
      fc.record({
        pid: whole,
        name: fc.string({ maxLength: 15 }).filter((name) => !/[\n\r]/.test(name)),
        fd: whole,
      }),
    ),
    cgroup: fc.option(fc.constantFrom('/', '/system.slice/a\\x2db.service', 'unreachable:1f')),
  })
  .map(({ kind, expiresInMs, retransmissions, queues, cookie, info, owner, cgroup, ...rest }) => {
    const isProbing = kind === 'keepalive' || kind === 'zero-window';
    const counted = kind === 'none' ? 0 : retransmissions;
    return {
      socket: {
        ...rest,
        timer: { kind, expiresInMs: kind === 'none' ? null : expiresInMs },
        retransmissions: counted,
        sendQueueBytes: queues[0],
        receiveQueueBytes: queues[1],
        cookie: cookie?.toString(16) ?? null,
        interfaceIndex: 0,
        info: info === null ? null : { ...info, probes: isProbing ? counted : 0 },
      },
      owner,
      cgroup,
      expiresLaterMs: kind !== 'none' && expiresInMs >= 10_000 ? 999 : 0,
    };
  });

it('reads back whatever ss prints, in order', () => {
  // Timers told once are told of all.
  const timed = 'ESTAB 0 0 1.2.3.4:5 6.7.8.9:10 timer:(on,004ms,0) ino:1\n';
  fc.assert(
    fc.property(fc.array(printable, { maxLength: 6 }), fc.boolean(), (sockets, oneline) => {
      const text = timed + sockets.map((each) => printSs(each, oneline)).join('');
      const read = parseSs(text);
      expect(read.unread).toEqual({ count: 0, lines: [] });
      expect(read.sockets.slice(1)).toEqual(sockets);
    }),
    { numRuns: 1000 },
  );
});

describe('whatever is pasted', () => {
  const words = fc.constantFrom(
    ...wide.slice(0, 20_000).split(/\s+/),
    'users:(("',
    '",pid=1,fd=2)',
    '))',
    '\n',
    '\n\t ',
  );

  /** Every socket has two addresses and no figure that is none. */
  function isWhole({ socket }: SsSocket): void {
    for (const end of [socket.local, socket.peer]) {
      expect(isIPv4(end.address) || isIPv6(end.address)).toBe(true);
      expect(addressBytes(end.address)).toBeDefined();
    }
    const { timer, info, inode, userId, retransmissions, sendQueueBytes } = socket;
    const { rtoMs, rttMs, silentMs, backoff, windowBytes } = info ?? {};
    const figures = [inode, userId, retransmissions, sendQueueBytes, timer.expiresInMs];
    figures.push(...[rtoMs, rttMs, silentMs, backoff, windowBytes].map((figure) => figure ?? 0));
    expect(figures.filter((figure) => Number.isNaN(figure))).toEqual([]);
  }

  it.each([
    ['text', fc.string({ maxLength: 400, unit: 'binary' })],
    ['words of ss', fc.array(words, { maxLength: 60 }).map((each) => each.join(' '))],
    ['the beginning of what ss printed', fc.nat(wide.length).map((end) => wide.slice(0, end))],
    [
      'lines of it, each cut anywhere',
      fc
        .array(fc.tuple(fc.constantFrom(...wide.split('\n')), fc.nat(300)), { maxLength: 12 })
        .map((lines) => lines.map(([line, end]) => line.slice(0, end)).join('\n')),
    ],
  ])('%s: is read or left out, with its line', (_, texts: fc.Arbitrary<string>) => {
    fc.assert(
      fc.property(texts, (text) => {
        const { sockets, unread } = parseSs(text);
        sockets.forEach(isWhole);
        expect(unread.lines).toHaveLength(Math.min(unread.count, 20));
        for (const { line } of unread.lines) {
          expect(line).toBeGreaterThan(0);
          expect(line).toBeLessThanOrEqual(text.split('\n').length);
        }
      }),
    );
  });

  it.each([
    ['sockets', wide.repeat(600)],
    ['one endless line', `ESTAB 0 0 ${'1.2.3.4:5 '.repeat(500_000)}`],
    ['one endless word', `ESTAB 0 0 1.2.3.4:5 6.7.8.9:10 ${'x'.repeat(5_000_000)}`],
    ['digits', '1 '.repeat(2_000_000)],
    ['spaces', `ESTAB${' '.repeat(5_000_000)}x`],
    ['capitals', 'A'.repeat(5_000_000)],
    ['colons after two figures', `1 1 ${':'.repeat(5_000_000)}`],
    ['colons', `ESTAB 0 0 ${':'.repeat(5_000_000)} x`],
    ['users', `ESTAB 0 0 1.2.3.4:5 6.7.8.9:10 users:(${'("a",pid=1,fd=2),'.repeat(300_000)}`],
    ['lines', 'ESTAB 0 0\n'.repeat(500_000)],
  ])('megabytes of %s are read in the time it takes to look at them', (_, text) => {
    // Whatever is quadratic would take hours.
    expect(parseSs(text).unread.lines.length).toBeLessThanOrEqual(20);
  });
});
