/**
 * Connections on which no timer is armed: tens of thousands of them differ in little. What each has of its own
 * is kept in numbers side by side, with which V8 has less to do than with as many objects; the rest once.
 */
import { longer } from './longer.js';
import { cookieText, type HostSocket } from './socket.js';

/** TCP sockets, decoded while they are walked through: none is kept. */
export interface SocketsTold {
  /** Connections on which a timer is armed, and listeners. */
  readonly timed: Iterable<HostSocket>;
  readonly idle: IdleSockets;
}

export function* everySocket({ timed, idle }: SocketsTold): Iterable<HostSocket> {
  yield* timed;
  yield* idle;
}

export interface IdleSockets extends Iterable<HostSocket> {
  readonly length: number;
  /** `IDLE_NUMBERS` each. */
  readonly numbers: Uint32Array;
  readonly addresses: readonly string[];
  /**
   * One of each sort: those of a sort are alike but for their own numbers, and for `backoff`, `rtoMs` and
   * `windowBytes`, which say nothing of an idle one; `rttMs` to the millisecond. Of the parts of one table they are
   * the same, and more.
   */
  readonly sorts: readonly HostSocket[];
  /** @throws RangeError where there is none */
  socketAt(at: number): HostSocket;
}

/** Columns of `numbers`: the sort by its place among `sorts`, addresses by theirs among `addresses`. */
export const IDLE_SORT = 0;
export const IDLE_LOCAL = 1;
export const IDLE_LOCAL_PORT = 2;
export const IDLE_PEER = 3;
export const IDLE_PEER_PORT = 4;
export const IDLE_INODE = 5;
export const IDLE_COOKIE_LOW = 6;
export const IDLE_COOKIE_HIGH = 7;
export const IDLE_SILENT_MS = 8;
export const IDLE_RECEIVE_QUEUE = 9;
export const IDLE_NUMBERS = 10;

const FEW = 256;

/** To be filled, and again: what is kept of its contents is gone then. */
export class IdleRows implements IdleSockets {
  readonly addresses: string[] = [];
  readonly sorts: HostSocket[] = [];
  numbers = new Uint32Array(FEW * IDLE_NUMBERS);
  length = 0;

  /** Makes room for one more. @returns where its numbers go */
  next(): number {
    const at = this.length++ * IDLE_NUMBERS;
    if (at === this.numbers.length) this.numbers = longer(this.numbers, 2 * at);
    return at;
  }

  socketAt(place: number): HostSocket {
    const { numbers, addresses } = this;
    const at = place * IDLE_NUMBERS;
    const like = this.sorts[numbers[at + IDLE_SORT] ?? 0];
    if (place >= this.length || like?.info == null) throw new RangeError(`no socket ${place}`);
    const { probes, backoff, rtoMs, rttMs, windowBytes } = like.info;
    // Spread, each would have a shape of its own, for which V8 throws away what it has compiled.
    return {
      local: {
        address: addresses[numbers[at + IDLE_LOCAL] ?? 0] ?? '',
        port: numbers[at + IDLE_LOCAL_PORT] ?? 0,
      },
      peer: {
        address: addresses[numbers[at + IDLE_PEER] ?? 0] ?? '',
        port: numbers[at + IDLE_PEER_PORT] ?? 0,
      },
      state: like.state,
      timer: like.timer,
      retransmissions: like.retransmissions,
      receiveQueueBytes: numbers[at + IDLE_RECEIVE_QUEUE] ?? 0,
      sendQueueBytes: like.sendQueueBytes,
      userId: like.userId,
      inode: numbers[at + IDLE_INODE] ?? 0,
      cookie: cookieText(numbers[at + IDLE_COOKIE_LOW] ?? 0, numbers[at + IDLE_COOKIE_HIGH] ?? 0),
      interfaceIndex: like.interfaceIndex,
      info: {
        probes,
        backoff,
        rtoMs,
        rttMs,
        silentMs: numbers[at + IDLE_SILENT_MS] ?? 0,
        windowBytes,
      },
    };
  }

  *[Symbol.iterator](): Iterator<HostSocket> {
    for (let place = 0; place < this.length; place++) yield this.socketAt(place);
  }
}
