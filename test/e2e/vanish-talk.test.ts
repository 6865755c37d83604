/** Servers that talk, and those that never notice: told apart from keepalive, and from each other. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { VanishResult } from '../../src/core/vanish-result.js';
import { ADDRESS, lacksNetwork, listening, ownNetwork, type Network } from './network.js';
import { install, run, start, type Run } from './program.js';
import {
  lacksPrograms,
  mosquitto,
  nodeServer,
  redis,
  setSysctls,
  temporaryFolder,
} from './real-servers.js';

const TALKER = fileURLToPath(new URL('talker.mjs', import.meta.url));
const WEBSOCKET = fileURLToPath(new URL('websocket-server.mjs', import.meta.url));

/** MQTT 3.1.1 section 3.1.2.10: a client that promises a word every 2 s is closed after one and a half times that. */
const PROMISING = `
name: promising
source: https://docs.oasis-open.org/mqtt/mqtt/v3.1.1/os/mqtt-v3.1.1-os.html
version: mosquitto 2.0.11
units: mqtt
opening:
  - send: { hex: '10 0c 00 04 4d 51 54 54 04 02 00 02 00 00' }
    expect: ['/^\\x20\\x02.\\x00/']
beat:
  send: { hex: 'c0 00' }
  expect: ['/^\\xd0\\x00/']
`;

describe.skipIf(lacksNetwork || lacksPrograms('redis-server', 'mosquitto'))(
  'probe --vanish (needs a network namespace, redis-server, mosquitto)',
  () => {
    it('tells a heartbeat, a promise, a retransmission and nothing at all apart', async () => {
      const network = await ownNetwork();
      // Three retransmissions, 6.8 s from the first on, instead of a quarter of an hour.
      setSysctls(network, { tcp_retries2: 3 });
      const port = { websocket: 9001, talker: 9002, mute: 9003 };
      await Promise.all([
        nodeServer(network, WEBSOCKET, [ADDRESS, `${port.websocket}`, '2000'], port.websocket),
        nodeServer(network, TALKER, [ADDRESS, `${port.talker}`, '1000'], port.talker),
        listening(network, port.mute),
        redis(network, { 'tcp-keepalive': 0 }),
        mosquitto(network),
      ]);
      const promising = join(temporaryFolder(), 'promising.yaml');
      writeFileSync(promising, PROMISING);
      const audit = auditsIn(network);
      const [heartbeat, promise, talk, reply, nothing] = await Promise.all([
        audit(port.websocket, '--protocol', 'websocket'),
        audit(1883, '--protocol', promising),
        audit(port.talker),
        audit(6379, '--load', 'write', '--expect', 'noticed<20s'),
        audit(port.mute, '--wait', '3s'),
      ]);

      expect(heartbeat).toMatchObject({ noticed: true, mechanism: 'heartbeat' });
      expect(heartbeat.protocol).toEqual({ name: 'websocket', guessed: false });

      expect(promise, promise.evidence).toMatchObject({ noticed: true, mechanism: 'idle-timeout' });
      // A last word that a busy loop saw late leaves less of it; the span holds the truth.
      expect(promise.inferred.idleMs?.max).toBeGreaterThanOrEqual(3000);

      expect(talk).toMatchObject({
        noticed: true,
        mechanism: 'retransmission',
        quiet: { kind: 'open' },
      });
      expect(talk.inferred.intervalMs?.ms).toBeGreaterThan(970);
      expect(talk.inferred.intervalMs?.ms).toBeLessThan(1030);

      expect(reply).toMatchObject({
        noticed: true,
        mechanism: 'retransmission',
        load: 'write',
        protocol: { name: 'redis', guessed: true },
        kept: { idle: { kind: 'unknown' }, write: { kind: 'measured' } },
      });
      // The first expiry three seconds after the first retransmission: 3.4 s, doubled.
      expect(reply.noticedAfterMs?.min).toBeLessThan(6500);
      expect(reply.noticedAfterMs?.max).toBeGreaterThan(6500);

      expect(nothing).toMatchObject({
        complete: true,
        noticed: false,
        mechanism: 'none-seen',
        proven: true,
        kept: { idle: { kind: 'longer' }, write: { kind: 'predicted' } },
      });
    });

    it('says what it cannot do, and what is not as expected', async () => {
      const network = await ownNetwork();
      await nodeServer(network, WEBSOCKET, [ADDRESS, '9001'], 9001);
      await listening(network, 9003);
      const there = (...args: readonly string[]) => run([], vanishing(network, args));
      await Promise.all([
        refused(there(`${ADDRESS}:1`), 3, /cannot connect .*: connection refused/),
        refused(there(`${ADDRESS}:9001`, '--protocol', 'mqtt'), 3, /like HTTP.*WRONG_PROTOCOL/),
        refused(there(`${ADDRESS}:9001`, '--tls'), 3, /TLS_FAILED/),
        refused(there(`${ADDRESS}:9999`, '--load', 'write'), 2, /port 9999 speaks is not known/),
        refused(
          there(`${ADDRESS}:9003`, '--load', 'write', '--send', 'x'),
          3,
          /did not answer .*NO_ANSWER/,
        ),
        disappointed(
          there(`${ADDRESS}:9003`, '--wait', '3s', '--expect', 'noticed<5m', '--expect', 'count<3'),
          /FAIL {2}noticed<5m {2}\(got not noticed\)\nFAIL {2}count<3 {2}\(got not seen\)\n/,
        ),
      ]);
    });

    it('interrupted, says what is known and leaves nothing at the server', async () => {
      const network = await ownNetwork();
      const server = await listening(network, 9003);
      const audit = start([], vanishing(network, [`${ADDRESS}:9003`, '--json']));
      await audit.sees(/has vanished/);
      audit.child.kill('SIGINT');
      const { code, stdout } = await audit.ended;
      expect(code).toBe(130);
      expect(JSON.parse(stdout)).toMatchObject({ complete: false, noticed: false });
      await server.sees(/closed, 0 held/);
    });
  },
);

function vanishing(network: Network, args: readonly string[], bin = install()) {
  return { command: network.command(process.execPath, bin, 'probe', '--vanish', ...args) };
}

function auditsIn(network: Network) {
  const bin = install();
  return async (port: number, ...args: readonly string[]): Promise<VanishResult> => {
    const options = ['--wait', '40s', '--json', `${ADDRESS}:${port}`, ...args];
    const { code, stdout, stderr } = await run([], vanishing(network, options, bin));
    expect(code, stderr).toBe(0);
    return JSON.parse(stdout) as VanishResult;
  };
}

async function disappointed(ended: Promise<Run>, words: RegExp): Promise<void> {
  const { code, stderr } = await ended;
  expect(code, stderr).toBe(1);
  expect(stderr).toMatch(words);
}

async function refused(ended: Promise<Run>, code: number, words: RegExp): Promise<void> {
  const { code: actual, stdout, stderr } = await ended;
  expect({ code: actual, stdout }, stderr).toEqual({ code, stdout: '' });
  expect(stderr).toMatch(words);
}
