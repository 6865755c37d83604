import { readFileSync } from 'node:fs';
import { parseProtocol } from '../../src/core/protocol.js';
import { speechOf, type Speech } from '../../src/core/speech.js';

const utf8 = (text: string) => new TextEncoder().encode(text);

/** A preset as it is spoken to server.test; its random bytes are 1, 2, 3… */
export function preset(name: string, secrets: Readonly<Record<string, string>> = {}): Speech {
  const file = `fixtures/protocols/${name}.yaml`;
  return speechTo(readFileSync(file, 'utf8'), secrets);
}

export function speechTo(text: string, secrets: Readonly<Record<string, string>> = {}): Speech {
  const named = Object.entries({ HOST: 'server.test:1', ...secrets });
  return speechOf(parseProtocol(text, 'a.yaml'), {
    named: new Map(named.map(([key, value]) => [key, utf8(value)])),
    random: (count) => Uint8Array.from({ length: count }, (_, at) => at + 1),
  });
}
