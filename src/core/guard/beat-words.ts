/**
 * What a guarded service says to its guardian, in frames of `length16`:
 *
 *     TOKEN TIMEOUT_MS    first, once: who it is, and how long its silence may last
 *     (empty)             a beat; with the first one it is ready, and may not fall silent from then on
 *     stopping            it ends on purpose
 *
 * Every frame is echoed. Whoever says anything else is let go.
 */

/** Nothing that is said here is longer. */
export const LONGEST_WORDS_BYTES = 64;

/** In milliseconds: shorter than a busy machine's pauses it would only cause false alarms. */
export const SHORTEST_SILENCE_MS = 100;
/** A week, as every duration of ours. */
export const LONGEST_SILENCE_MS = 7 * 24 * 3_600_000;

export interface Greeting {
  readonly token: string;
  readonly timeoutMs: number;
}

export type BeatWord = 'beat' | 'stopping';

export function formatGreeting({ token, timeoutMs }: Greeting): Uint8Array {
  return new TextEncoder().encode(`${token} ${timeoutMs}`);
}

/** Undefined: it is none, or its time is out of range. */
export function parseGreeting(payload: Uint8Array): Greeting | undefined {
  const [, token, digits] = /^([0-9a-f]{32}) (\d{1,9})$/.exec(textOf(payload)) ?? [];
  const timeoutMs = Number(digits);
  const isInRange = timeoutMs >= SHORTEST_SILENCE_MS && timeoutMs <= LONGEST_SILENCE_MS;
  return token === undefined || !isInRange ? undefined : { token, timeoutMs };
}

export const STOPPING = new TextEncoder().encode('stopping');

/** Undefined: it is no word of ours. */
export function parseBeatWord(payload: Uint8Array): BeatWord | undefined {
  if (payload.length === 0) return 'beat';
  return textOf(payload) === 'stopping' ? 'stopping' : undefined;
}

function textOf(payload: Uint8Array): string {
  return new TextDecoder('latin1').decode(payload);
}
