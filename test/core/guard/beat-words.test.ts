import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  formatGreeting,
  LONGEST_SILENCE_MS,
  LONGEST_WORDS_BYTES,
  parseBeatWord,
  parseGreeting,
  SHORTEST_SILENCE_MS,
  STOPPING,
} from '../../../src/core/guard/beat-words.js';

const TOKEN = '0123456789abcdef0123456789abcdef';
const bytes = (text: string) => new TextEncoder().encode(text);

describe('a greeting', () => {
  it('is a token and a time', () => {
    expect(formatGreeting({ token: TOKEN, timeoutMs: 3000 })).toEqual(bytes(`${TOKEN} 3000`));
  });

  it('is read back, and is never too long', () => {
    const tokens = fc.stringMatching(/^[0-9a-f]{32}$/);
    const times = fc.integer({ min: SHORTEST_SILENCE_MS, max: LONGEST_SILENCE_MS });
    fc.assert(
      fc.property(tokens, times, (token, timeoutMs) => {
        const said = formatGreeting({ token, timeoutMs });
        expect(said.length).toBeLessThanOrEqual(LONGEST_WORDS_BYTES);
        expect(parseGreeting(said)).toEqual({ token, timeoutMs });
      }),
    );
  });

  it.each([
    '',
    TOKEN,
    `${TOKEN} `,
    `${TOKEN} 99`,
    `${TOKEN} 604800001`,
    `${TOKEN} 3s`,
    `${TOKEN} 3e3`,
    `${TOKEN} -3000`,
    `${TOKEN} 3000\n`,
    `${TOKEN}  3000`,
    `${TOKEN.slice(1)} 3000`,
    `${TOKEN.toUpperCase()} 3000`,
    'stopping',
  ])("is not '%s'", (text) => {
    expect(parseGreeting(bytes(text))).toBeUndefined();
  });
});

describe('what follows it', () => {
  it('is a beat or a goodbye', () => {
    expect(parseBeatWord(new Uint8Array(0))).toBe('beat');
    expect(parseBeatWord(STOPPING)).toBe('stopping');
    expect(parseBeatWord(bytes('stopping '))).toBeUndefined();
  });

  it('is nothing else, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: LONGEST_WORDS_BYTES }), (payload) => {
        const isGoodbye = Buffer.compare(payload, STOPPING) === 0;
        expect(parseBeatWord(payload)).toBe(isGoodbye ? 'stopping' : undefined);
      }),
    );
  });
});
