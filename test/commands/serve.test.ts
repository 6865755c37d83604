/** `serve` as a whole, in this process, with real connections on loopback. */
import { once } from 'node:events';
import { mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { buildProgram } from '../../src/commands/program.js';
import type { ServeEntry } from '../../src/core/serve-log.js';
import { until } from '../until.js';
import { fakeEnvironment, type FakeEnvironment } from './environment.js';
import { freePort } from '../free-port.js';

/** Before any of them: what the test runner itself has open. */
const atRest = socketsOpen();

const DEADLINE_MS = 4000;

const HELLO = Buffer.from([0, 2, 0x68, 0x69]);
const BEAT = Buffer.from([0, 0]);

interface Serving {
  readonly env: FakeEnvironment;
  readonly port: number;
  /** Settles as the command does. */
  readonly ended: Promise<unknown>;
}

/** Ready to be connected to; interrupted after the test at the latest. */
async function serve(...args: readonly string[]): Promise<Serving> {
  const port = await freePort();
  const env = fakeEnvironment();
  const ended = buildProgram(env).parseAsync(['serve', '--port', String(port), ...args], {
    from: 'user',
  });
  onTestFinished(async () => {
    env.interrupt();
    await ended;
  });
  await env.stdout.sees(/listening/);
  return { env, port, ended };
}

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'tcpalive-serve-'));
  onTestFinished(() => rmSync(path, { recursive: true }));
  return path;
}

async function connected(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1').on('error', () => undefined);
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  return socket;
}

/** However it came to that: `once` would reject where it was reset. */
function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => void socket.once('close', () => resolve()));
}

/** Sends, and waits for as many bytes to come back. */
async function exchange(socket: Socket, bytes: Uint8Array): Promise<Buffer> {
  const answer = once(socket, 'data', { signal: AbortSignal.timeout(DEADLINE_MS) });
  socket.write(bytes);
  const [chunk] = (await answer) as [Buffer];
  return chunk;
}

/** What depends on the day and the port is left out. */
function withoutFigures(text: string, port: number): string {
  return text
    .replace(/\d\d:\d\d:\d\d\.\d{3}/g, '<time>')
    .replaceAll(`127.0.0.1:${port}`, '<server>')
    .replace(/127\.0\.0\.1:\d+/g, '<client>')
    .replace(/\b\d+(\.\d+)?s\b/g, '<seconds>');
}

function entries(env: FakeEnvironment): readonly ServeEntry[] {
  return env.stdout.text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as ServeEntry);
}

function socketsOpen(): number {
  return process.getActiveResourcesInfo().filter((name) => name.startsWith('TCP')).length;
}

describe('serve', () => {
  it('tells of a connection from its opening to its end, and sums up', async () => {
    const { env, port, ended } = await serve();
    const client = await connected(port);
    expect(await exchange(client, HELLO)).toEqual(HELLO);
    expect(await exchange(client, BEAT)).toEqual(BEAT);
    client.end();
    await env.stdout.sees(/closed/);
    expect(env.exitCode).toBeUndefined();
    env.interrupt();
    await ended;
    expect(withoutFigures(env.stdout.text, port)).toMatchInlineSnapshot(`
      "<time>  listening  on <server>, mode none, framing length16
      <time>  limit     900 connections; one that vanishes stays for ever: 900 of them lock everybody out
      <time>  #1    opened    <client>
      <time>  #1    frame     <client>  2 bytes
      <time>  #1    frame     <client>  beat
      <time>  #1    closed    <client>  by FIN  (2 frames, <seconds>)
      1 connection in <seconds>, 2 frames, 0 refused, 0 open to the end; ended: 1 by FIN
      "
    `);
    expect(env.stderr.text).toBe('');
    expect(env.exitCode).toBe(130);
  });

  it('with --quiet says only whom it gave up, and sums all up', async () => {
    const { env, port, ended } = await serve('--quiet', '--mode', 'idle-timeout=300ms');
    const silent = await connected(port);
    await exchange(silent, HELLO);
    await env.stdout.sees(/noticed/);
    const polite = await connected(port);
    polite.end();
    await closed(polite);
    env.interrupt();
    await ended;
    expect(withoutFigures(env.stdout.text, port)).toMatchInlineSnapshot(`
      "<time>  listening  on <server>, mode idle-timeout=300ms, framing length16
      <time>  limit     900 connections; one that vanishes stays <seconds>: more than 3000 a second lock everybody out
      <time>  #1    noticed   <client>  by idle-timeout, <seconds> after the last received byte
      2 connections in <seconds>, 1 frame, 0 refused, 0 open to the end; ended: 1 by idle-timeout, 1 by FIN
      "
    `);
  });

  it('with --idle-timeout closes also who never says a word, beside its mode', async () => {
    const { env, port } = await serve('--idle-timeout', '200ms', '--mode', 'heartbeat=1s:1m');
    await connected(port);
    await env.stdout.sees(/noticed .* by idle-timeout/);
    expect(env.stdout.text).toContain('mode heartbeat=1s:1m+idle-timeout=200ms');
  });

  it('takes one idle timeout, not two', async () => {
    const args = ['serve', '--idle-timeout', '1s', '--mode', 'idle-timeout=2s'];
    const attempt = buildProgram(fakeEnvironment()).parseAsync(args, { from: 'user' });
    await expect(attempt).rejects.toThrow(
      '--idle-timeout: the mode has one already, idle-timeout=2s',
    );
  });

  it('with --json says the same in JSON, a line an event', async () => {
    const { env, port, ended } = await serve('--json');
    const client = await connected(port);
    const about = { worker: null, connection: 1, peer: `127.0.0.1:${client.localPort ?? 0}` };
    await exchange(client, HELLO);
    await exchange(client, BEAT);
    client.end();
    await env.stdout.sees(/"closed"/);
    env.interrupt();
    await ended;
    expect(
      entries(env).map(({ time, ...rest }) => {
        expect(new Date(time).toISOString()).toBe(time);
        return rest;
      }),
    ).toEqual([
      {
        event: 'listening',
        schema: 'tcpalive/serve/1',
        address: `127.0.0.1:${port}`,
        mode: 'none',
        framing: 'length16',
        pid: process.pid,
      },
      {
        event: 'limit',
        connections: 900,
        perAddress: null,
        evict: false,
        keptMs: null,
        perSecond: 0,
      },
      { event: 'opened', ...about, settings: 'none' },
      { event: 'frame', ...about, bytes: 2, beat: false },
      { event: 'frame', ...about, bytes: 0, beat: true },
      {
        event: 'closed',
        ...about,
        by: 'FIN',
        reason: null,
        frames: 2,
        skippedBytes: 0,
        lifetimeMs: expect.any(Number) as unknown,
      },
      {
        event: 'summary',
        durationMs: expect.any(Number) as unknown,
        connections: 1,
        refused: 0,
        frames: 2,
        skippedBytes: 0,
        open: 0,
        endedBy: { FIN: 1 },
      },
    ]);
  });

  it('Ctrl-C ends it, open connections too, and gives everything back', async () => {
    const { env, port, ended } = await serve();
    const clients = await Promise.all([connected(port), connected(port)]);
    await env.stdout.sees(/#2 +opened/);
    const hungUp = clients.map(closed);
    env.interrupt('SIGINT');
    await ended;
    await Promise.all(hungUp);
    expect(env.exitCode).toBe(130);
    expect(env.stdout.text).toMatch(
      /^2 connections in .*, 0 frames, 0 refused, 2 open to the end;/m,
    );
    expect(env.stdout.text).not.toContain('noticed');
    await until(() => socketsOpen() === atRest, DEADLINE_MS);
  });

  it('SIGTERM drains: it takes nobody in, serves who is there, and tells them goodbye', async () => {
    const at = `127.0.0.1:${await freePort()}`;
    const { env, port, ended } = await serve('--drain-timeout', '1s', '--status', at);
    const [idle, busy] = await Promise.all([connected(port), connected(port)]);
    await env.stdout.sees(/#2 +opened/);
    const goodbye = once(idle, 'end');
    idle.resume();
    env.interrupt('SIGTERM');
    await env.stdout.sees(/draining .* 2 connections served for 1\.00s at most$/m);
    await expect(connected(port)).rejects.toThrow('ECONNREFUSED');
    const health = await fetch(`http://${at}/healthz`);
    expect([health.status, await health.text()]).toEqual([
      503,
      'it is draining: nobody is let in any more\n',
    ]);
    expect(await exchange(busy, HELLO)).toEqual(HELLO);
    busy.end();
    await env.stdout.sees(/#2 +closed .* by FIN/);
    await goodbye;
    await ended;
    expect(env.exitCode).toBe(143);
    expect(env.stdout.text).toMatch(/, 0 open to the end; ended: 1 by FIN, 1 by drain$/m);
    expect(env.stdout.text).not.toContain('noticed');
    await until(() => socketsOpen() === atRest, DEADLINE_MS);
  });

  it('notices a client that falls silent, and says by what', async () => {
    const { env, port } = await serve('--mode', 'heartbeat=50ms:200ms');
    const client = await connected(port);
    await exchange(client, BEAT);
    const line = await env.stdout.sees(/^.* noticed .*$/m);
    expect(withoutFigures(line[0], port)).toBe(
      '<time>  #1    noticed   <client>  by heartbeat, <seconds> after the last received byte',
    );
    expect(env.stdout.text).toMatch(/ silent .* nothing received for \d\.\d\ds$/m);
  });

  it('does not notice one that beats', async () => {
    const { env, port, ended } = await serve('--mode', 'heartbeat=50ms:10s');
    const client = await connected(port);
    for (let beat = 0; beat < 5; beat++) await exchange(client, BEAT);
    client.end();
    await env.stdout.sees(/closed/);
    env.interrupt();
    await ended;
    expect(env.stdout.text).not.toMatch(/noticed|silent/);
    expect(env.stdout.text).toMatch(/; ended: 1 by FIN$/m);
  });

  it('refuses more connections than --max-connections, and says so', async () => {
    const { env, port } = await serve('--max-connections', '1');
    await connected(port);
    await env.stdout.sees(/opened/);
    await closed(connect(port, '127.0.0.1').on('error', () => undefined));
    const line = await env.stdout.sees(/^.* refused .*$/m);
    expect(withoutFigures(line[0], port)).toMatchInlineSnapshot(
      `"<time>  refused   <client>  as many connections as allowed are open (--max-connections)"`,
    );
  });

  it('says beforehand what would lock everybody out, and with --evict that nothing does', async () => {
    const said = async (...args: readonly string[]) => {
      const { env } = await serve(...args);
      return (await env.stdout.sees(/limit +(.*)/))[1];
    };
    const args = ['--mode', 'heartbeat=1s:3s', '--max-connections', '208'];
    expect(await said(...args)).toBe(
      '208 connections; one that vanishes stays 3.00s: more than 69 a second lock everybody out',
    );
    expect(await said(...args, '--evict', '--max-per-address', '20')).toBe(
      '208 connections, 20 from one address; at the limit the longest silent one makes room',
    );
  });

  it('closes a connection that announces more than --max-frame, with the reason', async () => {
    const { env, port } = await serve('--max-frame', '16');
    const client = await connected(port);
    client.write(Buffer.from([0xff, 0xff]));
    const line = await env.stdout.sees(/^.* closed .*$/m);
    expect(withoutFigures(line[0], port)).toMatchInlineSnapshot(
      `"<time>  #1    closed    <client>  by violation: frame of 65535 bytes announced, at most 16 accepted  (0 frames, <seconds>)"`,
    );
  });

  it('answers late with --reply-delay', async () => {
    const { env, port } = await serve('--reply-delay', '50ms');
    const client = await connected(port);
    const sentAt = performance.now();
    expect(await exchange(client, HELLO)).toEqual(HELLO);
    expect(performance.now() - sentAt).toBeGreaterThanOrEqual(50);
    expect(env.stdout.text).toMatch(/frame .* 2 bytes$/m);
  });

  it('appends what happens, but for frames, to --events, and to a new file after SIGHUP', async () => {
    const path = join(folder(), 'events.jsonl');
    const { env, port, ended } = await serve('--events', path, '--quiet');
    const events = (file = path) =>
      readFileSync(file, 'utf8')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => (JSON.parse(line) as ServeEntry).event);
    const client = await connected(port);
    await exchange(client, HELLO);
    expect(events()).toEqual(['listening', 'limit', 'opened']); // before anything else happens
    renameSync(path, `${path}.1`);
    env.hangUp();
    client.end();
    await until(() => events().includes('closed'), DEADLINE_MS);
    env.interrupt();
    await ended;
    expect(events()).toEqual(['closed', 'summary']);
    expect(events(`${path}.1`)).toEqual(['listening', 'limit', 'opened']);
    expect(env.stdout.text).not.toContain('#1');
    expect(env.stdout.text).toMatch(/^1 connection in .*, 1 frame,/m);
    expect(env.listeners.hangup).toBe(0);
  });

  it('goes on when the disk of --events is full, and says so once', async () => {
    const { env, port } = await serve('--events', '/dev/full');
    const client = await connected(port);
    expect(await exchange(client, HELLO)).toEqual(HELLO);
    expect(env.stderr.text).toBe(
      'warning: cannot write /dev/full: ENOSPC: events are lost until it takes them\n',
    );
  });

  it('tells with --status what it knows, and that it is full', async () => {
    const at = `127.0.0.1:${await freePort()}`;
    const mode = ['--mode', 'heartbeat=1s:10s', '--max-connections', '2'];
    const { env, port } = await serve('--status', at, ...mode);
    await env.stdout.sees(/status +http/);
    const asked = async (path: string) => {
      const response = await fetch(`http://${at}${path}`);
      return { status: response.status, text: await response.text() };
    };
    expect(await asked('/healthz')).toEqual({ status: 200, text: 'ok\n' });
    const client = await connected(port);
    await exchange(client, HELLO);
    await exchange(client, BEAT);
    await connected(port);
    await closed(connect(port, '127.0.0.1').on('error', () => undefined));
    expect(JSON.parse((await asked('/status')).text)).toMatchObject({
      schema: 'tcpalive/serve-status/1',
      problems: [`process ${process.pid} is full: 2 of 2 connections are open`],
      connections: { open: 2, byMode: { 'heartbeat=1s:10s': 2 } },
      longestSilenceMs: expect.any(Number) as unknown,
      counts: { accepted: 2, rejected: { connections: 1 }, frames: 2, beats: 1 },
      accept: { kind: 'works', failures: 0 },
      workers: [{ pid: process.pid }],
    });
    expect(await asked('/healthz')).toEqual({
      status: 503,
      text: `process ${process.pid} is full: 2 of 2 connections are open\n`,
    });
    expect((await asked('/metrics')).text).toMatch(/^tcpalive_healthy 0$/m);
    client.destroy();
    await env.stdout.sees(/#1 +closed/);
    expect((await asked('/healthz')).status).toBe(200);
  });

  it('echoes anything with --framing raw', async () => {
    const { env, port } = await serve('--framing', 'raw');
    const client = await connected(port);
    const bytes = Buffer.from('\x1b[2Jhello');
    expect(await exchange(client, bytes)).toEqual(bytes);
    expect(env.stdout.text).toMatch(/framing raw$/m);
    expect(env.stdout.text).toMatch(/frame .* 9 bytes$/m);
    expect(env.stdout.text).not.toContain('\x1b');
  });

  it('echoes the frames of a meter with --framing marked, and counts what was none', async () => {
    const { env, port, ended } = await serve('--framing', 'marked');
    const client = await connected(port);
    const frame = Buffer.from('680606685301000102035a16', 'hex');
    expect(await exchange(client, Buffer.concat([Buffer.from('\x1b[2J'), frame]))).toEqual(frame);
    client.end();
    await env.stdout.sees(/closed .* \(1 frame, 4 bytes skipped, /);
    env.interrupt();
    await ended;
    expect(env.stdout.text).toMatch(/framing marked=68:u8:u8:68:sum8:16$/m);
    expect(env.stdout.text).toMatch(/, 1 frame, 4 bytes skipped, 0 refused, /);
    expect(env.stdout.text).not.toContain('\x1b');
  });

  it.each([
    ['--first-frame-timeout', 'first-frame-timeout'],
    ['--frame-timeout', 'frame-timeout'],
  ])('closes who begins a frame and does not end it within %s', async (flag, by) => {
    const { env, port, ended } = await serve(flag, '100ms');
    const client = await connected(port);
    client.write(Buffer.from([0]));
    await closed(client);
    expect(env.stdout.text).toMatch(new RegExp(`noticed .* by ${by}, `));
    env.interrupt();
    await ended;
    expect(env.stdout.text).toContain(`; ended: 1 by ${by}`);
  });
});

describe('where nothing can be listened to, or written', () => {
  it('a status port in use is refused, and nobody is served', async () => {
    const { port } = await serve();
    const env = fakeEnvironment();
    const [data, status] = [`${await freePort()}`, `127.0.0.1:${port}`];
    const refused = buildProgram(env).parseAsync(['serve', '--port', data, '--status', status], {
      from: 'user',
    });
    await expect(refused).rejects.toMatchObject({
      code: 'CANNOT_LISTEN',
      message: `cannot listen on ${status}: the port is in use`,
      hint: expect.stringContaining('choose another with --status') as unknown,
    });
    const socket = connect(Number(data), '127.0.0.1');
    const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
    expect(error.code).toBe('ECONNREFUSED');
  });

  it('a file that cannot be is refused, before anybody is let in', async () => {
    const env = fakeEnvironment();
    const path = join(folder(), 'nowhere', 'events.jsonl');
    const refused = buildProgram(env).parseAsync(['serve', '--events', path], { from: 'user' });
    await expect(refused).rejects.toMatchObject({
      code: 'CANNOT_WRITE',
      message: `cannot write ${path}: ENOENT`,
    });
    expect(env.stdout.text).toBe('');
  });

  it('a port in use is refused, before a line is printed', async () => {
    const { port } = await serve();
    const env = fakeEnvironment();
    const second = buildProgram(env).parseAsync(['serve', '--port', String(port)], {
      from: 'user',
    });
    await expect(second).rejects.toMatchObject({
      code: 'CANNOT_LISTEN',
      exitCode: 3,
      message: `cannot listen on 127.0.0.1:${port}: the port is in use`,
      hint: `choose another with --port, or see who has it: ss -tlnp 'sport = :${port}'`,
    });
    expect(env.stdout.text).toBe('');
  });

  it('no address is refused: it would be every one', async () => {
    const refused = buildProgram(fakeEnvironment()).parseAsync(['serve', '--host', ''], {
      from: 'user',
    });
    await expect(refused).rejects.toThrow(/'' is no address/);
  });

  it('an address of another host is refused', async () => {
    const env = fakeEnvironment();
    // TEST-NET-1 of RFC 5737: nobody's.
    const refused = buildProgram(env).parseAsync(['serve', '--host', '192.0.2.1'], {
      from: 'user',
    });
    await expect(refused).rejects.toMatchObject({
      code: 'CANNOT_LISTEN',
      message: 'cannot listen on 192.0.2.1:7777: the address is not on this host',
    });
    expect(env.stdout.text).toBe('');
  });
});

describe('a restart', () => {
  it('whose next version cannot be started: it goes on, and says why', async () => {
    const { env, port, ended } = await serve();
    env.restart();
    const line = await env.stdout.sees(/^.* restart-failed .*$/m);
    expect(line[0]).toMatch(
      /goes on: the next version does not serve: it cannot be started: .*ENOENT$/,
    );
    expect(await exchange(await connected(port), HELLO)).toEqual(HELLO);
    env.interrupt();
    await ended;
    expect(env.exitCode).toBe(130);
  });

  it('asked for by --replace does the same, and tells it there too', async () => {
    const at = `127.0.0.1:${await freePort()}`;
    const { env } = await serve('--status', at);
    await env.stdout.sees(/status +http/);
    const asker = fakeEnvironment();
    await buildProgram(asker).parseAsync(['serve', '--replace', '--status', at, '--json'], {
      from: 'user',
    });
    expect(JSON.parse(asker.stdout.text)).toEqual({
      schema: 'tcpalive/replace/1',
      complete: true,
      startedAt: expect.any(String) as unknown,
      durationMs: expect.any(Number) as unknown,
      status: at,
      pid: process.pid,
      successor: null,
      outcome: { kind: 'failed', reason: expect.stringMatching(/ENOENT$/) as unknown },
    });
    expect(asker.exitCode).toBe(1);
    expect(asker.listeners).toEqual({ interrupt: 0, hangup: 0, exit: 0 });
    expect(env.stdout.text).toMatch(/ restart-failed .*ENOENT$/m);
  });
});
