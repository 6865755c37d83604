/**
 * Through tens of thousands of idle connections: of each sort and process the first is judged as any other, and
 * whatever comes after it is like it.
 */
import { IDLE_INODE, IDLE_NUMBERS, IDLE_SORT, type IdleSockets } from '../core/idle-sockets.js';
import type { HostSocket, SocketOwner } from '../core/socket.js';
import { HELD_BY_NONE, type AlikeSink, type Connection, type Tally } from '../core/survey.js';
import type { Owners } from './owners.js';

/** What those of one sort have in common that one process holds. */
interface Alike {
  readonly connection: Connection;
  /** By which the sink knows it. */
  readonly like: number;
  /** In the part that is walked through. */
  count: number;
}

export interface IdleWalkTo {
  readonly owners: Owners;
  readonly judge: (socket: HostSocket, owner: SocketOwner | undefined) => Connection;
  readonly tally: Tally;
  readonly sink: AlikeSink;
}

export class IdleWalk {
  readonly #to: IdleWalkTo;
  /** By process, then by sort. */
  readonly #known = new Map<number, (Alike | undefined)[]>();
  /** Of a part: of many processes and sorts few come together. */
  readonly #met: Alike[] = [];
  #likes = new Uint32Array();
  #fds = new Uint32Array();

  constructor(to: IdleWalkTo) {
    this.#to = to;
  }

  /** @param idle of one table, part by part */
  through(idle: IdleSockets): void {
    const { owners, sink, tally } = this.#to;
    const { numbers, length } = idle;
    this.#makeRoom(length);
    const likes = this.#likes;
    const fds = this.#fds;
    for (let place = 0; place < length; place++) {
      const at = place * IDLE_NUMBERS;
      const inode = numbers[at + IDLE_INODE] ?? 0;
      const sort = numbers[at + IDLE_SORT] ?? 0;
      const held = owners.find(inode);
      const known = this.#of(held < 0 ? HELD_BY_NONE : (owners.numbers[held] ?? 0));
      const alike = (known[sort] ??= this.#first(idle.socketAt(place), owners.of(inode)));
      if (alike.count++ === 0) this.#met.push(alike);
      likes[place] = alike.like;
      fds[place] = held < 0 ? 0 : (owners.numbers[held + 1] ?? 0);
    }
    sink.addAlike(idle, likes, fds);
    for (const alike of this.#met.splice(0)) {
      tally.add(alike.connection, alike.count);
      alike.count = 0;
    }
  }

  #makeRoom(length: number): void {
    if (this.#likes.length >= length) return;
    this.#likes = new Uint32Array(length);
    this.#fds = new Uint32Array(length);
  }

  #of(pid: number): (Alike | undefined)[] {
    let known = this.#known.get(pid);
    if (known === undefined) this.#known.set(pid, (known = []));
    return known;
  }

  #first(socket: HostSocket, owner: SocketOwner | undefined): Alike {
    const connection = this.#to.judge(socket, owner);
    return { connection, like: this.#to.sink.like(connection), count: 0 };
  }
}
