/**
 * Where guarded services beat: one Unix stream socket for all services of a guardian, in our own framing.
 * Who connects says its token first; from then on an empty frame is a beat.
 */
import type { Ear, Sign } from '../core/guard/sign.js';

export interface BeatsListenerOptions {
  /** In it a folder of mode 0700 is made for the socket; such as XDG_RUNTIME_DIR, or /tmp. */
  readonly folder: string;
}

export interface BeatsListener {
  /** Of the socket: at most 107 bytes (unix(7)). */
  readonly path: string;
  /** Connections that were turned away since the start. */
  readonly refused: Readonly<Record<BeatsRefusal, number>>;
  /** One run of a service from now on: each start takes a token of its own. */
  expect(hear: (sign: Sign) => void): ExpectedBeats;
  /** Everybody is let go, and socket and folder are removed. Idempotent. */
  close(): Promise<void>;
}

/** `token`: a wrong one, or none in time. `words`: what is no frame of ours. `connections`: too many at once. */
export type BeatsRefusal = 'token' | 'words' | 'connections';

export interface ExpectedBeats extends Ear {
  /** For the environment of the service. */
  readonly variables: Readonly<Record<'TCPALIVE_GUARD_SOCKET' | 'TCPALIVE_GUARD_TOKEN', string>>;
}

/** `startBeatsListener(options, onRefused): Promise<BeatsListener>`. @throws TcpaliveError CANNOT_LISTEN */
export type StartBeatsListener = (
  options: BeatsListenerOptions,
  onRefused: (cause: BeatsRefusal, reason: string) => void,
) => Promise<BeatsListener>;
