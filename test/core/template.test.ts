import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fill, namesIn, parseText, type Filling, type Template } from '../../src/core/template.js';

const utf8 = (text: string) => new TextEncoder().encode(text);
const filling: Filling = {
  named: new Map([['NAME', utf8('ä"\\')]]),
  random: (count) => new Uint8Array(count).fill(0x5a),
};
const filled = (...template: Template) => Buffer.from(fill(template, filling));

describe('fill', () => {
  it('text with names, in UTF-8', () => {
    expect(filled(parseText('$1 $${NAME}${NAME} {NAME}')).toString()).toBe('$1 $ä"\\ä"\\ {NAME}');
    expect(namesIn([{ kind: 'base64', of: [parseText('${A} ${B} ${A}')] }])).toEqual(['A', 'B']);
    expect(() => filled(parseText('${OTHER}'))).toThrow(RangeError);
  });

  it('what is worked out of it', () => {
    const name = parseText('${NAME}');
    expect(filled({ kind: 'random', count: 2 }).toString('hex')).toBe('5a5a');
    expect(filled({ kind: 'base64', of: [name] }).toString()).toBe('w6QiXA==');
    expect(filled({ kind: 'json', of: [name] }).toString()).toBe('"ä\\"\\\\"');
    expect(filled({ kind: 'length', form: 'u16', of: [name] }).toString('hex')).toBe(
      '0004c3a4225c',
    );
    expect(filled({ kind: 'length', form: 'bulk', of: [name] }).toString()).toBe('$4\r\nä"\\\r\n');
    expect(
      filled({ kind: 'length', form: 'varint', of: [{ kind: 'random', count: 0 }] }).toString(
        'hex',
      ),
    ).toBe('00');
    const long: Template = [{ kind: 'bytes', bytes: new Uint8Array(321) }];
    expect(
      filled({ kind: 'length', form: 'varint', of: long }).subarray(0, 3).toString('hex'),
    ).toBe('c10200');
  });

  it('a masked frame that the other end reads back', () => {
    expect(filled({ kind: 'frame', form: 'websocket-ping', of: [] }).toString('hex')).toBe(
      '89805a5a5a5a',
    );
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 125 }),
        fc.uint8Array({ minLength: 4, maxLength: 4 }),
        (payload, mask) => {
          const frame = fill(
            [{ kind: 'frame', form: 'websocket-pong', of: [{ kind: 'bytes', bytes: payload }] }],
            { ...filling, random: () => mask },
          );
          expect([...frame.subarray(0, 2)]).toEqual([0x8a, 0x80 | payload.length]);
          const unmasked = frame.subarray(6).map((byte, at) => byte ^ (mask[at % 4] ?? 0));
          expect(unmasked).toEqual(payload);
        },
      ),
    );
  });
});
