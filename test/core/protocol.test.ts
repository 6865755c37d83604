import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { protocolPresets } from '../../src/core/protocol-presets.js';
import { parseProtocol } from '../../src/core/protocol.js';
import { TcpaliveError } from '../../src/errors.js';

const FOLDER = 'fixtures/protocols';

const rest = 'source: a page\nversion: one\nunits: line\n';
const beat = "beat: { send: PING, expect: ['/^PONG/'] }\n";

/** The one line with which a protocol is refused. */
function refusal(text: string): string {
  try {
    parseProtocol(text, 'a.yaml');
  } catch (error) {
    if (error instanceof TcpaliveError && error.code === 'BAD_PROTOCOL') return error.message;
    throw error;
  }
  throw new Error(`was accepted: ${text}`);
}

describe('the presets', () => {
  const files = readdirSync(FOLDER);

  it('are the files, with the ports that they name', () => {
    const read = files.map((file) =>
      parseProtocol(readFileSync(`${FOLDER}/${file}`, 'utf8'), file),
    );
    expect(Object.fromEntries(read.map(({ name, ports }) => [name, ports]))).toEqual(
      protocolPresets,
    );
    expect(read.map(({ name }) => `${name}.yaml`)).toEqual(files);
  });

  it('no port belongs to two', () => {
    const ports = Object.values(protocolPresets).flat();
    expect(new Set(ports).size).toBe(ports.length);
  });
});

describe('a file', () => {
  it('has what it needs and nothing else', () => {
    expect(refusal(`name: a\n${rest}${beat}speed: 3\n`)).toMatchInlineSnapshot(
      `"a.yaml:6:1: 'speed' is not a key of a protocol; accepted: name, source, version, ports, units, each, opening, beat, ignore, answers"`,
    );
    expect(refusal(`name: a\n${rest}`)).toMatchInlineSnapshot(
      `"a.yaml:1:1: a protocol without 'beat'; accepted: name, source, version, ports, units, each, opening, beat, ignore, answers"`,
    );
    expect(refusal(`name: A\n${rest}${beat}`)).toMatchInlineSnapshot(
      `"a.yaml:1:7: 'A' is not the name of a protocol; text such as redis, at most 32 small letters, digits and dashes"`,
    );
    expect(refusal(`name: a\n${rest.replace('line', 'words')}${beat}`)).toMatchInlineSnapshot(
      `"a.yaml:4:8: 'words' is not a kind of units; one of line, reply, http-head, websocket, mqtt, amqp, postgres, length16, bytes"`,
    );
    expect(refusal('- a')).toMatchInlineSnapshot(
      `"a.yaml:1:1: a list is not a protocol; a mapping with name, source, version, ports, units, each, opening, beat, ignore, answers"`,
    );
    expect(refusal('name: [')).toMatchInlineSnapshot(
      `"a.yaml:1:8: not YAML: Flow sequence in block collection must be sufficiently indented and end with a ]; write plain YAML: mappings, lists, texts and numbers"`,
    );
  });

  it('sends text, or parts', () => {
    const sending = (send: string) =>
      refusal(`name: a\n${rest}beat: { send: ${send}, expect: [x] }`);
    expect(sending('{ hex: 0010 }')).toMatchInlineSnapshot(
      `"a.yaml:5:22: 10 is not hex; two digits a byte, in quotes, such as '00 10'"`,
    );
    expect(sending('{ octets: 00 }')).toMatchInlineSnapshot(
      `"a.yaml:5:15: a mapping is not to be sent; text, or a mapping with hex, random, base64, json, length, frame"`,
    );
    expect(sending('[]')).toMatchInlineSnapshot(
      `"a.yaml:5:15: an empty list; a list of parts to send, at least one"`,
    );
    expect(sending('{ length: u64, of: x }')).toMatchInlineSnapshot(
      `"a.yaml:5:25: 'u64' is not a length; one of u16, varint, bulk"`,
    );
    expect(sending('{ random: 65 }')).toMatchInlineSnapshot(
      `"a.yaml:5:25: random cannot be 65; a whole number, 1 to 64"`,
    );
    expect(sending('[x, { frame: websocket-ping, with: x }]')).toMatchInlineSnapshot(
      `"a.yaml:5:44: 'with' is not a key of a frame; accepted: frame, of"`,
    );
  });

  it('expects what can be matched quickly', () => {
    const expecting = (reply: string) =>
      refusal(`name: a\n${rest}beat: { send: x, expect: ['${reply}'] }`);
    expect(expecting('/(a+)+b/')).toMatchInlineSnapshot(
      `"a.yaml:5:27: '/(a+)+b/' repeats a group, which can take for ever: simplify it"`,
    );
    expect(expecting('/a.*b.*c.*/')).toMatchInlineSnapshot(
      `"a.yaml:5:27: '/a.*b.*c.*/' repeats so much that it can take too long, less so where it begins with ^: simplify it"`,
    );
    expect(expecting('/(/')).toMatchInlineSnapshot(
      `"a.yaml:5:27: '/(/' is not a regular expression"`,
    );
    expect(expecting('hex:0')).toMatchInlineSnapshot(
      `"a.yaml:5:27: '0' is not hex: two digits a byte, such as 0d 0a"`,
    );
    expect(expecting('')).toMatchInlineSnapshot(
      `"a.yaml:5:27: an empty reply is none: write text, hex:2b or /^[+]/"`,
    );
  });

  it('has no other variable of the environment than ours', () => {
    const sending = (send: string) =>
      refusal(`name: a\n${rest}beat: { send: '${send}', expect: [x] }`);
    expect(sending('${HOME}')).toMatchInlineSnapshot(
      `"a.yaml:5:15: \${HOME} stands for nothing here; HOST, or a variable of the environment that begins with TCPALIVE_"`,
    );
    expect(sending('${1}')).toMatchInlineSnapshot(
      `"a.yaml:5:15: \${1} stands for nothing here; HOST, or a variable of the environment that begins with TCPALIVE_"`,
    );
    expect(sending('${}')).toMatchInlineSnapshot(
      `"a.yaml:5:15: \${} stands for nothing here; HOST, or a variable of the environment that begins with TCPALIVE_"`,
    );
    expect(
      refusal(`name: a\n${rest}${beat}opening:\n  - { when: [HOME], expect: [x] }\n`),
    ).toMatchInlineSnapshot(
      `"a.yaml:7:14: 'HOME' is not the name of a secret; a variable of the environment that begins with TCPALIVE_"`,
    );
    expect(
      refusal(`name: a\n${rest}${beat}answers:\n  - { to: x, send: '\${PATH}' }\n`),
    ).toMatchInlineSnapshot(
      `"a.yaml:7:20: \${PATH} stands for nothing here; HOST, or a variable of the environment that begins with TCPALIVE_"`,
    );
  });

  it('is refused or read, whatever it holds, and in one line', () => {
    const value = fc.letrec<{ value: unknown }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 3 },
        fc.constantFrom(null, true, 0, 'x', 'line', '/^x/', 'hex:00', '${HOST}', 'u16'),
        fc.array(tie('value'), { maxLength: 3 }),
        fc.dictionary(
          fc.constantFrom('send', 'expect', 'hex', 'length', 'of', 'frame', 'when', 'to', 'units'),
          tie('value'),
          { maxKeys: 3, noNullPrototype: true },
        ),
      ),
    })).value;
    const keys = ['opening', 'beat', 'ignore', 'answers', 'each', 'ports', 'units', 'other'];
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom(...keys), value, { noNullPrototype: true }),
        (part) => {
          const file = { name: 'a', source: 'b', version: 'c', units: 'line', ...part };
          try {
            expect(parseProtocol(JSON.stringify(file), 'a.yaml').name).toBe('a');
          } catch (error) {
            if (!(error instanceof TcpaliveError)) throw error;
            expect(error.code).toBe('BAD_PROTOCOL');
            expect(error.message).toMatch(/^a\.yaml:\d+:\d+: [^\n]+$/);
          }
        },
      ),
    );
  });
});
