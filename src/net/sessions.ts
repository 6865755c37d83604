/**
 * The connections of an echo server: who is let in, who must go, and what is counted of them. It takes
 * sockets that others have accepted, and must not know how one listens.
 */
import type { Socket } from 'node:net';
import { Admission, type AdmissionLimits } from '../core/admission.js';
import type { BacklogLimits } from '../core/backlog.js';
import { codec, type Codec, type Framing } from '../core/frame.js';
import type { Frames } from '../core/framing/frames.js';
import type { Mode } from '../core/mode.js';
import { Recency } from '../core/recency.js';
import type { RejectionCause, ServerCounts } from '../core/server-counts.js';
import type { Instant } from '../core/time.js';
import { TcpaliveError } from '../errors.js';
import type { Kernel } from '../kernel/kernel.js';
import { applyKernelMode, type Connection, type Ending } from './connection.js';
import { descriptorOf } from './descriptor.js';
import { DirectSockets } from './direct-sockets.js';
import type { EchoServerEvent } from './echo-event.js';
import { Readers } from './readers.js';
import type { SessionSurvey } from './self-watch.js';
import { Session, type SessionOptions, type SessionOwner } from './session.js';

export interface SessionsOptions extends AdmissionLimits, BacklogLimits, SessionOptions {
  readonly framing: Framing;
  readonly maxFrameBytes: number;
}

export class Sessions implements SessionOwner {
  readonly direct: DirectSockets;
  readonly #kernel: Kernel;
  readonly #options: SessionsOptions;
  readonly #onEvent: (event: EchoServerEvent) => void;
  readonly #codec: Codec;
  readonly #admission: Admission;
  readonly #bySilence = new Recency<Session>();
  readonly #readers: Readers;
  readonly #connections = new Set<Connection>();
  readonly #counts = {
    accepted: 0,
    rejected: { connections: 0, address: 0, mode: 0 },
    endedBy: {} as Record<string, number>,
    frames: 0,
    beats: 0,
    skippedBytes: 0,
    unanswered: 0,
  };
  #concludedWithAnswers = 0;
  #emptied: () => void = () => undefined;

  constructor(kernel: Kernel, options: SessionsOptions, onEvent: (event: EchoServerEvent) => void) {
    this.direct = new DirectSockets(kernel);
    this.#kernel = kernel;
    this.#options = options;
    this.#onEvent = onEvent;
    this.#codec = codec(options.framing, options.maxFrameBytes);
    this.#admission = new Admission(options);
    this.#readers = new Readers(kernel, options);
  }

  /** Those that hold a descriptor. */
  get connections(): ReadonlySet<Connection> {
    return this.#connections;
  }

  get counts(): ServerCounts {
    return this.#counts;
  }

  /** In one walk over all of them: it is asked for now and then, and costs those who talk nothing. */
  survey(now: Instant): SessionSurvey {
    const { silentAfterMs = Infinity } = this.#options;
    const states = { active: 0, silent: 0, unread: 0, closing: 0 };
    let longestSilenceMs: number | null = null;
    let unsentBytes = 0;
    for (const connection of this.#connections) {
      const { ending, unsentBytes: unsent } = connection;
      const silentMs = connection.silentMs(now);
      longestSilenceMs = Math.max(longestSilenceMs ?? 0, silentMs);
      unsentBytes += unsent;
      if (ending !== undefined) states.closing++;
      else if (unsent > 0) states.unread++;
      else if (silentMs >= silentAfterMs) states.silent++;
      else states.active++;
    }
    return { states, longestSilenceMs, unsentBytes };
  }

  /** @param socket just accepted; from now on nobody else may touch it. */
  take(socket: Socket): void {
    const { remoteAddress } = socket;
    if (remoteAddress === undefined) {
      socket.destroy(); // it was gone before we came to it
      return;
    }
    const admittance = this.#admission.decide(remoteAddress);
    if (admittance === 'connections' || admittance === 'address') {
      this.#refuse(socket, admittance, REASONS[admittance]);
      return;
    }
    let settings: Mode;
    try {
      settings = applyKernelMode(this.#kernel, descriptorOf(socket), this.#options.mode);
    } catch (error) {
      if (!(error instanceof TcpaliveError)) throw error;
      this.#refuse(socket, 'mode', error.message);
      return;
    }
    if (admittance === 'evict') this.#makeRoom();
    const id = ++this.#counts.accepted;
    const session = new Session(id, socket, this.#codec, this.#options, this);
    this.#admission.enter(remoteAddress);
    this.#bySilence.touch(session.silence);
    this.#connections.add(session.connection);
    this.#onEvent({ kind: 'opened', ...about(session), settings });
  }

  /** So many were for us, and Node could not hand them over: there was no descriptor to hold them. */
  lost(count: number): void {
    this.#counts.rejected.connections += count;
  }

  /** So many connections as are answered next are told goodbye with that; instead of what was said before. */
  concludeWithAnswers(count: number): void {
    this.#concludedWithAnswers = count;
  }

  /** Resets every connection, and resolves when all descriptors are given back. Idempotent. */
  close(): Promise<void> {
    const empty = new Promise<void>((resolve) => {
      this.#emptied = resolve;
      if (this.#connections.size === 0) resolve();
    });
    for (const connection of this.#connections) connection.reset();
    return empty;
  }

  /** Without `--evict` nobody asks for their order, and to keep it means to touch two others. */
  heard(session: Session): void {
    if (this.#options.evict === true && session.silence.isTaken)
      this.#bySilence.touch(session.silence);
  }

  frames(session: Session, frames: Frames, at: Instant): void {
    this.#counts.frames += frames.count;
    this.#counts.beats += frames.beats;
    // Written out, and no `about`: it is the one event of every beat.
    const { id, connection } = session;
    this.#onEvent({ kind: 'frames', id, connection, frames, at });
  }

  answered({ connection }: Session): void {
    if (this.#concludedWithAnswers === 0 || !connection.isBetweenFrames) return;
    this.#concludedWithAnswers--;
    connection.conclude('drain');
  }

  unanswered(session: Session): void {
    this.#counts.unanswered++;
    this.#onEvent({ kind: 'unanswered', ...about(session) });
  }

  waits(session: Session): void {
    this.#readers.look(session);
  }

  silent(session: Session, silentMs: number): void {
    this.#onEvent({ kind: 'silent', ...about(session), silentMs });
  }

  ended(session: Session, ending: Ending): void {
    this.#readers.forget(session);
    const { endedBy } = this.#counts;
    endedBy[ending.by] = (endedBy[ending.by] ?? 0) + 1;
    this.#onEvent({ kind: 'ended', ...about(session), ending });
  }

  closed(session: Session): void {
    this.#giveUpPlace(session);
    this.#connections.delete(session.connection);
    this.#counts.skippedBytes += session.connection.skippedBytes;
    this.#onEvent({ kind: 'closed', ...about(session), frames: session.frames });
    if (this.#connections.size === 0) this.#emptied();
  }

  /** A reset gives the descriptor back at once: there is room in the same turn. */
  #makeRoom(): void {
    const longestSilent = this.#bySilence.oldest;
    if (longestSilent === undefined) return;
    this.#giveUpPlace(longestSilent);
    longestSilent.connection.reset('evicted');
  }

  #giveUpPlace(session: Session): void {
    if (!session.silence.isTaken) return;
    this.#bySilence.remove(session.silence);
    this.#admission.leave(session.connection.remote.address);
  }

  /** With an RST, which no client takes for an answer. */
  #refuse(socket: Socket, cause: RejectionCause, reason: string): void {
    const { remoteAddress = '', remotePort = 0 } = socket;
    this.#counts.rejected[cause]++;
    socket.on('error', () => undefined); // it is gone either way
    socket.resetAndDestroy();
    const remote = { address: remoteAddress, port: remotePort };
    this.#onEvent({ kind: 'refused', remote, cause, reason });
  }
}

const REASONS = {
  connections: 'as many connections as allowed are open (--max-connections)',
  address: 'as many connections as allowed are open from there (--max-per-address)',
};

function about({ id, connection }: Session) {
  return { id, connection };
}
