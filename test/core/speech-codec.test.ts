import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesOf, charactersOf } from '../../src/core/byte-text.js';
import { BEAT } from '../../src/core/frame.js';
import { presetNames } from '../../src/core/protocol-presets.js';
import { speechCodec } from '../../src/core/speech-codec.js';
import { requestOf, type Speech } from '../../src/core/speech.js';
import { refusalOf } from '../refusal.js';
import { preset, speechTo } from './preset.js';
import { unpacked } from './unpacked.js';

/** What each preset asks, and what a server answers. */
const exchanges: readonly (readonly [string, string, string])[] = [
  ['tcpalive', 'hex:0000', 'hex:0000'],
  ['redis', 'PING\r\n', '+PONG\r\n'],
  ['redis', 'PING\r\n', '-NOAUTH Authentication required.\r\n'],
  ['redis', 'PING\r\n', '-LOADING Redis is loading the dataset in memory\r\n'],
  [
    'http',
    'HEAD / HTTP/1.1\r\nHost: server.test:1\r\nUser-Agent: tcpalive\r\n\r\n',
    'HTTP/1.1 503 Down\r\nContent-Length: 9\r\n\r\n',
  ],
  ['websocket', 'hex:898001020304', 'hex:8a00'],
  ['mqtt', 'hex:c000', 'hex:d000'],
  ['postgres', 'hex:0000000804d2162f', 'N'],
  ['postgres', 'hex:0000000804d2162f', 'hex:45000000065300'],
  ['smtp', 'NOOP\r\n', '250 2.0.0 Ok\r\n'],
  ['imap', 'a1 NOOP\r\n', 'a1 OK done\r\n'],
  ['ftp', 'NOOP\r\n', '530 Please login with USER and PASS.\r\n'],
  ['memcached', 'version\r\n', 'VERSION 1.6.18\r\n'],
  ['nats', 'PING\r\n', 'PONG\r\n'],
  ['amqp', 'hex:414d515000000901', 'hex:01 0000 00000008 000a000a00090000 ce'],
];

/** Nothing of these says that a beat was answered. */
const pushes: readonly (readonly [string, string])[] = [
  ['tcpalive', 'hex:0003010203'],
  ['http', 'HTTP/1.1 103 Early Hints\r\n\r\n'],
  ['websocket', 'hex:810168'],
  ['websocket', 'hex:880203e8'],
  ['mqtt', 'hex:3005000161 6263'],
  ['smtp', '421 4.4.2 timeout\r\n'],
  ['imap', '* BYE idle\r\n'],
  ['nats', 'INFO {}\r\n'],
];

describe('a beat', () => {
  it('every preset has one', () => {
    expect([...new Set(exchanges.map(([name]) => name))].toSorted()).toEqual(presetNames);
  });

  it.each(exchanges)('%s: %s, answered by %s', (name, request, reply) => {
    const codec = speechCodec(preset(name));
    expect(charactersOf(codec.encode(BEAT))).toBe(charactersOf(bytesOf(request)));
    expect(unpacked(codec.decoder().push(bytesOf(reply)))).toEqual({
      frames: [BEAT],
      skippedBytes: 0,
      violation: undefined,
    });
  });

  it.each(exchanges)('%s: byte by byte', (name, _, reply) => {
    const decoder = speechCodec(preset(name)).decoder();
    const read = Array.from(bytesOf(reply), (byte) => decoder.push(Uint8Array.of(byte)));
    expect(read.flatMap(({ frames }) => frames.payloads())).toEqual([BEAT]);
    expect(read.filter(({ violation }) => violation !== undefined)).toEqual([]);
  });

  it.each(pushes)('%s: %s is no answer', (name, push) => {
    const decoder = speechCodec(preset(name)).decoder();
    expect(unpacked(decoder.push(bytesOf(push)))).toEqual({
      frames: [],
      skippedBytes: 0,
      violation: undefined,
    });
  });
});

describe('what a server asks', () => {
  it.each([
    ['nats', 'PING\r\n', 'PONG\r\n'],
    ['websocket', 'hex:8900', 'hex:8a8001020304'],
    // Masked: 61 ^ 01, 62 ^ 02, 0a ^ 03.
    ['websocket', 'hex:890361620a', 'hex:8a830102030460 60 09'],
  ])('%s: %s is answered with %s', (name, asked, answer) => {
    const codec = speechCodec(preset(name));
    const { frames } = codec.decoder().push(bytesOf(asked));
    expect(frames.payloads()).toEqual([bytesOf(answer)]);
    expect(frames.echo()).toEqual(bytesOf(answer));
  });
});

describe('another protocol is named', () => {
  it.each([
    ['redis', 'HTTP/1.1 400 Bad Request\r\n', 'HTTP'],
    ['redis', 'PING\r\n', 'a server that echoes what it gets'],
    ['redis', 'hex:15030300020246', 'TLS'],
    ['http', '+PONG\r\n', 'Redis'],
    ['http', 'SSH-2.0-OpenSSH_9.2\r\n', 'SSH'],
    ['tcpalive', 'HTTP/1.1 400', 'HTTP'],
    ['tcpalive', '220 (vsFTPd 3.0.3)\r\n', 'FTP'],
    ['postgres', 'SSH-2.0-OpenSSH_9.2\r\n', 'SSH'],
    ['postgres', 'HTTP/1.1 400', 'HTTP'],
    ['mqtt', 'HTTP/1.1 400', 'HTTP'],
    ['websocket', 'HTTP/1.1 400', 'HTTP'],
    ['amqp', 'HTTP/1.1 400', 'HTTP'],
    ['memcached', '-ERR unknown command\r\n', 'Redis'],
    ['smtp', '530 Please login with USER and PASS.\r\n', 'SMTP or FTP'],
    ['ftp', '250 2.0.0 Ok\r\n', 'SMTP or FTP'],
  ])('%s: %s', (name, said, looksLike) => {
    const codec = speechCodec(preset(name));
    codec.encode(BEAT);
    expect(unpacked(codec.decoder().push(bytesOf(said)))).toEqual({
      frames: [],
      skippedBytes: 0,
      violation: `answered in another protocol: looks like ${looksLike}`,
    });
  });

  it('or not known, and none of its bytes are repeated', () => {
    const decoder = speechCodec(preset('redis')).decoder();
    expect(decoder.push(bytesOf('hex:+'.replace('+', '1b5b324a0a'))).violation).toBe(
      'answered in another protocol',
    );
  });

  it('after the beats that were answered before it', () => {
    const decoder = speechCodec(preset('redis')).decoder();
    expect(unpacked(decoder.push(bytesOf('+PONG\r\n+PONG\r\nRFB 003.008\n')))).toEqual({
      frames: [BEAT, BEAT],
      skippedBytes: 0,
      violation: 'answered in another protocol: looks like VNC',
    });
  });
});

describe('without units', () => {
  const speech = (expected: string) =>
    speechTo(
      `{ name: a, source: b, version: c, units: bytes, beat: { send: ask, expect: ['${expected}'] } }`,
    );

  it('a reply is where it is found, and as often', () => {
    const codec = speechCodec(speech('ok'));
    codec.encode(BEAT);
    const decoder = codec.decoder();
    expect(decoder.push(bytesOf('one o')).frames.payloads()).toEqual([]);
    expect(decoder.push(bytesOf('k, two ok, three')).frames.payloads()).toEqual([BEAT, BEAT]);
  });

  it('what is none by the next beat is another protocol, with what comes after that', () => {
    const codec = speechCodec(speech('/^ok$/'));
    codec.encode(BEAT);
    const decoder = codec.decoder();
    expect(decoder.push(bytesOf('SSH-2.0-x\r\n')).violation).toBeUndefined();
    codec.encode(BEAT);
    expect(decoder.push(bytesOf('more')).violation).toBe(
      'answered in another protocol: looks like SSH',
    );
  });

  it('what is left over of an answer is not held against the next', () => {
    const codec = speechCodec(speech('/^ok/'));
    const decoder = codec.decoder();
    for (let beat = 0; beat < 3; beat++) {
      codec.encode(BEAT);
      expect(unpacked(decoder.push(bytesOf('o')))).toEqual({
        frames: [],
        skippedBytes: 0,
        violation: undefined,
      });
      expect(unpacked(decoder.push(bytesOf('k\r')))).toEqual({
        frames: [BEAT],
        skippedBytes: 0,
        violation: undefined,
      });
      expect(unpacked(decoder.push(bytesOf('\n')))).toEqual({
        frames: [],
        skippedBytes: 0,
        violation: undefined,
      });
    }
  });

  it('a kilobyte that is no answer is none', () => {
    const codec = speechCodec(speech('ok'));
    codec.encode(BEAT);
    const decoder = codec.decoder();
    expect(decoder.push(new Uint8Array(1023)).violation).toBeUndefined();
    expect(decoder.push(new Uint8Array(1)).violation).toBe('answered in another protocol');
  });
});

it('takes whatever a stranger says, in any pieces, without throwing', () => {
  const said = fc.oneof(
    fc.uint8Array({ maxLength: 60 }),
    fc.constantFrom(...exchanges.map(([, , reply]) => bytesOf(reply))),
  );
  fc.assert(
    fc.property(
      fc.constantFrom(...presetNames),
      fc.array(said, { maxLength: 10 }),
      (name, chunks) => {
        const decoder = speechCodec(speeches.get(name) ?? preset(name)).decoder();
        for (const chunk of chunks) {
          const { violation } = decoder.push(chunk);
          if (violation === undefined) continue;
          expect(violation).toMatch(/^answered in another protocol(: looks like [\w ,]+)?$/);
          return;
        }
      },
    ),
  );
});

const speeches: ReadonlyMap<string, Speech> = new Map(
  presetNames.map((name) => [name, preset(name)]),
);

describe('secrets', () => {
  const sent = ({ opening, filling, protocol }: Speech) =>
    opening.map(({ send }) =>
      charactersOf(
        requestOf({
          protocol: { ...protocol, beat: { send: send ?? [], expect: [] } },
          opening,
          filling,
        }),
      ),
    );
  const both = { TCPALIVE_USER: 'me', TCPALIVE_PASSWORD: 'a b' };

  it('choose the steps of an opening', () => {
    expect(sent(preset('redis'))).toEqual([]);
    expect(sent(preset('redis', { TCPALIVE_PASSWORD: 'a b' }))).toEqual([
      '*2\r\n$4\r\nAUTH\r\n$3\r\na b\r\n',
    ]);
    expect(sent(preset('redis', both))).toEqual(['*3\r\n$4\r\nAUTH\r\n$2\r\nme\r\n$3\r\na b\r\n']);
    expect(sent(preset('mqtt'))).toEqual(['\x10\x0c\0\x04MQTT\x04\x02\0\0\0\0']);
    expect(sent(preset('mqtt', both))).toEqual([
      '\x10\x15\0\x04MQTT\x04\xc2\0\0\0\0\0\x02me\0\x03a b',
    ]);
    expect(sent(preset('nats', both))[1]).toBe(
      'CONNECT {"verbose":true,"pedantic":false,"user":"me","pass":"a b"}\r\n',
    );
  });

  it('that are needed and not there are named', () => {
    const file =
      "{ name: a, source: b, version: c, units: line, beat: { send: '${TCPALIVE_TOKEN}', expect: [x] } }";
    expect(refusalOf(() => speechTo(file))).toMatchObject({
      code: 'BAD_PROTOCOL',
      message: 'the protocol a needs TCPALIVE_TOKEN in the environment',
    });
  });
});
