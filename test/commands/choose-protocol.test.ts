import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { chooseProtocol } from '../../src/commands/choose-protocol.js';
import type { ProtocolFlags } from '../../src/commands/protocol-flags.js';
import { presetNames, protocolPresets } from '../../src/core/protocol-presets.js';
import { requestOf } from '../../src/core/speech.js';
import { refused } from '../net/refused.js';
import { fakeEnvironment } from './environment.js';

const PRESET_FOR_UNKNOWN_PORT = 9;

function choosing(
  flags: ProtocolFlags,
  port = PRESET_FOR_UNKNOWN_PORT,
  variables: Readonly<Record<string, string>> = {},
) {
  // The presets lie beside the program.
  const env = { ...fakeEnvironment({ variables }), bin: 'dist/cli.cjs' };
  return chooseProtocol(env, flags, { address: 'server.test', port });
}

/** Gone after the test. */
function fileWith(text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'tcpalive-secret-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'file.yaml');
  writeFileSync(file, text);
  chmodSync(file, 0o600);
  return file;
}

describe('a protocol', () => {
  it.each(presetNames)('%s is guessed from its ports, and taken by its name', async (name) => {
    for (const port of protocolPresets[name] ?? []) {
      expect(await choosing({}, port)).toMatchObject({
        guessed: true,
        speech: { protocol: { name } },
      });
    }
    expect(await choosing({ protocol: name })).toMatchObject({
      guessed: false,
      speech: { protocol: { name } },
    });
  });

  it('that was said is not guessed', async () => {
    expect(await choosing({ protocol: 'http' }, 6379)).toMatchObject({
      guessed: false,
      speech: { protocol: { name: 'http' } },
    });
  });

  it('of an unknown port is none', async () => {
    expect(await choosing({})).toBeUndefined();
  });

  it('is told whom it is spoken to', async () => {
    const chosen = await choosing({ protocol: 'http' }, 8080);
    expect(chosen && Buffer.from(requestOf(chosen.speech)).toString()).toContain(
      '\r\nHost: server.test:8080\r\n',
    );
  });

  it("may be a file's", async () => {
    const file = fileWith(
      "{ name: mine, source: a, version: b, units: line, beat: { send: x, expect: ['x'] } }",
    );
    expect(await choosing({ protocol: file })).toMatchObject({
      speech: { protocol: { name: 'mine', each: 'exchange' } },
    });
    const failure = await refused(choosing({ protocol: fileWith('name: mine\nspeed: 3\n') }));
    expect(failure).toMatchObject({ code: 'BAD_PROTOCOL', exitCode: 2 });
    expect(failure.message).toMatch(
      /file\.yaml:2:1: 'speed' is not a key of a protocol; accepted: /,
    );
  });
});

describe('secrets', () => {
  const password = { TCPALIVE_PASSWORD: 'hunter2' };

  it('open a conversation that was asked for, and none that was guessed', async () => {
    const asked = await choosing({ protocol: 'redis' }, 6379, password);
    expect(asked?.speech.opening).toHaveLength(1);
    const guess = await choosing({}, 6379, password);
    expect(guess?.speech.opening).toHaveLength(0);
    expect(guess?.speech.filling.named.has('TCPALIVE_PASSWORD')).toBe(false);
  });

  it('are ours alone', async () => {
    const chosen = await choosing({ protocol: 'redis' }, 6379, { PASSWORD: 'x', HOME: 'y' });
    expect([...(chosen?.speech.filling.named.keys() ?? [])]).toEqual(['HOST']);
  });

  it('from a file win, without its line end', async () => {
    const flags = { protocol: 'redis', secretFile: fileWith('from a file\r\n') };
    const chosen = await choosing(flags, 6379, password);
    const found = chosen?.speech.filling.named.get('TCPALIVE_PASSWORD') ?? new Uint8Array();
    expect(Buffer.from(found).toString()).toBe('from a file');
  });

  it.each(['', '\n', 'hunter2\nPING', 'hunter2\0', 'x'.repeat(5000)])(
    'that are more or less than a line are refused, and not repeated: %j',
    async (text) => {
      const secretFile = fileWith(text);
      const failure = await refused(choosing({ protocol: 'redis', secretFile }));
      expect(failure.code).toBe('BAD_USAGE');
      expect(failure.message).toMatch(/^--secret-file: .* does not hold one line of at most 4096/);
      expect(failure.message).not.toMatch(/hunter2|xxx/);
    },
  );

  it('with a line end from the environment are refused', async () => {
    const variables = { TCPALIVE_PASSWORD: 'hunter2\r\nFLUSHALL' };
    const failure = await refused(choosing({ protocol: 'redis' }, 6379, variables));
    expect(failure.message).toBe('TCPALIVE_PASSWORD holds a line end or a control character');
  });
});
