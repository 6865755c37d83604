/** `protect` as a whole, in this process, on a running program in another one. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { buildProgram } from '../../src/commands/program.js';
import type { ProtectResult } from '../../src/core/protection.js';
import { optionsOf, untouched } from '../host/held-options.js';
import { openClient, startProgram } from '../host/program.js';
import { refused } from '../net/refused.js';
import { kernel, lacks, SOON_MS, TEST_MS } from '../real-kernel.js';
import { until } from '../until.js';
import { fakeEnvironment, type FakeEnvironment } from './environment.js';

vi.setConfig({ testTimeout: TEST_MS });

const SETTING = ['--keepalive', '60s:10s:6', '--user-timeout', '2m'];
const AFTER = { keepalive: true, idleSeconds: 60, userTimeoutMs: 120_000 };

interface Protecting {
  readonly env: FakeEnvironment;
  readonly ended: Promise<unknown>;
  /** Where undo files are written to. */
  readonly folder: string;
}

function begin(...args: readonly string[]): Protecting {
  const state = mkdtempSync(join(tmpdir(), 'tcpalive-state-'));
  onTestFinished(() => rmSync(state, { recursive: true }));
  const env = fakeEnvironment({ variables: { XDG_STATE_HOME: state } });
  const ended = buildProgram(env).parseAsync(['protect', ...args], { from: 'user' });
  return { env, ended, folder: join(state, 'tcpalive') };
}

async function protect(...args: readonly string[]): Promise<FakeEnvironment> {
  const { env, ended } = begin(...args);
  await ended;
  return env;
}

/** What depends on the run and on this host's settings is left out. */
function withoutFigures(text: string, pid: number): string {
  return text
    .replaceAll(`${pid}`, 'PID')
    .replace(/^PID [\w-]+:/, 'PID NAME:')
    .replace(/ +\d[\dhm.]*s?-[\dhm.]+s?\b/g, '  SPAN')
    .replace(/(\S) {2,}/g, '$1  ');
}

describe.skipIf(lacks('pidfd', 'sockDiag'))('protect (needs pidfd, sockDiag)', () => {
  it('is a dry run that ends with the command that does it', async () => {
    const { pid, port } = await startProgram();
    const { env, ended, folder } = begin(`${pid}`, ...SETTING, '--spread', 'none', '--tree');
    await ended;
    expect(withoutFigures(env.stdout.text, pid)).toMatchInlineSnapshot(`
      "PID NAME: 1 listener, 0 connections

      SOCKETS  WHAT  SETTING  IDLE  BUSY
            1  listeners  now  none  never  SPAN
                          after  keepalive=60s:10s:6+user-timeout=2m  SPAN  SPAN
      Noticed that long after the peer vanished, at any phase: idle, and with something unanswered.
      What a listener has, the connections that it accepts from then on inherit.
      Note: a user timeout also ends a peer that is alive and takes nothing for so long
      Dry run: 1 listener would change, and nothing has. To do it:
        tcpalive protect PID --tree --keepalive 60s:10s:6 --user-timeout 2m --spread none --yes
      "
    `);
    expect([env.stderr.text, env.exitCode]).toEqual(['', undefined]);
    expect(() => readdirSync(folder)).toThrow('ENOENT');
    expect(optionsOf(pid, port)).toEqual(untouched());
  });

  it('sets a user timeout alone, and says what it does not notice', async () => {
    const { pid, port } = await startProgram();
    const { env, ended } = begin(`${pid}`, '--user-timeout', '2m');
    await ended;
    expect(withoutFigures(env.stdout.text, pid)).toMatchInlineSnapshot(`
      "PID NAME: 1 listener, 0 connections

      SOCKETS  WHAT  SETTING  IDLE  BUSY
            1  listeners  now  none  never  SPAN
                          after  user-timeout=2m  never  SPAN
      Noticed that long after the peer vanished, at any phase: idle, and with something unanswered.
      What a listener has, the connections that it accepts from then on inherit.
      Note: a user timeout also ends a peer that is alive and takes nothing for so long
      Note: a user timeout alone never notices a peer that vanished when idle: --keepalive does
      Dry run: 1 listener would change, and nothing has. To do it:
        tcpalive protect PID --user-timeout 2m --yes
      "
    `);
    await protect(`${pid}`, '--user-timeout', '2m', '--yes');
    expect(optionsOf(pid, port)).toEqual({ ...untouched(), userTimeoutMs: 120_000 });
  });

  it('does it with --yes, and --restore brings the old values back', async () => {
    const { pid, port } = await startProgram();
    const { peer } = await openClient(port);
    await until(() => optionsOf(pid, port, peer), SOON_MS);
    const { env, ended, folder } = begin('--port', `${port}`, ...SETTING, '--yes');
    await ended;
    expect(optionsOf(pid, port, peer)).toMatchObject(AFTER);
    expect(optionsOf(pid, port)).toMatchObject(AFTER);
    const [name = ''] = readdirSync(folder);
    const path = join(folder, name);
    expect(env.stderr.text).toBe(`old values: ${path}\n1 of 1 connection\n`);
    expect(env.stdout.text).toContain('\nSet on 2 of 2 sockets.\n');
    expect(env.stdout.text).toContain(`\n  tcpalive protect --restore ${path}\n`);

    const back = await protect('--restore', path);
    expect(back.stdout.text).toBe(
      '2 sockets restored, 0 had the old values, 0 gone, 0 refused\n' +
        'Note: connections that a listener accepted meanwhile keep what they inherited\n',
    );
    expect(optionsOf(pid, port, peer)).toEqual(untouched());
    const again = await protect('--restore', path, '--json');
    expect(JSON.parse(again.stdout.text)).toEqual({
      schema: 'tcpalive/restore/1',
      undoFile: path,
      restored: 0,
      unchanged: 2,
      gone: 0,
      refused: 0,
      notes: [],
    });
  });

  it('writes the old values where --undo says, and never over a file', async () => {
    const { pid, port } = await startProgram();
    const folder = mkdtempSync(join(tmpdir(), 'tcpalive-undo-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const path = join(folder, 'here.jsonl');
    writeFileSync(path, 'precious');
    const error = await refused(protect(`${pid}`, ...SETTING, '--yes', '--undo', path));
    expect(error).toMatchObject({ code: 'BAD_USAGE', exitCode: 2 });
    expect(optionsOf(pid, port)).toEqual(untouched());
    rmSync(path);
    await protect(`${pid}`, ...SETTING, '--yes', '--undo', path);
    expect(readFileSync(path, 'utf8')).toContain('"schema":"tcpalive/undo/1"');
    expect(optionsOf(pid, port)).toMatchObject(AFTER);
  });

  it('with --json prints one value, and progress elsewhere', async () => {
    const { pid } = await startProgram();
    const planned = JSON.parse(
      (await protect(`${pid}`, ...SETTING, '--json')).stdout.text,
    ) as ProtectResult;
    expect(planned).toMatchObject({
      schema: 'tcpalive/protect/1',
      complete: true,
      dryRun: true,
      wanted: {
        keepalive: { idleSeconds: 60, intervalSeconds: 10, count: 6 },
        userTimeoutMs: 120_000,
      },
      targets: [{ pid, name: kernel.processFacts(pid)?.name, listeners: 1, connections: 0 }],
      groups: [{ role: 'listener', sockets: 1, changes: true, now: { userTimeoutMs: 0 } }],
      changed: 0,
      skipped: [],
      followed: null,
      undoFile: null,
    });
    const env = await protect(`${pid}`, ...SETTING, '--json', '--yes');
    const done = JSON.parse(env.stdout.text) as ProtectResult;
    expect(done).toMatchObject({ dryRun: false, changed: 1 });
    expect(Object.keys(done)).toEqual(Object.keys(planned));
    expect(env.stderr.text).toBe(`old values: ${done.undoFile}\n`);
  });

  it('follows until Ctrl-C, and says what it did', async () => {
    const { pid } = await startProgram();
    const { env, ended } = begin(`${pid}`, ...SETTING, '--yes', '--follow');
    await env.stderr.sees(/^following: /m);
    env.interrupt();
    await ended;
    expect(env.stdout.text).toContain(
      '\nSet on 1 of 1 socket; 0 more while following, 0 of them set otherwise by the program.\n',
    );
    expect(env.exitCode).toBe(130);
  });

  it('stops at Ctrl-C in the middle, and says how far it got', async () => {
    const { pid, port } = await startProgram();
    const clients = await Promise.all([openClient(port), openClient(port), openClient(port)]);
    for (const { peer } of clients) await until(() => optionsOf(pid, port, peer), SOON_MS);
    const { env, ended } = begin(`${pid}`, ...SETTING, '--yes', '--spread', '1h');
    await env.stderr.sees(/^old values/m);
    env.interrupt();
    await ended;
    expect(env.stdout.text).toContain('\nInterrupted: set on 2 of 4 sockets.\n');
    expect(env.exitCode).toBe(130);
  });
});

describe('what cannot be meant', () => {
  it.each([
    ['', 'whom? a pid, --port or --unit is needed (or --restore)'],
    ['--keepalive 60s:10s:6', 'whom? a pid, --port or --unit is needed (or --restore)'],
    ['1 --port 80', 'a pid, --port and --unit are three ways to say whom: keep one'],
    ['1', 'what is to be set? --keepalive 60s:10s:6, --user-timeout 2m, or both'],
    ['1 --spread 1s', 'what is to be set? --keepalive 60s:10s:6, --user-timeout 2m, or both'],
    ['0', "pid: '0' is not a whole number from 1 to 4194304"],
    ['init', "pid: 'init' is not a whole number from 1 to 4194304"],
    [
      '1 --keepalive 60:10:6',
      "--keepalive: 'keepalive=60:10:6' has no units: did you mean keepalive=60s:10s:6?",
    ],
    [
      '1 --keepalive system',
      "--keepalive: 'keepalive=system' must be keepalive=IDLE:INTERVAL:COUNT, such as keepalive=60s:10s:6",
    ],
    ['1 --spread 60', "--spread: '60' has no unit: did you mean 60s?"],
    ['1 --restore file', '--restore knows its sockets: leave the pid out'],
    ['--restore /nonexistent', 'cannot read /nonexistent: ENOENT'],
    [
      '--restore package.json',
      'package.json:1: this is not the header of an undo file of tcpalive',
    ],
  ])('%s', async (line, message) => {
    const args = line.split(' ').filter((arg) => arg !== '');
    expect(await refused(protect(...args))).toMatchObject({ message, exitCode: 2 });
  });

  it.each(['port 80', 'unit a', 'tree', 'follow', 'undo f', 'keepalive 60s:10s:6'])(
    '--restore with --%s',
    async (flag) => {
      const { env, ended } = begin('--restore', 'f', ...`--${flag}`.split(' '));
      await expect(ended).rejects.toMatchObject({ code: 'commander.conflictingOption' });
      expect(env.stderr.text).toMatch(/^error: option '--restore <file>' cannot be used with/);
    },
  );
});
