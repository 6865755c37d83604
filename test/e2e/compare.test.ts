/** The main job, as the README promises it: each run is real and takes as long as it says. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { ComparisonResult, RowResult } from '../../src/core/result.js';
import { install, run, type StartOptions } from './program.js';

async function compare(
  args: readonly string[],
  options?: StartOptions,
): Promise<ComparisonResult & { readonly code: number | null; readonly stderr: string }> {
  const { code, stdout, stderr } = await run(['compare', '--json', ...args], options);
  return { ...(JSON.parse(stdout) as ComparisonResult), code, stderr };
}

function row(
  { rows }: ComparisonResult,
  mode: string,
  load: string,
  fault = 'blackhole',
): RowResult {
  const found = rows.find(
    (each) => each.mode === mode && each.load === load && each.fault === fault,
  );
  if (found === undefined) throw new Error(`no row ${mode} ${load} ${fault}`);
  return found;
}

describe('the default comparison', () => {
  it(
    'notices what can be noticed, when it was predicted, and proves every drop',
    { timeout: 90_000 },
    async () => {
      const result = await compare([]);
      const summary = result.rows.map(({ mode, load, measured, healthy, agrees }) =>
        [mode, load, measured.waited ? measured.noticed : '-', healthy.falseAlarms, agrees].join(
          ' ',
        ),
      );
      expect(summary).toEqual([
        'none idle 0 0 true',
        'none write 0 0 true',
        'keepalive=1s:1s:3 idle 20 0 true',
        'keepalive=1s:1s:3 write 0 0 true',
        'user-timeout=3s idle 0 0 true',
        'user-timeout=3s write 20 0 true',
        'keepalive=1s:1s:3+user-timeout=3s write 20 0 true',
        'heartbeat=1s:3s idle 20 0 true',
        'heartbeat=1s:3s write 20 0 true',
        'idle-timeout=3s idle 20 20 true',
        'keepalive=system idle - 0 ',
      ]);
      expect(result).toMatchObject({ code: 0, schema: 'tcpalive/compare/1', complete: true });
      for (const { measured, drop } of result.rows) {
        if (measured.waited) expect(drop).toMatchObject({ proven: true });
      }

      const beats = row(result, 'heartbeat=1s:3s', 'idle').measured.fromDropMs;
      expect(beats?.samples).toHaveLength(20);
      expect(beats?.min).toBeGreaterThan(2000 - 50);
      expect(beats?.max).toBeLessThan(3000 + 50);
      // Spread over the phases of the mode, not twenty times the same moment.
      expect((beats?.max ?? 0) - (beats?.min ?? 0)).toBeGreaterThan(700);

      const keepalive = row(result, 'keepalive=1s:1s:3', 'idle');
      expect(keepalive.measured.fromDropMs?.min).toBeGreaterThanOrEqual(3000);
      expect(keepalive.measured.fromDropMs?.max).toBeLessThanOrEqual(4128 + 60);
      expect(keepalive.by).toEqual({ ETIMEDOUT: 20 });

      const system = row(result, 'keepalive=system', 'idle');
      expect(system.lingering).toMatchObject([{ state: 'ESTABLISHED', timer: 'keepalive' }]);
      const held = row(result, 'keepalive=1s:1s:3', 'write');
      expect(held.lingering).toMatchObject([{ count: 20, timer: 'retransmit' }]);
      expect(held.predicted.rule).toMatch(/keepalive/);
    },
  );
});

const SHORT = ['--modes', 'none,heartbeat=200ms:600ms', '--loads', 'idle', '--limit', '2s'];

describe('without privilege', () => {
  it('measures the same in a private namespace, where user namespaces are allowed', async () => {
    const result = await compare(SHORT, { as: 'nobody' });
    expect(result.code).toBe(0);
    const noticed = result.rows.map(({ measured }) => measured.noticed);
    expect(noticed).toEqual([0, 20]);
    expect(result.rows.every(({ drop }) => drop?.proven)).toBe(true);
  });

  it("measures on the host's loopback with a minimum TTL where they are refused, and says so", async () => {
    const result = await compare(SHORT, { as: 'nobody', variables: refusingUnshare() });
    expect(result).toMatchObject({ code: 0, namespace: 'host' });
    expect(result.notes.join(' ')).toMatch(
      /no private network namespace here \(.*not permitted.*\)/,
    );
    expect(result.rows.map(({ measured }) => measured.noticed)).toEqual([0, 20]);
    expect(result.rows.map(({ drop }) => [drop?.engine, drop?.proven])).toEqual([
      ['min-ttl', true],
      ['min-ttl', true],
    ]);
  });

  it('says in one message what would help where nothing can drop a segment', async () => {
    const bin = install({ koffi: false });
    const { code, stdout, stderr } = await run(['compare'], { bin, variables: refusingUnshare() });
    expect({ code, stdout }).toEqual({ code: 3, stdout: '' });
    expect(stderr).toMatch(/^error: nothing here can drop a segment silently/m);
    expect(stderr).toMatch(/tcpalive doctor/);
    expect(stderr).not.toMatch(/at .*\.js/);
  });
});

describe('the other faults', () => {
  it('freeze: only what listens to the process notices', async () => {
    const modes = 'none,keepalive=1s:1s:2,user-timeout=1s,heartbeat=500ms:1.5s,idle-timeout=1.5s';
    const result = await compare([
      ...['--faults', 'freeze', '--loads', 'idle,write', '--modes', modes],
      ...['--limit', '5s', '--connections', '5'],
    ]);
    expect(result.code).toBe(0);
    const noticed = result.rows.filter(({ measured }) => measured.noticed === 5);
    const silent = result.rows.filter(({ measured }) => measured.noticed === 0);
    expect([...new Set(noticed.map(({ mode }) => mode))]).toEqual([
      'heartbeat=500ms:1.5s',
      'idle-timeout=1.5s',
    ]);
    expect([...new Set(silent.map(({ mode }) => mode))]).toEqual([
      'none',
      'keepalive=1s:1s:2',
      'user-timeout=1s',
    ]);
    expect(result.rows.map(({ drop }) => drop)).toEqual(result.rows.map(() => null));
  });

  it('close and reset are noticed at once, by every mode', async () => {
    const result = await compare([
      ...['--faults', 'close,reset', '--loads', 'idle', '--modes', 'none,keepalive=1s:1s:2'],
      ...['--limit', '2s', '--connections', '5'],
    ]);
    expect(result.code).toBe(0);
    expect(result.rows.map(({ fault, by }) => [fault, by])).toEqual([
      ['close', { FIN: 5 }],
      ['reset', { ECONNRESET: 5 }],
      ['close', { FIN: 5 }],
      ['reset', { ECONNRESET: 5 }],
    ]);
  });
});

describe('--expect', () => {
  const args = ['compare', '--modes', 'heartbeat=200ms:600ms', '--loads', 'idle', '--limit', '2s'];

  it('passes, with the value got', async () => {
    const { code, stderr } = await run([...args, '--expect', 'heartbeat worst<700ms']);
    expect({ code, line: /^(pass|FAIL).*$/m.exec(stderr)?.[0] }).toEqual({
      code: 0,
      line: expect.stringMatching(
        /^pass {2}heartbeat worst<700ms {2}\(got 0?\.?\d+.*\)$/,
      ) as string,
    });
  });

  it('fails the run, and says so', async () => {
    const { code, stderr } = await run([...args, '--expect', 'heartbeat worst<100ms']);
    expect({ code, stderr }).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^FAIL {2}heartbeat worst<100ms/m) as string,
    });
  });
});

/** A PATH whose `unshare` says what a kernel without user namespaces makes it say. */
function refusingUnshare(): Readonly<Record<string, string>> {
  const folder = mkdtempSync(join(tmpdir(), 'tcpalive-path-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const unshare = join(folder, 'unshare');
  const said = 'unshare: unshare failed: Operation not permitted';
  writeFileSync(unshare, `#!/bin/sh\necho '${said}' >&2\nexit 1\n`);
  chmodSync(unshare, 0o755);
  chmodSync(folder, 0o755);
  return { PATH: [folder, process.env['PATH']].join(delimiter) };
}
