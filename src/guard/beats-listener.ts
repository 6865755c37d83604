/**
 * Where guarded services beat (core/guard/beat-words.ts): one Unix stream socket for all services of a
 * guardian, open to nobody but its own user. Says what it hears; how long a silence may last is judged by
 * others.
 */
import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { detectorFor } from '../core/detector.js';
import { codec } from '../core/frame.js';
import type { Frames } from '../core/framing/frames.js';
import {
  LONGEST_WORDS_BYTES,
  parseBeatWord,
  parseGreeting,
  type BeatWord,
  type Greeting,
} from '../core/guard/beat-words.js';
import type { Ear, Sign } from '../core/guard/sign.js';
import { TcpaliveError } from '../errors.js';
import { Connection, type ConnectionHandlers, type Ending } from '../net/connection.js';

export interface BeatsListenerOptions {
  /** In it a folder of mode 0700 is made for the socket; such as XDG_RUNTIME_DIR, or /tmp. */
  readonly folder: string;
}

export interface BeatsListener {
  /** Of the socket. */
  readonly path: string;
  /** Connections that were turned away since the start. */
  readonly refused: Readonly<Record<BeatsRefusal, number>>;
  /** One run of a service from now on: each start takes a token of its own. */
  expect(hear: (sign: Sign) => void): ExpectedBeats;
  /** Everybody is let go, and the socket and its folder are removed. Idempotent. */
  close(): Promise<void>;
}

/** `token`: a wrong one, or none in time. `words`: nothing that is said here. `connections`: too many at once. */
export type BeatsRefusal = 'token' | 'words' | 'connections';

/**
 * Several connections of one run, such as those of its workers, count together: a beat of any is a sign of
 * life, and the end of one is news when it was the last that beat. `ready` is heard whenever one begins to.
 */
interface ExpectedBeats extends Ear {
  /** For the environment of the service. */
  readonly variables: Readonly<Record<'TCPALIVE_GUARD_SOCKET' | 'TCPALIVE_GUARD_TOKEN', string>>;
}

/** sun_path of unix(7), less its end. */
const LONGEST_PATH_BYTES = 107;

/** From the connection to its whole greeting, and from the first byte of any other frame to its last. */
const FRAME_MS = 5000;

/** Of echoes that wait for whoever does not read them: less than makes a connection stop reading. */
const MOST_UNREAD_BYTES = 4096;

/** Who has not said a token, and of one run. */
const MOST_STRANGERS = 64;
const MOST_CONNECTIONS = 64;

/** @throws TcpaliveError CANNOT_LISTEN naming the folder */
export async function startBeatsListener(
  { folder }: BeatsListenerOptions,
  onRefused: (cause: BeatsRefusal) => void = () => undefined,
): Promise<BeatsListener> {
  const own = await mkdtemp(join(folder, 'tcpalive-guard-')).catch((cause: unknown) =>
    refuseFolder(folder, cause),
  );
  const listener = new Listener(join(own, 'beats'), onRefused);
  try {
    await listener.open();
  } catch (error) {
    await rm(own, { recursive: true, force: true });
    throw error;
  }
  return {
    path: listener.path,
    refused: listener.refused,
    expect: (hear) => listener.expect(hear),
    async close() {
      await listener.close();
      await rm(own, { recursive: true, force: true });
    },
  };
}

class Listener {
  readonly path: string;
  readonly refused: Record<BeatsRefusal, number> = { token: 0, words: 0, connections: 0 };
  readonly #onRefused: (cause: BeatsRefusal) => void;
  readonly #server: Server = createServer((socket) => this.#take(socket));
  /** Who is expected, by token. */
  readonly #runs = new Map<string, Run>();
  readonly #strangers = new Set<Visitor>();

  constructor(path: string, onRefused: (cause: BeatsRefusal) => void) {
    this.path = path;
    this.#onRefused = onRefused;
  }

  async open(): Promise<void> {
    const bytes = Buffer.byteLength(this.path);
    if (bytes > LONGEST_PATH_BYTES) {
      const reason = `it has ${bytes} bytes, and the path of a socket at most ${LONGEST_PATH_BYTES}`;
      throw cannotListen(this.path, reason);
    }
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', (cause) => reject(cannotListen(this.path, cause.message, cause)));
      this.#server.listen(this.path, resolve);
    });
    await chmod(this.path, 0o600);
  }

  expect(hear: (sign: Sign) => void): ExpectedBeats {
    const token = randomBytes(16).toString('hex');
    const run = new Run(hear);
    this.#runs.set(token, run);
    return {
      variables: { TCPALIVE_GUARD_SOCKET: this.path, TCPALIVE_GUARD_TOKEN: token },
      close: () => {
        this.#runs.delete(token);
        run.close();
      },
    };
  }

  async close(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const stranger of this.#strangers) stranger.connection.reset();
    for (const run of this.#runs.values()) run.close();
    this.#runs.clear();
    await closed;
  }

  /** Undefined: refused. */
  admit(visitor: Visitor, greeting: Greeting | undefined): Run | undefined {
    this.#strangers.delete(visitor);
    const run = greeting && this.#runs.get(greeting.token);
    if (greeting === undefined) this.refuse('words');
    else if (run === undefined) this.refuse('token');
    else if (run.isFull) this.refuse('connections');
    else {
      run.enter(visitor, greeting.timeoutMs);
      return run;
    }
    return undefined;
  }

  refuse(cause: BeatsRefusal): void {
    this.refused[cause]++;
    this.#onRefused(cause);
  }

  /** Without a greeting. Who only connected and went is no concern of anybody. */
  strangerEnded(visitor: Visitor, { by }: Ending): void {
    if (!this.#strangers.delete(visitor)) return;
    if (by === 'violation') this.refuse('words');
    else if (by === 'first-frame-timeout') this.refuse('token');
  }

  #take(socket: Socket): void {
    if (this.#strangers.size < MOST_STRANGERS) {
      this.#strangers.add(new Visitor(this, socket));
      return;
    }
    socket.on('error', () => undefined); // it is gone either way
    socket.destroy();
    this.refuse('connections');
  }
}

/** All connections of one run of a service. */
class Run {
  readonly #hear: (sign: Sign) => void;
  readonly #visitors = new Set<Visitor>();
  readonly #beating = new Set<Visitor>();
  #isClosed = false;

  constructor(hear: (sign: Sign) => void) {
    this.#hear = hear;
  }

  get isFull(): boolean {
    return this.#visitors.size >= MOST_CONNECTIONS;
  }

  enter(visitor: Visitor, timeoutMs: number): void {
    this.#visitors.add(visitor);
    this.#hear({ kind: 'registered', by: 'beats', timeoutMs });
  }

  said(visitor: Visitor, word: BeatWord): void {
    if (word === 'stopping') {
      if (this.#beating.delete(visitor) && this.#beating.size === 0) {
        this.#hear({ kind: 'stopping', by: 'beats' });
      }
      return;
    }
    if (!this.#beating.has(visitor)) {
      this.#beating.add(visitor);
      this.#hear({ kind: 'ready', by: 'beats' });
    }
    this.#hear({ kind: 'alive', by: 'beats' });
  }

  left(visitor: Visitor, ending: Ending): void {
    this.#visitors.delete(visitor);
    const wasLast = this.#beating.delete(visitor) && this.#beating.size === 0;
    if (!wasLast || this.#isClosed) return;
    this.#hear({ kind: 'failed', by: 'beats', reason: reasonOf(ending) });
  }

  close(): void {
    this.#isClosed = true;
    for (const { connection } of this.#visitors) connection.reset();
  }
}

/** One connection: a stranger until its first frame. */
class Visitor implements ConnectionHandlers {
  readonly connection: Connection;
  readonly #listener: Listener;
  #run: Run | undefined;

  constructor(listener: Listener, socket: Socket) {
    this.#listener = listener;
    this.connection = new Connection(socket, {
      codec: codec('length16', LONGEST_WORDS_BYTES),
      detector: (now) =>
        detectorFor({}, 'answers', now, undefined, { firstFrameMs: FRAME_MS, frameMs: FRAME_MS }),
      handlers: this,
    });
  }

  onFrames(frames: Frames): void {
    for (const payload of frames.payloads()) {
      if (this.connection.ending !== undefined) return; // by a frame before it
      if (this.#hears(payload)) this.#echo(payload);
      else this.connection.reset('local', 'it said something else than beats');
    }
  }

  onEnd(ending: Ending): void {
    if (this.#run === undefined) this.#listener.strangerEnded(this, ending);
    else this.#run.left(this, ending);
  }

  #hears(payload: Uint8Array): boolean {
    if (this.#run === undefined) {
      this.#run = this.#listener.admit(this, parseGreeting(payload));
      return this.#run !== undefined;
    }
    const word = parseBeatWord(payload);
    if (word === undefined) this.#listener.refuse('words');
    else this.#run.said(this, word);
    return word !== undefined;
  }

  /** Whoever does not read what is echoed is heard all the same. */
  #echo(payload: Uint8Array): void {
    if (this.connection.unsentBytes < MOST_UNREAD_BYTES) this.connection.send(payload);
  }
}

function reasonOf({ by, detail }: Ending): string {
  if (by === 'frame-timeout') return 'it began a beat and did not end it';
  return detail ?? `its connection ended (${by})`;
}

function refuseFolder(folder: string, cause: unknown): never {
  throw cannotListen(folder, (cause as Error).message, cause);
}

function cannotListen(path: string, reason: string, cause?: unknown): TcpaliveError {
  return new TcpaliveError('CANNOT_LISTEN', `cannot listen for beats in ${path}: ${reason}`, {
    hint: 'it takes a folder of your own with a short path, such as XDG_RUNTIME_DIR or TMPDIR name',
    cause,
  });
}
