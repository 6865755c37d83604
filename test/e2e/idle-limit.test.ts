/** `probe --idle-limit` through routers that forget after 20 s, and through one that does not. */
import { describe, expect, it } from 'vitest';
import type { IdleLimitResult } from '../../src/core/idle-limit-result.js';
import { listening, type Network } from './network.js';
import { run, type Run } from './program.js';
import {
  lacksRoutedNetwork,
  routedNetwork,
  SERVER_ADDRESS,
  SERVER_ADDRESS6,
} from './routed-network.js';

const PORT = 7777;
const LIMIT_MS = 20_000;

/** It uses next to no time of a processor, and waits for three times the limit. */
const TEST_MS = 150_000;

describe.skipIf(lacksRoutedNetwork)('--idle-limit (needs namespaces)', () => {
  it(
    'finds what the path forgets, how, and what keeps it alive',
    { timeout: TEST_MS },
    async () => {
      const limitSeconds = LIMIT_MS / 1000;
      const silent = await routedNetwork({ nat: { limitSeconds, forgotten: 'drop' } });
      const loud = await routedNetwork({ nat: { limitSeconds, forgotten: 'reset' } });
      const lasting = await routedNetwork();
      for (const { server } of [silent, loud, lasting]) await listening(server, PORT);

      const [forgotten, reset, kept] = await Promise.all([
        idleLimit(silent.client, `${SERVER_ADDRESS}:${PORT}`, '--mode', 'keepalive=10s:5s:3'),
        idleLimit(loud.client, `[${SERVER_ADDRESS6}]:${PORT}`, '--mode', 'keepalive=30s:1s:3'),
        idleLimit(lasting.client, `${SERVER_ADDRESS}:${PORT}`, '--wait', '4s'),
      ]);

      expectLimit(resultOf(forgotten), 'silent');
      expect(resultOf(forgotten).keepalive).toMatchObject({
        kind: 'survived',
        settings: { idleSeconds: 10, intervalSeconds: 5, count: 3 },
      });
      expectLimit(resultOf(reset), 'reset');
      expect(resultOf(reset).keepalive).toMatchObject({ kind: 'lost', answeredProbes: 0 });
      expect(resultOf(kept)).toMatchObject({
        complete: true,
        verdict: { kind: 'none' },
        keepalive: { kind: 'not-tested' },
      });
    },
  );
});

/** The bracket holds it, or nearly: the router counts whole ticks, from what it saw last. */
function expectLimit({ verdict, safeKeepalive, durationMs }: IdleLimitResult, how: string): void {
  expect(verdict).toMatchObject({ kind: 'found', how });
  if (verdict.kind !== 'found') return;
  expect(Math.abs(verdict.livedMs - LIMIT_MS)).toBeLessThan(2000);
  expect(Math.abs(verdict.lostMs - LIMIT_MS)).toBeLessThan(2000);
  expect(verdict.livedMs).toBeLessThan(verdict.lostMs);
  expect(safeKeepalive).toMatchObject({ kind: 'settings' });
  if (safeKeepalive.kind === 'settings') expect(safeKeepalive.secondProbeMs).toBeLessThan(LIMIT_MS);
  expect(durationMs).toBeLessThan(90_000);
}

function idleLimit(client: Network, target: string, ...args: readonly string[]): Promise<Run> {
  const tcpalive = [process.execPath, 'dist/cli.cjs', 'probe', target, '--idle-limit', '--json'];
  return run([], { command: client.command(...tcpalive, ...args) });
}

function resultOf({ code, stdout, stderr }: Run): IdleLimitResult {
  expect({ code, stderr }).toMatchObject({ code: 0 });
  return JSON.parse(stdout) as IdleLimitResult;
}
