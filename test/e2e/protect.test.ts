/** `protect` as a user has it: on running programs, cut for real, without rights, with a third party's server. */
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Span } from '../../src/core/timer-wheel.js';
import type { ProtectResult } from '../../src/core/protection.js';
import { optionsOf, untouched } from '../host/held-options.js';
import { openClient, startProgram, type Client } from '../host/program.js';
import { engine, kernel, lacks, lacksEngine, SOON_MS } from '../real-kernel.js';
import { until } from '../until.js';
import { freePort } from '../free-port.js';
import { run, start } from './program.js';

const KEEPALIVE = ['--keepalive', '1s:1s:2'];
const SET = { keepalive: true, idleSeconds: 1, intervalSeconds: 1, count: 2 };

const NOBODY = 65_534;
const lacksRoot = process.getuid?.() !== 0;
const lacksReach = lacks('pidfd', 'sockDiag') || lacksEngine;

/** From the kernel's timer to our look at it, on a busy machine. */
const LOOKING_MS = 500;

describe.skipIf(lacksReach)('a protected program (needs pidfd, sockDiag, a drop engine)', () => {
  it('loses a client that vanished when it was announced; an identical one keeps it', async () => {
    const [mended, other] = [await startProgram(), await startProgram()];
    const [client, twin] = [await openClient(mended.port), await openClient(other.port)];
    const state = folder();
    const { idle } = await announced(mended.pid);
    const done = await run(['protect', `${mended.pid}`, ...KEEPALIVE, '--yes'], state);
    expect(done).toMatchObject({ code: 0 });
    expect(done.stdout).toMatch(/^Set on 2 of 2 sockets\.$/m);
    const later = await openClient(mended.port);

    const gone = await Promise.all([cutAndWait(client), cutAndWait(later)]);
    for (const elapsedMs of gone) expectWithin(elapsedMs, idle);
    kernel.cut(twin.fd, engine);
    // Longer than the other one lived.
    await new Promise((resolve) => setTimeout(resolve, idle.max + LOOKING_MS));
    expect(kernel.socketDiag(twin.local, twin.peer)).toMatchObject({
      state: 'ESTABLISHED',
      timer: { kind: 'none' },
    });
  });

  it('is followed: what overrides the setting is covered too, until Ctrl-C', async () => {
    const { pid, port } = await startProgram({ onAccept: 'keepalive' });
    const following = start(['protect', `${pid}`, ...KEEPALIVE, '--yes', '--follow'], folder());
    await following.sees(/^following: /m);
    const client = await openClient(port);
    await following.sees(/^the program sets keepalive=30s:1s:10 on what it accepts on port \d+/m);
    await following.sees(/^covered 1 new socket$/m);
    await until(() => optionsOf(pid, port, client.peer)?.idleSeconds === 1, SOON_MS);
    following.child.kill('SIGINT');
    const { code, stdout } = await following.ended;
    expect(code).toBe(130);
    expect(stdout).toMatch(/^Set on 1 of 1 socket; 1 more while following, 1 of them set/m);
  });
});

describe.skipIf(lacksReach || lacksRoot)('without rights (needs root to give them up)', () => {
  it("another user's program is refused with the way out, and untouched", async () => {
    const { pid, port } = await startProgram();
    for (const target of [[`${pid}`], ['--port', `${port}`]]) {
      const { code, stdout, stderr } = await run(['protect', ...target, ...KEEPALIVE, '--yes'], {
        as: 'nobody',
      });
      expect({ code, stdout }).toEqual({ code: 3, stdout: '' });
      expect(stderr).toMatch(/^error: .* may not .*look(ed)? into.* \(NO_CAPABILITY\)$/m);
      expect(stderr).toMatch(/^ {2}with sudo .*kernel\.yama\.ptrace_scope/m);
    }
    expect(optionsOf(pid, port)).toEqual(untouched());
  });

  it(
    "the user's own can be protected where yama allows it",
    { skip: isTraceRestricted() },
    async () => {
      const { pid, port } = await startProgram({ uid: NOBODY });
      const { code, stderr } = await run(['protect', `${pid}`, ...KEEPALIVE, '--yes'], {
        as: 'nobody',
        ...folder(),
      });
      expect([code, stderr]).toEqual([0, expect.stringMatching(/^old values: /)]);
      expect(optionsOf(pid, port)).toMatchObject(SET);
    },
  );
});

const lacksRedis =
  process.env['CI'] === undefined && spawnSync('redis-server', ['--version']).error !== undefined;

describe.skipIf(lacksReach || lacksRedis)('redis-server (needs it, and pidfd, sockDiag)', () => {
  it('with tcp-keepalive 0 is mended without a restart, and restored', async () => {
    const { pid, port } = await startRedis();
    const early = await openClient(port);
    await until(() => optionsOf(pid, port, early.peer), SOON_MS);
    expect(optionsOf(pid, port, early.peer)).toEqual(untouched());

    const { idle } = await announced(pid);
    const state = folder();
    const { code } = await run(['protect', '--port', `${port}`, ...KEEPALIVE, '--yes'], state);
    expect(code).toBe(0);
    const late = await openClient(port);
    expect(await until(() => optionsOf(pid, port, late.peer), SOON_MS)).toMatchObject(SET);
    const stays = await openClient(port);
    for (const elapsedMs of await Promise.all([cutAndWait(early), cutAndWait(late)])) {
      expectWithin(elapsedMs, idle);
    }
    expect(kernel.socketDiag(stays.local, stays.peer)?.state).toBe('ESTABLISHED');
    expect(await pong(port)).toBe('+PONG\r\n');

    const undoFile = join(state.variables.XDG_STATE_HOME, 'tcpalive', undoName(state));
    const restored = await run(['protect', '--restore', undoFile]);
    expect(restored).toMatchObject({ code: 0 });
    expect(restored.stdout).toMatch(
      /^\d sockets? restored, 0 had the old values, 1 gone, 0 refused$/m,
    );
    expect(optionsOf(pid, port)).toEqual(untouched());
    expect(readFileSync(undoFile, 'utf8')).toContain('tcpalive/undo/1');
  });
});

/** When a vanished peer would be noticed, as the dry run says. */
async function announced(pid: number): Promise<{ readonly idle: Span }> {
  const { stdout } = await run(['protect', `${pid}`, ...KEEPALIVE, '--json']);
  const { groups } = JSON.parse(stdout) as ProtectResult;
  const connections = groups.find(({ role }) => role === 'connection');
  expect(connections).toMatchObject({ now: { idle: { kind: 'never' } } });
  const idle = connections?.after.idle;
  if (idle?.kind !== 'within') throw new Error(`not announced: ${idle?.kind ?? ''}`);
  return { idle: idle.ms };
}

/** Nothing from the server reaches that client any more. @returns after how long the server let it go */
async function cutAndWait({ fd, local, peer }: Client): Promise<number> {
  const cutAt = performance.now();
  kernel.cut(fd, engine);
  await until(() => kernel.socketDiag(local, peer) === undefined, SOON_MS);
  return performance.now() - cutAt;
}

function expectWithin(elapsedMs: number, { min, max }: Span): void {
  expect(elapsedMs).toBeGreaterThanOrEqual(min);
  expect(elapsedMs).toBeLessThanOrEqual(max + LOOKING_MS);
}

/** A place for undo files that any user may write to. Gone after the test. */
function folder(): { readonly variables: { readonly XDG_STATE_HOME: string } } {
  const path = mkdtempSync(join(tmpdir(), 'tcpalive-state-'));
  onTestFinished(() => rmSync(path, { recursive: true }));
  chmodSync(path, 0o777);
  return { variables: { XDG_STATE_HOME: path } };
}

function undoName({ variables }: ReturnType<typeof folder>): string {
  return readdirSync(join(variables.XDG_STATE_HOME, 'tcpalive'))[0] ?? '';
}

/** Yama lets nobody but ancestors and root trace. */
function isTraceRestricted(): boolean {
  try {
    return readFileSync('/proc/sys/kernel/yama/ptrace_scope', 'latin1').trim() !== '0';
  } catch {
    return false; // a kernel without yama
  }
}

async function startRedis(): Promise<{ readonly pid: number; readonly port: number }> {
  const port = await freePort();
  const options = { port, bind: '127.0.0.1', 'tcp-keepalive': 0, save: '', dir: tmpdir() };
  const child = spawn(
    'redis-server',
    Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]),
  );
  onTestFinished(() => void child.kill('SIGKILL'));
  let printed = '';
  child.stdout.on('data', (text: Buffer) => (printed += text.toString()));
  await until(() => printed.includes('Ready to accept connections'), SOON_MS);
  return { pid: child.pid ?? 0, port };
}

function pong(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write('PING\r\n'));
    socket.once('error', reject).once('data', (data) => {
      socket.destroy();
      resolve(data.toString());
    });
  });
}
