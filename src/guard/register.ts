/**
 * `tcpalive/guardian`: with it a service beats to its guardian (core/guard/beat-words.ts). Made for somebody
 * else's program: it throws nothing into it, never keeps it running, and does nothing where nobody guards it.
 *
 * It beats from the thread that registered: what blocks that thread's loop is a silence.
 */
import { connect, type Socket } from 'node:net';
import { BEAT_FRAME, length16Codec } from '../core/framing/length16.js';
import {
  formatGreeting,
  LONGEST_SILENCE_MS,
  LONGEST_WORDS_BYTES,
  SHORTEST_SILENCE_MS,
  STOPPING,
} from '../core/guard/beat-words.js';

export interface RegisterOptions {
  /** How long a silence may last, in milliseconds, 100 to 604800000; it beats three times as often. */
  readonly timeoutMs: number;
}

export interface Registration {
  /** False: this process was not started by a guardian, and the other two calls do nothing. */
  readonly isGuarded: boolean;
  /** The service is up: it beats from now on, and its silence is its death. Idempotent. */
  activate(): void;
  /** The service ends on purpose, or wants to be guarded by its beats no more. Idempotent. */
  dispose(): void;
}

/** Once a process, as early as one likes: it counts from `activate`. Throws nothing. */
export function register(options: RegisterOptions): Registration {
  const { TCPALIVE_GUARD_SOCKET: path = '', TCPALIVE_GUARD_TOKEN: token = '' } = process.env;
  if (path === '' || token === '') return UNGUARDED;
  const timeoutMs = acceptable((options as Partial<RegisterOptions> | undefined)?.timeoutMs);
  return new Beats(path, formatGreeting({ token, timeoutMs }), timeoutMs / BEATS_A_SILENCE);
}

const BEATS_A_SILENCE = 3;
const DEFAULT_SILENCE_MS = 10_000;

/** A guardian that is stopped reads nothing: what waits for it must not fill what keeps this process running. */
const MOST_UNANSWERED = 16;

const RETRY_MS = 100;
const LONGEST_RETRY_MS = 5000;

const UNGUARDED: Registration = {
  isGuarded: false,
  activate: () => undefined,
  dispose: () => undefined,
};

const framing = length16Codec(LONGEST_WORDS_BYTES);

class Beats implements Registration {
  readonly isGuarded = true;
  readonly #path: string;
  readonly #greeting: Uint8Array;
  readonly #intervalMs: number;
  #socket: Socket;
  #timer: NodeJS.Timeout | undefined;
  #retry: NodeJS.Timeout | undefined;
  #retryMs = RETRY_MS;
  #unanswered = 0;
  #isOver = false;

  constructor(path: string, greeting: Uint8Array, intervalMs: number) {
    this.#path = path;
    this.#greeting = greeting;
    this.#intervalMs = intervalMs;
    this.#socket = this.#connect();
  }

  activate(): void {
    if (this.#isOver || this.#timer !== undefined) return;
    this.#timer = setInterval(() => this.#beat(), this.#intervalMs).unref();
    this.#beat();
  }

  dispose(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearInterval(this.#timer);
    clearTimeout(this.#retry);
    if (this.#socket.writable) this.#socket.write(framing.encode(STOPPING));
    this.#socket.end();
  }

  #beat(): void {
    if (!this.#socket.writable || this.#unanswered >= MOST_UNANSWERED) return;
    this.#unanswered++;
    this.#socket.write(BEAT_FRAME);
  }

  #connect(): Socket {
    const echoes = framing.decoder();
    const socket = connect(this.#path).unref();
    this.#unanswered = 0;
    socket.write(framing.encode(this.#greeting));
    if (this.#timer !== undefined) socket.write(BEAT_FRAME);
    socket.on('data', (chunk) => {
      const { frames, violation } = echoes.push(chunk);
      if (frames.count > 0) {
        this.#unanswered = 0;
        this.#retryMs = RETRY_MS;
      }
      if (violation !== undefined) socket.destroy();
    });
    socket.on('error', () => undefined); // 'close' follows
    socket.on('close', () => this.#again());
    return socket;
  }

  #again(): void {
    if (this.#isOver) return;
    this.#retry = setTimeout(() => (this.#socket = this.#connect()), this.#retryMs).unref();
    this.#retryMs = Math.min(2 * this.#retryMs, LONGEST_RETRY_MS);
  }
}

/** What is not is told as a warning, and a silence of ten seconds taken instead. */
function acceptable(timeoutMs: unknown): number {
  const isGood =
    typeof timeoutMs === 'number' &&
    timeoutMs >= SHORTEST_SILENCE_MS &&
    timeoutMs <= LONGEST_SILENCE_MS;
  if (isGood) return Math.round(timeoutMs);
  process.emitWarning(
    `register: timeoutMs is ${String(timeoutMs)}, not ${SHORTEST_SILENCE_MS} to ${LONGEST_SILENCE_MS}; ` +
      `${DEFAULT_SILENCE_MS} is taken`,
    'TcpaliveWarning',
  );
  return DEFAULT_SILENCE_MS;
}
