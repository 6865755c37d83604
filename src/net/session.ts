/** One connection of an echo server: answers every frame with the same frame, at once or later. */
import type { Socket } from 'node:net';
import { detectorFor } from '../core/detector.js';
import type { FrameTimeouts } from '../core/frame-deadlines.js';
import type { Codec } from '../core/frame.js';
import type { Frames } from '../core/framing/frames.js';
import type { Mode } from '../core/mode.js';
import { Place } from '../core/recency.js';
import type { Instant } from '../core/time.js';
import { Connection, type ConnectionHandlers, type Ending } from './connection.js';
import { DelayedReplies } from './delayed-replies.js';
import type { DirectSockets } from './direct-sockets.js';
import type { Reader } from './readers.js';

export interface SessionOptions {
  readonly mode: Mode;
  readonly replyDelayMs: number;
  /** Report a silence this long; undefined: do not. */
  readonly silentAfterMs?: number | undefined;
  readonly frameTimeouts?: FrameTimeouts;
}

/** Who is told: all sessions of a server have the same one. */
export interface SessionOwner {
  readonly direct: DirectSockets;
  heard(session: Session): void;
  frames(session: Session, frames: Frames, at: Instant): void;
  /** As far as the kernel takes it. */
  answered(session: Session): void;
  unanswered(session: Session): void;
  /** Something waits for the peer, or did until now. */
  waits(session: Session): void;
  silent(session: Session, silentMs: number): void;
  ended(session: Session, ending: Ending): void;
  closed(session: Session): void;
}

/** Its own handlers: thousands of connections need no closure each. */
export class Session implements ConnectionHandlers, Reader {
  readonly id: number;
  readonly connection: Connection;
  /** Among the others, by the last received byte. */
  readonly silence = new Place<Session>(this);
  waiting: Reader['waiting'];
  frames = 0;
  readonly #owner: SessionOwner;
  readonly #later: DelayedReplies | undefined;

  /** @param socket just accepted; from now on nobody else may touch it. */
  constructor(
    id: number,
    socket: Socket,
    codec: Codec,
    { mode, replyDelayMs, silentAfterMs, frameTimeouts }: SessionOptions,
    owner: SessionOwner,
  ) {
    this.id = id;
    this.#owner = owner;
    this.connection = new Connection(socket, {
      codec,
      detector: (now) => detectorFor(mode, 'answers', now, silentAfterMs, frameTimeouts),
      handlers: this,
      direct: owner.direct,
    });
    this.#later =
      replyDelayMs === 0
        ? undefined
        : new DelayedReplies(replyDelayMs, (payload) => {
            this.connection.send(payload);
            this.#answered();
          });
  }

  onReceived(): void {
    this.#owner.heard(this);
  }

  onFrames(frames: Frames, at: Instant): void {
    this.frames += frames.count;
    this.#owner.frames(this, frames, at);
    if (this.#later === undefined) {
      this.connection.echo(frames);
      this.#answered();
    } else {
      for (const payload of frames.payloads()) {
        if (!this.#later.add(payload)) this.#owner.unanswered(this);
      }
    }
  }

  onSilent(silentMs: number): void {
    this.#owner.silent(this, silentMs);
  }

  onDrain(): void {
    this.#owner.waits(this);
  }

  onEnd(ending: Ending): void {
    this.#owner.ended(this, ending);
  }

  hasMore(): boolean {
    return this.#later?.isEmpty === false;
  }

  onClosed(): void {
    this.#later?.clear();
    this.#owner.closed(this);
  }

  #answered(): void {
    if (this.connection.unsentBytes > 0) this.#owner.waits(this);
    this.#owner.answered(this);
  }
}
