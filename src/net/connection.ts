/**
 * The driver: the only code that owns a connection's socket and its deadline. It does what one
 * detector says, when the process's one timer says, and must not know what is at the other end or what a frame means.
 *
 * Judgement comes after one poll phase (`deadlines`): what has arrived while the loop was busy is
 * read before the peer is blamed.
 */
import type { Socket } from 'node:net';
import type { Deadline } from '../core/deadline-wheel.js';
import type { Endpoint } from '../core/endpoint.js';
import type { Detector, DetectorName } from '../core/detector.js';
import { BEAT, type Codec, type Decoder } from '../core/frame.js';
import type { Frames } from '../core/framing/frames.js';
import type { Mode } from '../core/mode.js';
import { addMs, msBetween, NO_INSTANT, type Instant } from '../core/time.js';
import { monotonicNow } from '../kernel/clock.js';
import { TcpaliveError } from '../errors.js';
import { KernelRefusal, type Kernel } from '../kernel/kernel.js';
import { deadlines, type DeadlineOwner } from './deadlines.js';
import { descriptorOf } from './descriptor.js';
import type { DirectSockets } from './direct-sockets.js';

/**
 * What ended a connection: `FIN` (libuv says so too of a RST right behind data), an errno such as
 * `ETIMEDOUT`, one of our detectors, a `violation` of the framing or of TLS, or this side: `local`,
 * `evicted` when it made room for another, `stalled` when the peer did not read, in a `drain`, or since a
 * keepalive `probe` of ours was not answered.
 */
export type EndCause = 'FIN' | DetectorName | 'violation' | OwnCause | 'probe' | `E${string}`;

const OWN_CAUSES = ['local', 'evicted', 'stalled', 'drain'] as const;

type OwnCause = (typeof OWN_CAUSES)[number];

/** Ended by us, and for another reason than silence. */
export function isOwn(by: EndCause): boolean {
  return OWN_CAUSES.some((own) => own === by);
}

export interface Ending {
  readonly by: EndCause;
  readonly at: Instant;
  /** Since the last received byte, or since it was opened. */
  readonly silentMs: number;
  /** What was wrong, for a violation of the framing or of TLS, and for a peer that did not read. */
  readonly detail: string | undefined;
}

export interface ConnectionHandlers {
  /** Any byte at all: before the frames that it completes. */
  onReceived?(at: Instant): void;
  /** All that was completed by what was read at once. */
  onFrames?(frames: Frames, at: Instant): void;
  onBeatSent?(at: Instant): void;
  onSilent?(silentMs: number): void;
  /** What waited for a peer that did not read is all sent. */
  onDrain?(): void;
  /** Exactly once, when the verdict falls. */
  onEnd?(ending: Ending): void;
  /** Exactly once, when the descriptor has been given back. */
  onClosed?(): void;
  /** There is still something to be sent that the connection does not know of. */
  hasMore?(): boolean;
}

/** What is read from a peer that reads nothing: each judgement reads, and may echo, a chunk more. */
const MOST_READ_UNSENT_BYTES = 128 * 1024;

/** For the last writes to a peer that has said goodbye, or to whom we do. */
const GOODBYE_MS = 5000;

/** Beyond the largest send and receive buffers (net.ipv4.tcp_wmem and tcp_rmem: 4 and 6 MiB). */
const MORE_THAN_FITS_BYTES = 16 * 1024 * 1024;

/** On the socket: with it the listeners are the same functions for all connections. */
const driver = Symbol('driver');

interface DrivenSocket extends Socket {
  [driver]: Connection;
}

/**
 * Tens of thousands may be idle in one process, so an idle one is small: closures would be a third of
 * its 1.6 KB (`npm run bench:serve`).
 */
export class Connection implements DeadlineOwner {
  readonly local: Endpoint;
  readonly remote: Endpoint;
  readonly openedAt: Instant;
  readonly #socket: Socket;
  readonly #codec: Codec;
  readonly #decoder: Decoder;
  readonly #detector: Detector;
  readonly #handlers: ConnectionHandlers;
  /** Undefined: it is read and written through Node's streams. */
  readonly #direct: DirectSockets | undefined;
  /** The detector's while it lives, of its goodbye after that. */
  readonly #deadline: Deadline<DeadlineOwner>;
  #lastReceivedAt = NO_INSTANT;
  #ending: Ending | undefined;
  #readsNoMore = false;
  #goodbye = false;
  #skippedBytes = 0;
  /** A write is waiting for the peer to read. */
  #choked = false;
  /** Bytes read meanwhile. */
  #readUnsent = 0;
  #sentDirectly = 0;
  /**
   * Something was once written through the socket itself. Until then nobody looks at its queue, which lies far from
   * all else in memory: 3 % of a beat's CPU time.
   */
  #hasQueued = false;

  /** @param socket connected; from now on nobody else may touch it. */
  constructor(
    socket: Socket,
    options: {
      readonly codec: Codec;
      readonly detector: (now: Instant) => Detector;
      readonly handlers: ConnectionHandlers;
      /** For one that has just been accepted: past Node's streams, where that can be had. */
      readonly direct?: DirectSockets | undefined;
    },
  ) {
    this.#codec = options.codec;
    this.#decoder = options.codec.decoder();
    this.#handlers = options.handlers;
    this.openedAt = monotonicNow();
    this.#lastReceivedAt = this.openedAt;
    this.#detector = options.detector(this.openedAt);
    this.#deadline = deadlines.enter(this);
    this.local = sharedEndpoint(socket.localAddress, socket.localPort);
    this.remote = { address: socket.remoteAddress ?? '', port: socket.remotePort ?? 0 };
    const reopened = options.direct?.open(socket, (chunk) => this.#received(chunk));
    this.#direct = reopened && options.direct;
    this.#socket = reopened ?? socket;
    this.#socket.setNoDelay(true);
    const driven: DrivenSocket = Object.assign(this.#socket, { [driver]: this });
    if (reopened === undefined) driven.on('data', Connection.#onData);
    driven.on('drain', Connection.#onDrain);
    driven.on('end', Connection.#onEnd);
    driven.on('error', Connection.#onError);
    driven.on('close', Connection.#onClose);
    this.#arm();
  }

  /** Undefined while the connection lives. */
  get ending(): Ending | undefined {
    return this.#ending;
  }

  /** Received, and of no frame: what a framing found its way back after. */
  get skippedBytes(): number {
    return this.#skippedBytes;
  }

  /** For the kernel's options and evidence; undefined once the connection is closed. */
  get descriptor(): number | undefined {
    return this.#socket.destroyed ? undefined : descriptorOf(this.#socket);
  }

  /** What waits in this process, because the kernel takes no more from us. */
  get unsentBytes(): number {
    return this.#hasQueued ? this.#socket.writableLength : 0;
  }

  /** What the kernel has taken from us, of whole writes: what it does with that is its own affair. */
  get sentBytes(): number {
    return this.#sentDirectly + this.#socket.bytesWritten - this.#socket.writableLength;
  }

  /** Since the last received byte, or since it was opened. */
  silentMs(now: Instant): number {
    return msBetween(this.#lastReceivedAt, now);
  }

  /** In neither direction is a frame begun and not complete, as far as this side can know. */
  get isBetweenFrames(): boolean {
    const isAnswering = this.unsentBytes > 0 || this.#handlers.hasMore?.() === true;
    return !isAnswering && !this.#decoder.isMidFrame;
  }

  /** Sends one frame. While the peer does not read, neither do we: nothing piles up. */
  send(payload: Uint8Array): void {
    if (this.#isWritable) this.#write(this.#codec.encode(payload));
  }

  /** Answers each frame with the same frame, all with one write; as `send` does. */
  echo(frames: Frames): void {
    if (this.#isWritable) this.#write(frames.echo());
  }

  /**
   * Reads no more: its window closes once the peer has filled what room there is. It hears no FIN or RST then;
   * through Node's streams it does while those still have room of their own.
   */
  stopReading(): void {
    this.#readsNoMore = true;
    this.#socket.pause();
  }

  /** Writes more than any buffer holds: its send queue is never empty again. */
  fill(): void {
    if (!this.#isWritable) return;
    this.#queue(moreThanFits());
    this.#choked = true;
  }

  /** Says goodbye with a FIN and gives the descriptor back. Idempotent. */
  close(): void {
    this.#end({ by: 'local' });
    this.#sayGoodbye();
  }

  /**
   * Says goodbye with a FIN and reads on, for nobody, until the peer's own comes: what is under way
   * would be answered with a RST. Idempotent; how long it may take is the caller's concern.
   */
  conclude(by: OwnCause): void {
    this.#end({ by });
    if (this.#goodbye || this.#socket.destroyed) return;
    this.#goodbye = true;
    this.#socket.end();
    this.#socket.resume();
  }

  /** Gives the descriptor back at once; the peer, if it can hear, gets a RST. Idempotent. */
  reset(by: OwnCause | 'probe' = 'local', detail?: string): void {
    this.#end({ by, detail });
    // Node loses the handle when a reset meets a shutdown that is under way.
    if (this.#goodbye) this.#socket.destroy();
    else this.#drop();
  }

  /**
   * Only for `deadlines`. While the peer does not read we do not either: what has arrived since is
   * read before judging, until it is so much that whoever sends on without reading is as good as
   * silent.
   */
  deadlineCame(): void {
    if (this.#ending !== undefined) {
      this.#socket.destroy();
      return;
    }
    const mayRead = !this.#readsNoMore && this.#readUnsent < MOST_READ_UNSENT_BYTES;
    if (this.#socket.isPaused() && mayRead) {
      this.#socket.resume();
      setImmediate(() => this.#tick());
    } else this.#tick();
  }

  static readonly #onData = function (this: DrivenSocket, chunk: Uint8Array): void {
    this[driver].#received(chunk);
  };

  static readonly #onDrain = function (this: DrivenSocket): void {
    const connection = this[driver];
    connection.#choked = false;
    connection.#readUnsent = 0;
    connection.#handlers.onDrain?.();
    if (!connection.#readsNoMore) this.resume();
  };

  static readonly #onEnd = function (this: DrivenSocket): void {
    this[driver].#end({ by: 'FIN' });
    this[driver].#sayGoodbye();
  };

  static readonly #onError = function (this: DrivenSocket, error: Error): void {
    this[driver].#end(causeOf(error));
  };

  static readonly #onClose = function (this: DrivenSocket): void {
    const connection = this[driver];
    connection.#end({ by: 'local' });
    deadlines.leave(connection.#deadline);
    connection.#handlers.onClosed?.();
  };

  #received(chunk: Uint8Array): void {
    const now = monotonicNow();
    this.#lastReceivedAt = now;
    if (this.#choked) this.#readUnsent += chunk.length;
    if (this.#ending !== undefined) return;
    this.#handlers.onReceived?.(now);
    const { frames, skippedBytes, violation } = this.#decoder.push(chunk);
    this.#skippedBytes += skippedBytes;
    this.#detector.decoded?.(frames.count, this.#decoder.isMidFrame, now);
    this.#do('received', now);
    if (frames.count > 0) this.#handlers.onFrames?.(frames, now);
    if (violation !== undefined) {
      this.#end({ by: 'violation', detail: violation });
      this.#drop();
    }
  }

  get #isWritable(): boolean {
    if (this.#ending !== undefined) return false;
    const isDirect = this.#direct !== undefined && !this.#hasQueued;
    return isDirect || this.#socket.writable;
  }

  #write(bytes: Uint8Array): void {
    const left = this.#direct === undefined ? bytes : this.#sendDirectly(this.#direct, bytes);
    if (left === undefined || this.#queue(left)) return;
    this.#choked = true;
    this.#socket.pause();
  }

  /** @returns false: it is more than should wait */
  #queue(bytes: Uint8Array): boolean {
    this.#hasQueued = true;
    return this.#socket.write(bytes);
  }

  #sendDirectly(direct: DirectSockets, bytes: Uint8Array): Uint8Array | undefined {
    const left = direct.send(this.#socket, bytes, this.#hasQueued);
    this.#sentDirectly += bytes.length - (left?.length ?? 0);
    return left;
  }

  #do(input: 'received' | 'tick', now: Instant): void {
    for (const action of this.#detector.step(input, now)) {
      switch (action.kind) {
        case 'beat':
          this.send(BEAT);
          this.#handlers.onBeatSent?.(now);
          break;
        case 'silent':
          this.#handlers.onSilent?.(action.silentMs);
          break;
        case 'give-up':
          this.#end({ by: action.by, silentMs: action.silentMs });
          this.#drop();
          return;
      }
    }
    this.#arm();
  }

  #arm(): void {
    if (this.#ending === undefined) deadlines.move(this.#deadline, this.#detector.nextDeadline());
  }

  #tick(): void {
    if (this.#ending === undefined) this.#do('tick', monotonicNow());
  }

  /** What is still to be written gets a bounded time: a peer that does not read cannot hold us. */
  #sayGoodbye(): void {
    if (this.#socket.destroyed) return;
    this.#goodbye = true;
    this.#socket.destroySoon();
    deadlines.move(this.#deadline, addMs(monotonicNow(), GOODBYE_MS));
  }

  /** With an RST, which a Unix socket has none of: there is no address at its other end. */
  #drop(): void {
    if (this.remote.address === '') this.#socket.destroy();
    else this.#socket.resetAndDestroy();
  }

  #end(ending: { by: EndCause; silentMs?: number; detail?: string | undefined }): void {
    if (this.#ending !== undefined) return;
    const { by, detail } = ending;
    const at = monotonicNow();
    const silentMs = ending.silentMs ?? msBetween(this.#lastReceivedAt, at);
    this.#ending = { by, at, silentMs, detail };
    deadlines.move(this.#deadline, undefined);
    this.#handlers.onEnd?.(this.#ending);
  }
}

/**
 * Puts the kernel's part of a mode on a socket.
 * @param descriptor undefined where the socket has none, which only a mode of our own can do without
 * @returns that part as it was read back.
 * @throws TcpaliveError NO_CAPABILITY
 */
export function applyKernelMode(
  kernel: Kernel,
  descriptor: number | undefined,
  { keepalive, userTimeoutMs, rtoMaxMs }: Mode,
): Mode {
  const parts = [keepalive, userTimeoutMs, rtoMaxMs];
  if (parts.every((part) => part === undefined)) return {};
  if (descriptor === undefined) throw cannotApply('the socket has no descriptor');
  try {
    return {
      ...(keepalive && { keepalive: kernel.setKeepalive(descriptor, keepalive) }),
      ...(userTimeoutMs && { userTimeoutMs: kernel.setUserTimeout(descriptor, userTimeoutMs) }),
      ...(rtoMaxMs && { rtoMaxMs: kernel.setRtoMax(descriptor, rtoMaxMs) }),
    };
  } catch (error) {
    if (error instanceof KernelRefusal) throw cannotApply(error.message);
    throw error;
  }
}

function cannotApply(reason: string): TcpaliveError {
  return new TcpaliveError('NO_CAPABILITY', `the mode cannot be put on the socket: ${reason}`, {
    hint: 'heartbeat and idle-timeout work everywhere; tcpalive doctor lists what this machine can do',
  });
}

let latestEndpoint: Endpoint = { address: '', port: 0 };

/** A server's connections have nearly all the same one. */
function sharedEndpoint(address = '', port = 0): Endpoint {
  if (latestEndpoint.address !== address || latestEndpoint.port !== port) {
    latestEndpoint = { address, port };
  }
  return latestEndpoint;
}

/** One for all connections, and only for a process that fills one: no other command pays for it. */
let filling: Buffer | undefined;

function moreThanFits(): Buffer {
  return (filling ??= Buffer.alloc(MORE_THAN_FITS_BYTES));
}

/** An alert under TLS, or what is none, breaks the protocol: that is no silence. */
function causeOf(error: Error): { by: EndCause; detail?: string } {
  const { code = '' } = error as NodeJS.ErrnoException;
  if (code.startsWith('ERR_SSL_')) return { by: 'violation', detail: code };
  return { by: code.startsWith('E') ? (code as EndCause) : 'EIO' };
}
