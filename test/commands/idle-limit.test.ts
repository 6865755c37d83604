/** `probe --idle-limit` as a whole, in this process, against a server on loopback. */
import { describe, expect, it } from 'vitest';
import { buildProgram } from '../../src/commands/program.js';
import type { IdleLimitResult } from '../../src/core/idle-limit-result.js';
import { closedPort, rawServer } from '../net/raw-server.js';
import { refused } from '../net/refused.js';
import { lacks, TEST_MS } from '../real-kernel.js';
import { fakeEnvironment, type FakeEnvironment } from './environment.js';

interface Typed {
  readonly env: FakeEnvironment;
  readonly ended: Promise<unknown>;
}

function typed(port: number, ...args: readonly string[]): Typed {
  const env = fakeEnvironment();
  const line = ['probe', `127.0.0.1:${port}`, '--idle-limit', ...args];
  return { env, ended: buildProgram(env).parseAsync(line, { from: 'user' }) };
}

describe.skipIf(lacks('tcpInfo', 'keepaliveTuning'))(
  'probe --idle-limit (needs tcpInfo and keepaliveTuning)',
  { timeout: TEST_MS },
  () => {
    it('says first what it takes, then how far it is, then the verdict', async () => {
      const { port } = await rawServer((socket) => socket.resume());
      const { env, ended } = typed(port, '--wait', '1s');
      await ended;
      expect(env.exitCode).toBe(0);
      expect(env.stderr.text.replaceAll(/:\d{4,}|1\.\d\ds/g, '-')).toMatchInlineSnapshot(`
        "up to 16 connections to 127.0.0.1- at a time, all silent; takes two to four times the limit, at most 12s
        measured is the path to whoever terminates TCP at 127.0.0.1-
        round 1: 1 connection, silent for 1s
        silent for -: lived
        "
      `);
      expect(env.stdout.text).toMatch(/^--- .*, silences of up to 1s, 1 connection ---\nno idle /);
      expect(env.listeners.interrupt).toBe(0);
    });

    it('is one result as JSON, and quiet with --quiet', async () => {
      const { port } = await rawServer((socket) => socket.resume());
      const { env, ended } = typed(port, '--wait', '1s', '--json', '--quiet');
      await ended;
      const { schema, verdict } = JSON.parse(env.stdout.text) as IdleLimitResult;
      expect({ schema, verdict }).toMatchObject({
        schema: 'tcpalive/idle-limit/1',
        verdict: { kind: 'none' },
      });
      expect(env.stderr.text).toBe('');
    });

    it('is 130 at Ctrl-C, with what is known', async () => {
      const { port } = await rawServer((socket) => socket.resume());
      const { env, ended } = typed(port);
      await env.stderr.sees(/silent for 1\.\d\ds: lived/);
      env.interrupt();
      await ended;
      expect(env.exitCode).toBe(130);
      expect(env.stdout.text).toMatch(/interrupted ---\na silence of 1\.\d\ds lives, /);
    });

    it('is 3 where a server closes at once, and where nobody listens', async () => {
      const { port } = await rawServer((socket) => socket.end());
      const { env, ended } = typed(port, '--wait', '1s');
      const error = await refused(ended);
      expect(error).toMatchObject({ code: 'NO_ANSWER', exitCode: 3 });
      expect(error.message).toMatch(/: closed \(FIN\) after .*, before any silence was answered$/);
      expect(env.listeners.interrupt).toBe(0);
      const nobody = typed(await closedPort(), '--wait', '1s');
      expect(await refused(nobody.ended)).toMatchObject({ code: 'UNREACHABLE', exitCode: 3 });
    });
  },
);
