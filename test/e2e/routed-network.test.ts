/** The path that other tests measure on: it forwards, and translates when it is told to. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { connected, listening } from './network.js';
import {
  SERVER_ADDRESS,
  SERVER_ADDRESS6,
  lacksRoutedNetwork,
  routedNetwork,
} from './routed-network.js';

const PORT = 7777;

describe.skipIf(lacksRoutedNetwork)('a routed network (needs namespaces)', () => {
  it.each([
    // As /proc/net/tcp6 has 198.51.100.2 and, translated, the router's own 203.0.113.1.
    { nat: undefined, from: '026433C6' },
    { nat: { limitSeconds: 20, forgotten: 'drop' }, from: '017100CB' },
    { nat: { limitSeconds: 20, forgotten: 'reset' }, from: '017100CB' },
  ] as const)('forwards both families: $nat', async ({ nat, from }) => {
    const { client, server } = await routedNetwork({ nat });
    await listening(server, PORT);
    for (const [to, own] of [
      [SERVER_ADDRESS, '0.0.0.0'],
      [SERVER_ADDRESS6, '::'],
    ] as const) {
      await connected(client, PORT, 1, { to, from: own });
    }
    expect(readFileSync(`/proc/${server.pid}/net/tcp6`, 'utf8')).toContain(`${from}:`);
  });
});
