/**
 * A protocol as a codec: the empty payload, our beat, is the protocol's own request, and a reply to it
 * an empty frame. A frame that is not empty is what the server wants to hear from us: send it. Any
 * other unit is a violation, which names what it looks like. For one connection.
 */
import { BEAT, type Codec, type Decoded, type Decoder } from './frame.js';
import { UnpackedFrames } from './framing/frames.js';
import { matchOf, MOST_MATCHED_BYTES, type Match } from './pattern.js';
import { recognise } from './recognise.js';
import { UnitReader } from './reply-units.js';
import { hear, requestOf, strangeWords, type Speech } from './speech.js';

export function speechCodec(speech: Speech): Codec {
  const decoder = new ReplyDecoder(speech);
  return {
    encode: (payload) => decoder.encode(payload),
    decoder: () => decoder,
  };
}

class ReplyDecoder implements Decoder {
  readonly #speech: Speech;
  readonly #reader = new UnitReader();
  #request: Uint8Array = new Uint8Array(0);
  /** Beats without an answer. */
  #unanswered = 0;
  /** A beat was sent while what came since the last one is no reply: what comes next must make it one. */
  #isOverdue = false;

  constructor(speech: Speech) {
    this.#speech = speech;
  }

  get isMidFrame(): boolean {
    return this.#reader.isMidUnit;
  }

  get heldBytes(): number {
    return this.#reader.held.length;
  }

  /** What is about to be sent. */
  encode(payload: Uint8Array): Uint8Array {
    if (payload.length > 0) return payload;
    this.#request = requestOf(this.#speech);
    this.#isOverdue = this.#reader.held.length > 0;
    this.#unanswered++;
    return this.#request;
  }

  push(chunk: Uint8Array): Decoded {
    this.#reader.push(chunk);
    return this.#speech.protocol.units === 'bytes' ? this.#search() : this.#read();
  }

  #read(): Decoded {
    const { protocol } = this.#speech;
    const frames: Uint8Array[] = [];
    for (;;) {
      const { held } = this.#reader;
      const unit = this.#reader.next(protocol.units);
      if (unit === undefined) break;
      if (unit === 'none') return this.#violation(frames, held);
      const heard = hear(this.#speech, unit, protocol.beat.expect);
      if (heard.kind === 'strange') return this.#violation(frames, unit);
      if (heard.kind === 'expected') frames.push(BEAT);
      else if (heard.kind === 'push' && heard.answer !== undefined) frames.push(heard.answer);
    }
    // Text announces thousands of bytes to whoever takes it for a length.
    const { held } = this.#reader;
    if (protocol.units === 'length16' && recognise(held) !== undefined && held.length > 3) {
      return this.#violation(frames, held);
    }
    return this.#decoded(frames);
  }

  /** Without units, a reply is where it is found, and what comes when nothing was asked belongs to none. */
  #search(): Decoded {
    const frames: Uint8Array[] = [];
    for (let end = this.#replyEnd(); end !== undefined; end = this.#replyEnd()) {
      this.#reader.take(end);
      this.#isOverdue = false;
      this.#unanswered--;
      frames.push(BEAT);
    }
    if (this.#unanswered <= 0) {
      this.#unanswered = 0;
      this.#reader.take(this.#reader.held.length);
    }
    const { held } = this.#reader;
    if (held.length >= MOST_MATCHED_BYTES || (this.#isOverdue && held.length > 0)) {
      return this.#violation(frames, held);
    }
    return this.#decoded(frames);
  }

  #replyEnd(): number | undefined {
    const { held } = this.#reader;
    const { expect } = this.#speech.protocol.beat;
    if (held.length === 0 || expect.length === 0)
      return held.length === 0 ? undefined : held.length;
    const matches = expect
      .map((pattern) => matchOf(pattern, held))
      .filter((match): match is Match => match !== undefined && match.end > 0);
    return matches.length === 0 ? undefined : Math.min(...matches.map(({ end }) => end));
  }

  #violation(frames: readonly Uint8Array[], said: Uint8Array): Decoded {
    return this.#decoded(frames, strangeWords(said, this.#request));
  }

  #decoded(payloads: readonly Uint8Array[], violation?: string): Decoded {
    const frames = new UnpackedFrames(payloads, this);
    return { frames, skippedBytes: 0, violation };
  }
}
