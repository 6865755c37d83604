/**
 * One process's sockets in an experiment, by connection id: the same class serves the observer and
 * the peer, as server and as client. It does as it is told and judges nothing; the first frame of
 * every connection carries its id, so that both ends mean the same one.
 */
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import type { Endpoint } from '../core/endpoint.js';
import { addMs, msBetween, type Instant } from '../core/time.js';
import type { Mode } from '../core/mode.js';
import type { DropEngine } from '../core/result.js';
import { LARGEST_FRAME_BYTES } from '../core/frame.js';
import { monotonicNow } from '../kernel/clock.js';
import type { Kernel } from '../kernel/kernel.js';
import type { TcpInfo } from '../kernel/socket-view.js';
import type { Connection, ConnectionHandlers, EndCause } from '../net/connection.js';
import { startEchoServer, type EchoServer } from '../net/echo-server.js';
import { connect } from '../net/client.js';
import { descriptorOf } from '../net/descriptor.js';
import { Dial } from '../net/dial.js';
import { Relay } from '../net/relay.js';

export type ConnectionId = number;

/** Plain data: it travels between processes as JSON. */
export type StationEvent =
  | {
      readonly kind: 'received';
      readonly id: ConnectionId;
      readonly at: Instant;
      readonly beat: boolean;
    }
  | {
      readonly kind: 'ended';
      readonly id: ConnectionId;
      readonly at: Instant;
      readonly by: EndCause;
      readonly silentMs: number;
    };

export interface ListenRequest {
  readonly mode: Mode;
  readonly replyDelayMs: number;
  /** RLIMIT_NOFILE of this process from now on; null: as it is. */
  readonly descriptors: number | null;
}

export interface ConnectRequest {
  readonly ids: readonly ConnectionId[];
  readonly port: number;
  readonly mode: Mode;
  /** The connections are opened evenly over this time, so that one drop meets every phase. */
  readonly overMs: number;
  /** How long to wait for a hello's echo: without it nobody has accepted the connection. */
  readonly helloTimeoutMs?: number;
}

/** A connection as its own end sees it; null where the kernel does not tell. */
export interface Snapshot {
  readonly id: ConnectionId;
  readonly ended: EndCause | null;
  readonly info: TcpInfo | null;
  /** Segments swallowed by the cut. */
  readonly drops: number;
  readonly local: Endpoint;
  readonly remote: Endpoint;
}

/** What was known of a connection at the moment it was cut. */
export interface CutMark {
  readonly id: ConnectionId;
  readonly at: Instant;
  readonly info: TcpInfo | null;
  readonly drops: number;
}

/** The first frame: this tag, then the id. */
const HELLO_BYTES = 8;
const HELLO_TAG = 0x7463_7061; // "tcpa"

const CONNECT_TIMEOUT_MS = 5000;

/** A FIN crosses loopback in microseconds. */
const ENDINGS_MS = 1000;
const LOOK_EVERY_MS = 5;

/** Longer than the copying itself takes. */
const FILL_EVERY_MS = 10;

export const LOAD_BYTES = 64;

/** Where a connection has no addresses yet. */
const NOWHERE: Endpoint = { address: '', port: 0 };

export class Station {
  readonly #kernel: Kernel;
  readonly #onEvent: (event: StationEvent) => void;
  readonly #connections = new Map<ConnectionId, Connection>();
  readonly #chatter = new Map<ConnectionId, NodeJS.Timeout>();
  readonly #servers: EchoServer[] = [];
  readonly #dials = new Map<ConnectionId, Dial>();
  #filling = Promise.resolve();
  #relay: Relay | undefined;
  #deaf: Server | undefined;

  constructor(kernel: Kernel, onEvent: (event: StationEvent) => void) {
    this.#kernel = kernel;
    this.#onEvent = onEvent;
  }

  /** Starts the echo server on a free loopback port. */
  async listen(request: ListenRequest): Promise<{ readonly port: number }> {
    const ids = new Map<Connection, ConnectionId>();
    const server = await startEchoServer(
      this.#kernel,
      {
        host: '127.0.0.1',
        port: 0,
        mode: request.mode,
        framing: 'length16',
        maxFrameBytes: LARGEST_FRAME_BYTES,
        maxConnections: Infinity,
        replyDelayMs: request.replyDelayMs,
      },
      (event) => {
        if (event.kind === 'frames') {
          const { connection, at } = event;
          for (const payload of event.frames.payloads()) {
            const known = ids.get(connection);
            const id = known ?? decodeHello(payload);
            if (id === undefined) continue;
            if (known !== undefined) {
              this.#onEvent({ kind: 'received', id, at, beat: payload.length === 0 });
              continue;
            }
            ids.set(connection, id);
            this.#connections.set(id, connection);
          }
        } else if (event.kind === 'ended') {
          const id = ids.get(event.connection);
          if (id === undefined) return;
          ids.delete(event.connection);
          const { by, at, silentMs } = event.ending;
          this.#onEvent({ kind: 'ended', id, at, by, silentMs });
        }
      },
    );
    this.#servers.push(server);
    if (request.descriptors !== null) this.#kernel.limitDescriptors(request.descriptors);
    return { port: server.address.port };
  }

  /** Opens connections and says hello on each; resolves with those whose hello was echoed. */
  async connect(request: ConnectRequest): Promise<{ readonly answered: readonly ConnectionId[] }> {
    const start = monotonicNow();
    const spacing = request.overMs / request.ids.length;
    const outcomes = await Promise.all(
      request.ids.map(async (id, index) => {
        await until(addMs(start, index * spacing));
        return (await this.#connectOne(id, request)) ? [id] : [];
      }),
    );
    return { answered: outcomes.flat() };
  }

  /** Resolves when all of these have ended at this end, or the time for it is over. */
  async endings(request: { readonly ids: readonly ConnectionId[] }): Promise<void> {
    const deadline = addMs(monotonicNow(), ENDINGS_MS);
    const isOpen = (id: ConnectionId) => {
      const connection = this.#connections.get(id);
      return connection !== undefined && connection.ending === undefined;
    };
    while (request.ids.some(isOpen) && monotonicNow() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    }
  }

  /** From now on a frame every so often on each, counted from when it was opened. */
  chatter(request: { readonly ids: readonly ConnectionId[]; readonly everyMs: number }): void {
    for (const id of request.ids) {
      const connection = this.#connections.get(id);
      if (connection === undefined) continue;
      const { everyMs } = request;
      let count = Math.floor(msBetween(connection.openedAt, monotonicNow()) / everyMs);
      const next = () => {
        // By its number: a timer that comes a fraction early must not send twice.
        const due = addMs(connection.openedAt, ++count * everyMs);
        const timer = setTimeout(
          () => {
            connection.send(new Uint8Array(LOAD_BYTES));
            next();
          },
          Math.max(0, msBetween(monotonicNow(), due)),
        );
        this.#chatter.set(id, timer);
      };
      next();
    }
  }

  hush(request: { readonly ids: readonly ConnectionId[] }): void {
    for (const id of request.ids) {
      clearTimeout(this.#chatter.get(id));
      this.#chatter.delete(id);
    }
  }

  /** Cuts this end of each; the marks say when, and what was known just then. */
  cut(request: {
    readonly ids: readonly ConnectionId[];
    readonly engine: DropEngine;
  }): readonly CutMark[] {
    return this.#markEach(request.ids, (descriptor) =>
      this.#kernel.cut(descriptor, request.engine),
    );
  }

  /** What was cut is whole again: what was lost comes with the next retransmission. */
  heal(request: { readonly ids: readonly ConnectionId[]; readonly engine: DropEngine }): void {
    for (const id of request.ids) {
      const descriptor = this.#connections.get(id)?.descriptor;
      if (descriptor !== undefined) this.#kernel.heal(descriptor, request.engine);
    }
  }

  /** From now on that share of what arrives at this end of each is lost. */
  lose(request: {
    readonly ids: readonly ConnectionId[];
    readonly share: number;
  }): readonly CutMark[] {
    return this.#markEach(request.ids, (descriptor) =>
      this.#kernel.lose(descriptor, request.share),
    );
  }

  /** Puts this process into the path of a server. */
  async relay(request: { readonly port: number }): Promise<{ readonly port: number }> {
    this.#relay = new Relay(request.port);
    return { port: await this.#relay.listen() };
  }

  swallow(): { readonly at: Instant } {
    this.#relay?.swallow();
    return { at: monotonicNow() };
  }

  /** A listener that hears no SYN. */
  async listenDeaf(request: { readonly engine: DropEngine }): Promise<{ readonly port: number }> {
    this.#deaf = createServer().listen(0, '127.0.0.1');
    await once(this.#deaf, 'listening');
    const descriptor = descriptorOf(this.#deaf);
    if (descriptor !== undefined) this.#kernel.cut(descriptor, request.engine);
    return { port: (this.#deaf.address() as { port: number }).port };
  }

  /** How many SYNs that listener has swallowed. */
  unheard(): number {
    const descriptor = this.#deaf === undefined ? undefined : descriptorOf(this.#deaf);
    return descriptor === undefined ? 0 : this.#kernel.drops(descriptor);
  }

  /** Begins to connect; the marks say when the first SYN of each left. */
  dial(request: {
    readonly ids: readonly ConnectionId[];
    readonly port: number;
    readonly mode: Mode;
  }): readonly CutMark[] {
    return request.ids.map((id) => {
      const dial = new Dial(this.#kernel, request.port, request.mode, ({ by, at, silentMs }) =>
        this.#onEvent({ kind: 'ended', id, at, by, silentMs }),
      );
      this.#dials.set(id, dial);
      return { id, at: dial.startedAt, info: null, drops: 0 };
    });
  }

  stopReading(request: { readonly ids: readonly ConnectionId[] }): void {
    for (const id of request.ids) this.#connections.get(id)?.stopReading();
  }

  /**
   * Fills every buffer on the way to peers that do not read; resolves when the last one has begun.
   * One after the other, whoever asks: copying megabytes at once would keep our own loop from all else.
   */
  async fill(request: { readonly ids: readonly ConnectionId[] }): Promise<void> {
    for (const id of request.ids) {
      const before = this.#filling;
      this.#filling = before.then(async () => {
        this.#connections.get(id)?.fill();
        await new Promise((resolve) => setTimeout(resolve, FILL_EVERY_MS));
      });
      await before;
    }
  }

  send(request: { readonly ids: readonly ConnectionId[]; readonly bytes: number }): void {
    const payload = new Uint8Array(request.bytes);
    for (const id of request.ids) this.#connections.get(id)?.send(payload);
  }

  /** Ends each with a FIN or a RST. */
  end(request: { readonly ids: readonly ConnectionId[]; readonly how: 'close' | 'reset' }): void {
    for (const id of request.ids) {
      const connection = this.#connections.get(id);
      if (request.how === 'close') connection?.close();
      else connection?.reset();
    }
  }

  /** Resets whatever is left, so that no closed socket goes on dying by itself on the host. */
  async clear(): Promise<void> {
    this.hush({ ids: [...this.#chatter.keys()] });
    for (const connection of this.#connections.values()) connection.reset();
    for (const dial of this.#dials.values()) dial.close();
    this.#deaf?.close();
    await Promise.all([...this.#servers.map((server) => server.close()), this.#relay?.close()]);
  }

  look(request: { readonly ids: readonly ConnectionId[] }): readonly Snapshot[] {
    return request.ids.flatMap((id) => {
      const connection = this.#connections.get(id);
      const dial = this.#dials.get(id);
      if (dial !== undefined) return [this.#snapshotOf(id, dial)];
      if (connection === undefined) return [];
      const { descriptor, local, remote, ending } = connection;
      return [
        {
          id,
          ended: ending?.by ?? null,
          info: descriptor === undefined ? null : (this.#kernel.tcpInfo(descriptor) ?? null),
          drops: descriptor === undefined ? 0 : this.#kernel.drops(descriptor),
          local,
          remote,
        },
      ];
    });
  }

  /** An attempt has no addresses yet by which the kernel could be asked from outside. */
  #snapshotOf(id: ConnectionId, { ending, descriptor }: Dial): Snapshot {
    const info = descriptor === undefined ? null : (this.#kernel.tcpInfo(descriptor) ?? null);
    return { id, ended: ending?.by ?? null, info, drops: 0, local: NOWHERE, remote: NOWHERE };
  }

  #markEach(
    ids: readonly ConnectionId[],
    change: (descriptor: number) => void,
  ): readonly CutMark[] {
    return ids.flatMap((id) => {
      const descriptor = this.#connections.get(id)?.descriptor;
      if (descriptor === undefined) return [];
      const drops = this.#kernel.drops(descriptor);
      change(descriptor);
      const at = monotonicNow();
      return [{ id, at, info: this.#kernel.tcpInfo(descriptor) ?? null, drops }];
    });
  }

  async #connectOne(id: ConnectionId, request: ConnectRequest): Promise<boolean> {
    let connection: Connection | undefined;
    let greeted: (answered: boolean) => void = () => undefined;
    const answered = new Promise<boolean>((resolve) => {
      greeted = resolve;
    });
    const handlers: ConnectionHandlers = {
      onFrames: (frames, at) => {
        for (const payload of frames.payloads()) {
          if (decodeHello(payload) === id) greeted(true);
          else this.#onEvent({ kind: 'received', id, at, beat: payload.length === 0 });
        }
      },
      onEnd: ({ by, at, silentMs }) => {
        greeted(false);
        this.#onEvent({ kind: 'ended', id, at, by, silentMs });
      },
    };
    try {
      ({ connection } = await connect(
        this.#kernel,
        {
          remote: { address: '127.0.0.1', port: request.port },
          mode: request.mode,
          framing: 'length16',
          maxFrameBytes: LARGEST_FRAME_BYTES,
          connectTimeoutMs: CONNECT_TIMEOUT_MS,
        },
        handlers,
      ));
    } catch {
      // Refused, or the server has no descriptor left: that is the answer.
      return false;
    }
    this.#connections.set(id, connection);
    connection.send(encodeHello(id));
    const timer = setTimeout(() => greeted(false), request.helloTimeoutMs ?? CONNECT_TIMEOUT_MS);
    try {
      return await answered;
    } finally {
      clearTimeout(timer);
    }
  }
}

function encodeHello(id: ConnectionId): Uint8Array {
  const bytes = Buffer.alloc(HELLO_BYTES);
  bytes.writeUInt32BE(HELLO_TAG, 0);
  bytes.writeUInt32BE(id, 4);
  return bytes;
}

function decodeHello(payload: Uint8Array): ConnectionId | undefined {
  if (payload.length !== HELLO_BYTES) return undefined;
  const view = new DataView(payload.buffer, payload.byteOffset, HELLO_BYTES);
  return view.getUint32(0) === HELLO_TAG ? view.getUint32(4) : undefined;
}

function until(when: Instant): Promise<void> {
  const ms = msBetween(monotonicNow(), when);
  return ms <= 0 ? Promise.resolve() : new Promise((resolve) => setTimeout(resolve, ms));
}
