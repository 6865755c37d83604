import type { Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { addMs } from '../../src/core/time.js';
import { TcpaliveError } from '../../src/errors.js';
import { monotonicNow } from '../../src/kernel/clock.js';
import { KernelRefusal } from '../../src/kernel/kernel.js';
import { portableKernel } from '../../src/kernel/portable.js';
import { applyKernelMode } from '../../src/net/connection.js';
import { openPair } from '../kernel/linux/loopback.js';
import {
  engine,
  kernel,
  lacks,
  lacksDescriptorCount,
  lacksEngine,
  openDescriptors,
  SOON_MS,
  TEST_MS,
} from '../real-kernel.js';
import { refusalOf } from '../refusal.js';
import { until } from '../until.js';
import { ended, fdOf, openDriven, type Driven } from './driven.js';

describe('a connection with a heartbeat', { timeout: TEST_MS }, () => {
  it.skipIf(lacksEngine)('notices when dead (needs socketFilter or minTtl)', async () => {
    const { connection, heard, peer } = await openDriven('heartbeat=20ms:300ms');
    peer.socket.pipe(peer.socket);
    await until(() => heard.frames.length > 3, SOON_MS);
    kernel.cut(fdOf(connection), engine);
    const cutAt = monotonicNow();
    const ending = await ended({ connection });
    expect(ending.by).toBe('heartbeat');
    expect(ending.silentMs).toBeGreaterThan(300 - ROUNDING_MS);
    const lastHeardAt = heard.framesAt.at(-1) ?? cutAt;
    expect(ending.at).toBeGreaterThanOrEqual(addMs(lastHeardAt, 300));
    await until(() => heard.closed === 1, SOON_MS);
    expect(heard.endings).toEqual([ending]);
  });

  it('stays quiet when alive', async () => {
    const { connection, heard, peer } = await openDriven('heartbeat=20ms:600ms');
    peer.socket.pipe(peer.socket);
    const twoTimeouts = addMs(connection.openedAt, 1200);
    await until(() => monotonicNow() > twoTimeouts && heard.frames.length > 20, SOON_MS);
    expect(connection.ending).toBeUndefined();
    expect(heard.endings).toEqual([]);
  });

  it('does not take its own beats, which the peer reads, for life', async () => {
    const { connection, heard, peer } = await openDriven('heartbeat=20ms:400ms');
    const arrived = bytesRead(peer.socket);
    const ending = await ended({ connection });
    expect(ending.by).toBe('heartbeat');
    expect(ending.at).toBeGreaterThanOrEqual(addMs(connection.openedAt, 400));
    expect(heard.beats).toBeGreaterThan(0);
    await until(() => arrived() === heard.beats * BEAT_BYTES, SOON_MS);
  });

  it('beats only at the end that beats', async () => {
    const { connection, heard, peer } = await openDriven('heartbeat=20ms:200ms', {
      role: 'answers',
    });
    const arrived = bytesRead(peer.socket);
    expect((await ended({ connection })).by).toBe('heartbeat');
    expect(heard.beats).toBe(0);
    expect(arrived()).toBe(0);
  });
});

describe('a connection with an idle timeout', { timeout: TEST_MS }, () => {
  it('notices when dead, whatever it writes itself', async () => {
    const { connection, peer } = await openDriven('idle-timeout=300ms');
    const arrived = bytesRead(peer.socket);
    every(20, () => connection.send(new Uint8Array(10)));
    const ending = await ended({ connection });
    expect(ending.by).toBe('idle-timeout');
    expect(ending.at).toBeGreaterThanOrEqual(addMs(connection.openedAt, 300));
    expect(arrived()).toBeGreaterThan(0);
  });

  it('stays quiet when alive: any byte counts, also of a frame that is never complete', async () => {
    const { connection, heard, peer } = await openDriven('idle-timeout=500ms');
    let sent = 0;
    peer.socket.write(Buffer.from('0400', 'hex')); // 1,024 bytes announced
    every(20, () => {
      peer.socket.write('.');
      sent++;
    });
    const twoTimeouts = addMs(connection.openedAt, 1000);
    await until(() => monotonicNow() > twoTimeouts && sent > 20, SOON_MS);
    expect(connection.ending).toBeUndefined();
    expect(heard.frames).toEqual([]);
  });

  it('reads what has arrived meanwhile before it blames the peer', async () => {
    const { connection, heard, peer } = await openDriven('idle-timeout=100ms', { framing: 'raw' });
    peer.socket.write('just in time');
    keepLoopBusy(300);
    const ending = await ended({ connection });
    expect(Buffer.concat(heard.frames).toString()).toBe('just in time');
    const [heardAt] = heard.framesAt;
    expect(ending.at).toBeGreaterThanOrEqual(addMs(heardAt ?? ending.at, 100));
  });

  it('says how long it really was silent when the loop was busy', async () => {
    const { connection } = await openDriven('idle-timeout=100ms');
    keepLoopBusy(300);
    expect(await ended({ connection })).toMatchObject({ by: 'idle-timeout' });
    expect(connection.ending?.silentMs).toBeGreaterThanOrEqual(300);
  });
});

describe('how a connection ends', { timeout: TEST_MS }, () => {
  it('mode none: never by itself, also when it is silent', async () => {
    const { connection, heard } = await openDriven('none');
    const aWhile = addMs(connection.openedAt, 300);
    await until(() => monotonicNow() > aWhile, SOON_MS);
    expect(connection.ending).toBeUndefined();
    expect(heard.beats).toBe(0);
  });

  it("with the peer's FIN", async () => {
    const { connection, heard, peer } = await openDriven('none');
    peer.socket.end();
    expect(await ended({ connection })).toMatchObject({ by: 'FIN', detail: undefined });
    await until(() => heard.closed > 0, SOON_MS);
    expect(connection.descriptor).toBeUndefined();
    expect(heard).toMatchObject({ closed: 1, endings: [{ by: 'FIN' }] });
  });

  it("with the peer's RST", async () => {
    const { connection, heard, peer } = await openDriven('none');
    peer.socket.resetAndDestroy();
    expect(await ended({ connection })).toMatchObject({ by: 'ECONNRESET' });
    await until(() => heard.closed > 0, SOON_MS);
    expect(heard).toMatchObject({ closed: 1, endings: [{ by: 'ECONNRESET' }] });
  });

  it('closed here, once, however often: the peer reads a FIN after all that was sent', async () => {
    const { connection, heard, peer } = await openDriven('none');
    connection.send(Buffer.from('bye'));
    connection.close();
    connection.close();
    expect(connection.ending?.by).toBe('local');
    const text = (await peer.socket.setEncoding('latin1').toArray()).join('');
    expect(text).toBe('\0\x03bye');
    await until(() => heard.closed > 0, SOON_MS);
    connection.close();
    connection.reset();
    expect(heard).toMatchObject({ closed: 1, endings: [{ by: 'local' }] });
  });

  it('reset here, once, however often: the peer gets a RST', async () => {
    const { connection, heard, peer } = await openDriven('none');
    let error: unknown;
    peer.socket.on('error', (each) => (error = each));
    connection.reset();
    connection.reset();
    expect(connection.descriptor).toBeUndefined();
    await until(() => peer.socket.closed, SOON_MS);
    expect(error).toMatchObject({ code: 'ECONNRESET' });
    await until(() => heard.closed > 0, SOON_MS);
    expect(heard).toMatchObject({ closed: 1, endings: [{ by: 'local' }] });
  });

  it('with a violation of the framing, for a reason, after the frames before it', async () => {
    const { connection, heard, peer } = await openDriven('none', { maxFrameBytes: 16 });
    let error: unknown;
    peer.socket.on('error', (each) => (error = each));
    peer.socket.write(Buffer.from('0002aabb' + '0011' + 'ff'.repeat(17), 'hex'));
    expect(await ended({ connection })).toMatchObject({
      by: 'violation',
      detail: 'frame of 17 bytes announced, at most 16 accepted',
    });
    expect(heard.frames).toEqual([Uint8Array.of(0xaa, 0xbb)]);
    await until(() => heard.closed === 1 && error !== undefined, SOON_MS);
    expect(error).toMatchObject({ code: 'ECONNRESET' });
  });

  it('and stays quiet at the largest frame that is accepted', async () => {
    const { connection, heard, peer } = await openDriven('none', { maxFrameBytes: 16 });
    peer.socket.write(Buffer.from('0010' + 'ff'.repeat(16), 'hex'));
    await until(() => heard.frames.length === 1, SOON_MS);
    expect(connection.ending).toBeUndefined();
  });

  it('sends nothing any more once it has ended', async () => {
    const { connection, peer } = await openDriven('none');
    const arrived = bytesRead(peer.socket);
    connection.close();
    connection.send(Buffer.from('too late'));
    await until(() => peer.socket.closed, SOON_MS);
    expect(arrived()).toBe(0);
  });

  it.skipIf(lacksDescriptorCount)('gives every descriptor back (needs Linux)', async () => {
    const each = await Promise.all(
      ['none', 'heartbeat=20ms:100ms', 'idle-timeout=100ms', 'none'].map((mode) =>
        openDriven(mode),
      ),
    );
    const open = openDescriptors() ?? Number.NaN;
    const [closed, , , finished] = each;
    closed?.connection.close();
    finished?.peer.socket.end();
    for (const { peer } of each) peer.socket.resume();
    const bothEnds = 2 * each.length;
    await until(() => openDescriptors() === open - bothEnds, SOON_MS);
    expect(each.map(({ heard }) => heard.closed)).toEqual([1, 1, 1, 1]);
  });
});

describe('a peer that does not read', { timeout: TEST_MS }, () => {
  it('makes us stop reading: what we hold is bounded', async () => {
    const echo = await openDriven('none', echoes);
    await flood(echo);
    expect(echo.socket.isPaused()).toBe(true);
    expect(echo.socket.writableLength).toBeLessThan(HELD_BYTES);
    expect(bytesOfFrames(echo)).toBeLessThan(FLOOD_BYTES);
  });

  it('gets everything, in order, once it reads', async () => {
    const echo = await openDriven('none', echoes);
    await flood(echo);
    const returned = bytesRead(echo.peer.socket);
    await until(() => returned() === FLOOD_BYTES, SOON_MS);
    expect(echo.socket.isPaused()).toBe(false);
    expect(echo.connection.ending).toBeUndefined();
    expect(echo.heard.frames.map((frame) => frame[0])).toEqual(numbersOfFrames());
  });

  it.skipIf(lacks('sockDiag'))(
    'is given up within seconds of a goodbye, its own or ours (needs sockDiag)',
    async () => {
      const finished = await openDriven('none');
      const closed = await openDriven('none');
      await Promise.all([finished, closed].map(fillUntilSomethingWaits));
      finished.peer.socket.end();
      closed.connection.close();
      expect((await ended(finished)).by).toBe('FIN');
      expect(finished.heard.closed).toBe(0);
      await until(() => finished.heard.closed === 1 && closed.heard.closed === 1, 2 * SOON_MS);
      expect(finished.heard.endings).toHaveLength(1);
      expect(closed.heard.endings).toMatchObject([{ by: 'local' }]);
    },
  );

  it.skipIf(lacks('sockDiag'))(
    'is not given up when it reads after its goodbye: it gets all that was left (needs sockDiag)',
    async () => {
      const driven = await openDriven('none');
      const offered = await fillUntilSomethingWaits(driven);
      driven.peer.socket.end();
      expect((await ended(driven)).by).toBe('FIN');
      const arrived = bytesRead(driven.peer.socket);
      await until(() => driven.heard.closed === 1 && driven.peer.socket.closed, SOON_MS);
      expect(arrived()).toBe(offered);
    },
  );
});

describe('applyKernelMode', { timeout: TEST_MS }, () => {
  const keepalive = { idleSeconds: 61, intervalSeconds: 11, count: 7 };

  it.skipIf(lacks('keepaliveTuning', 'userTimeout'))(
    "returns the kernel's part as read back (needs keepaliveTuning, userTimeout)",
    async () => {
      const { observer } = await openPair();
      const heartbeat = { intervalMs: 1000, timeoutMs: 3000 };
      const mode = { keepalive, userTimeoutMs: 12_345, heartbeat };
      expect(applyKernelMode(kernel, observer.fd, mode)).toEqual({
        keepalive,
        userTimeoutMs: 12_345,
      });
    },
  );

  it('needs neither a kernel nor a descriptor for a mode of our own', () => {
    const heartbeat = { intervalMs: 1000, timeoutMs: 3000 };
    expect(applyKernelMode(portableKernel, undefined, { heartbeat, idleTimeoutMs: 5 })).toEqual({});
  });

  it('refuses what the kernel refuses, naming the call', () => {
    const refusing = {
      ...portableKernel,
      setUserTimeout(): never {
        throw new KernelRefusal('setsockopt(6, 18)', 22);
      },
    };
    const refusal = refusalOf(() => applyKernelMode(refusing, 3, { userTimeoutMs: 1 }));
    expect(refusal.code).toBe('NO_CAPABILITY');
    expect(refusal.message).toBe('the mode cannot be put on the socket: setsockopt(6, 18): EINVAL');
  });

  it('refuses a socket without a descriptor, and lets a bug through', () => {
    expect(refusalOf(() => applyKernelMode(kernel, undefined, { keepalive })).code).toBe(
      'NO_CAPABILITY',
    );
    const broken = {
      ...portableKernel,
      setKeepalive(): never {
        throw new TypeError('a bug');
      },
    };
    const attempt = () => applyKernelMode(broken, 3, { keepalive });
    expect(attempt).toThrow(TypeError);
    expect(attempt).not.toThrow(TcpaliveError);
  });
});

/** The difference of two instants can be a rounding error short of the deadline. */
const ROUNDING_MS = 0.001;

/** An empty frame on the wire. */
const BEAT_BYTES = 2;

/** Beyond what both kernel buffers can take: tcp_wmem and tcp_rmem end at 4 and 6 MiB by default. */
const FLOOD_FRAMES = 1024;
const FRAME_BYTES = 16_384;
const FLOOD_BYTES = FLOOD_FRAMES * (FRAME_BYTES + BEAT_BYTES);

/** Node's high-water mark, and one chunk that was read before we stopped. */
const HELD_BYTES = 256 * 1024;

const echoes = {
  maxFrameBytes: FRAME_BYTES,
  echoes: true,
};

/** Offers more than both kernels can hold, each frame beginning with its number. */
async function flood({ socket, peer }: Driven): Promise<void> {
  for (const number of numbersOfFrames()) {
    const frame = Buffer.alloc(BEAT_BYTES + FRAME_BYTES);
    frame.writeUInt16BE(FRAME_BYTES);
    frame.writeUInt8(number, BEAT_BYTES);
    peer.socket.write(frame);
  }
  await until(() => socket.isPaused() && socket.writableLength > 0, SOON_MS);
}

function numbersOfFrames(): readonly number[] {
  return Array.from({ length: FLOOD_FRAMES }, (_, number) => number & 0xff);
}

function bytesOfFrames({ heard }: Driven): number {
  return heard.frames.reduce((sum, frame) => sum + BEAT_BYTES + frame.length, 0);
}

it.skipIf(lacks('tcpInfo'))(
  'answers the frames of one chunk with one segment, in order (needs tcpInfo)',
  { timeout: TEST_MS },
  async () => {
    const echo = await openDriven('none', echoes);
    const returned: Uint8Array[] = [];
    echo.peer.socket.on('data', (chunk) => returned.push(chunk));
    const glued = Buffer.concat(
      Array.from({ length: 50 }, (_, number) => Buffer.from([0, 1, number])),
    );
    echo.peer.socket.write(glued);
    await until(() => Buffer.concat(returned).length === glued.length, SOON_MS);
    expect(Buffer.concat(returned)).toEqual(glued);
    // Beside it only acknowledgements.
    expect(kernel.tcpInfo(fdOf(echo.connection))?.segmentsOut).toBeLessThan(10);
  },
);

describe('bounds', { timeout: TEST_MS }, () => {
  it('a peer that sends and does not read costs no more with every deadline', async () => {
    const echo = await openDriven('idle-timeout=50ms', {
      maxFrameBytes: 16_384,
      echoes: true,
    });
    const frame = Buffer.alloc(16_386);
    frame.writeUInt16BE(16_384);
    for (let count = 0; count < 1024; count++) echo.peer.socket.write(frame);
    let most = 0;
    await until(() => {
      most = Math.max(most, echo.socket.writableLength);
      return echo.connection.ending !== undefined;
    }, SOON_MS);
    expect(most).toBeLessThan(256 * 1024);
  });

  it.skipIf(lacksDescriptorCount)(
    'a reset right after a close gives the descriptor back',
    async () => {
      const { connection, heard, peer } = await openDriven('none');
      peer.socket.resume();
      const open = openDescriptors() ?? Number.NaN;
      connection.close();
      connection.reset();
      await until(() => openDescriptors() === open - 2 && heard.closed === 1, SOON_MS);
    },
  );
});

/**
 * Until the peer's kernel takes no more, and one frame waits in this process: too little to make us
 * stop reading. @returns how many bytes that is in all
 */
async function fillUntilSomethingWaits({ connection, socket }: Driven): Promise<number> {
  let offered = 0;
  await until(() => {
    while (socket.writableLength === 0) {
      connection.send(new Uint8Array(1000));
      offered += BEAT_BYTES + 1000;
    }
    return kernel.socketDiag(connection.local, connection.remote)?.timer.kind === 'zero-window';
  }, SOON_MS);
  expect(socket.isPaused()).toBe(false);
  return offered;
}

/** Reads from now on. */
function bytesRead(socket: Socket): () => number {
  let bytes = 0;
  socket.on('data', (chunk) => (bytes += chunk.length));
  return () => bytes;
}

function every(ms: number, work: () => void): void {
  const timer = setInterval(work, ms);
  onTestFinished(() => clearInterval(timer));
}

/** Nothing in this process gets a turn meanwhile. */
function keepLoopBusy(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
