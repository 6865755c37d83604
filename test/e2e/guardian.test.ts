import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import {
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { createServer } from 'node:http';
import { Socket, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { describe, expect, it, onTestFinished } from 'vitest';
import { certificates, tlsEcho } from '../net/tls-server.js';
import { until } from '../until.js';
import { configOf, fileWith, guard } from './guarding.js';
import { killMarked, MARK, marked } from './marked.js';
import { run } from './program.js';

const BEATING = 'test/e2e/beating.py';

describe('a guardian', () => {
  it('calls restart addresses in order until each has worked', { timeout: 60_000 }, async () => {
    const called: string[] = [];
    let state = 'Stopped';
    const server = createServer((request, response) => {
      if (request.url !== '/status') called.push(request.url ?? '');
      const refuses =
        request.url === '/second' && called.filter((each) => each === '/second').length < 3;
      if (request.url === '/third') state = 'Running';
      response.writeHead(refuses ? 503 : 200).end(JSON.stringify({ state }));
    }).listen(0, '127.0.0.1');
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const urls = ['first', 'second', 'third'].flatMap((path) => [
      '--restart-url',
      `${url}/${path}`,
    ]);
    const flags = ['--unhealthy', 'state=Stopped', '--timeout', '1s', '--start-timeout', '1s'];
    const guarding = guard(['--name', 'legacy', '--check', `${url}/status`, ...flags, ...urls]);
    await guarding.tells('alive', 'legacy');
    expect(called).toEqual(['/first', '/second', '/second', '/second', '/third']);
    expect(
      guarding
        .told('called')
        .map(({ what, attempt, reason }) => [what.slice(url.length), attempt, reason === null]),
    ).toEqual([
      ['/first', 1, true],
      ['/second', 1, false],
      ['/second', 2, false],
      ['/second', 3, true],
      ['/third', 1, true],
    ]);
    expect(guarding.told('dead')[0]?.reason).toContain('Stopped');
    guarding.child.kill('SIGTERM');
    await guarding.ended;
  });

  it('trusts a certificate of whom it is told to, where it asks and where it calls', async () => {
    const { server, ca } = certificates();
    let state = 'Stopped';
    const { port } = await tlsEcho(server, (socket) =>
      socket.once('data', (request: Buffer) => {
        if (request.toString().startsWith('POST /start ')) state = 'Running';
        socket.end(`HTTP/1.1 200 OK\r\n\r\n{"state":"${state}"}`);
      }),
    );
    const url = `https://127.0.0.1:${port}`;
    const service = {
      name: 'private',
      checks: [{ address: `${url}/status`, healthy: ['state=Running'] }],
      ...{ timeout: '1s', startTimeout: '1s', restartUrls: [`POST ${url}/start`] },
    };
    const trusting = guard(['--config', configOf([{ ...service, ca: fileWith('ca.pem', ca) }])]);
    await trusting.tells('alive', 'private');
    expect(trusting.told('dead')[0]?.reason).toContain('Stopped');
    const flags = ['--check', `${url}/status`, '--timeout', '1s', '--on-dead', 'report'];
    const other = guard([...flags, '--start-timeout', '1s']);
    expect((await other.tells('dead')).reason).toBe('UNABLE_TO_VERIFY_LEAF_SIGNATURE');
    for (const each of [trusting, other]) {
      each.child.kill('SIGTERM');
      await each.ended;
    }
  });

  it(
    'that was stopped itself restarts none of ten healthy services',
    { timeout: 60_000 },
    async () => {
      const names = Array.from({ length: 10 }, (_, at) => `s${at}`);
      const services = names.map((name, at) => {
        const how = at % 2 === 0 ? 'beats' : 'systemd';
        return { name, command: ['python3', BEATING, how, '0.2'], aliveBy: [how], timeout: '1s' };
      });
      const guarding = guard(['--config', configOf(services)]);
      await guarding.tells('alive', undefined, 10);
      process.kill(guarding.child.pid ?? 0, 'SIGSTOP');
      await new Promise((resolve) => setTimeout(resolve, 5000)); // five times as long as a silence may last
      process.kill(guarding.child.pid ?? 0, 'SIGCONT');
      await new Promise((resolve) => setTimeout(resolve, 1500)); // a whole silence, and more
      expect(guarding.told('dead')).toEqual([]);
      guarding.child.kill('SIGTERM');
      await guarding.ended;
      expect(guarding.told('ended').map(({ service }) => service)).toEqual(names.toReversed());
    },
  );

  it('that is killed leaves no process behind', { timeout: 60_000 }, async () => {
    const mark = randomUUID();
    const folder = mkdtempSync(join(tmpdir(), 'tcpalive-runtime-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    onTestFinished(() => killMarked(mark));
    const deaf = "trap '' TERM; sleep 1000 & setsid sleep 1000 & wait; sleep 1000";
    const services = ['a', 'b'].map((name) => ({
      name,
      command: ['sh', '-c', deaf],
      stopTimeout: '300ms',
    }));
    const guarding = guard(['--config', configOf(services)], {
      variables: { [MARK]: mark, XDG_RUNTIME_DIR: folder },
    });
    await guarding.tells('alive', 'b');
    await until(() => marked(mark).length >= 8, 30_000); // the guardian, its sentinel, and three each
    guarding.child.kill('SIGKILL');
    await until(() => marked(mark).length === 0, 30_000);
    expect(readdirSync(folder)).toEqual([]);
  });

  it.each(['pipe', 'socket'] as const)(
    'notices and restarts though nobody reads what it tells, in a full %s',
    { timeout: 60_000 },
    async (kind) => {
      const events = fileWith('events.jsonl', '');
      const limits = ['--timeout', '300ms', '--start-timeout', '300ms', '--back-off', '1ms:1ms'];
      const flags = [...limits, '--alive-by', 'systemd', '--events', events, '--name', 'mute'];
      // It would end where it is told to try again later.
      const args = ['guard', ...flags, '--', 'sh', '-c', "exec yes '' >&2"];
      const { child, reader } = unread(kind, ['dist/cli.cjs', ...args]);
      const written = () => readFileSync(events, 'utf8');
      await until(() => (written().match(/"restarting"/g)?.length ?? 0) >= 3, 30_000);
      expect(written()).not.toMatch(/"exited".*"code":\d/);
      const [, flagsOfAll = ''] =
        /^flags:\s+(\d+)/m.exec(readFileSync(`/proc/${child.pid}/fdinfo/2`, 'utf8')) ?? [];
      expect(parseInt(flagsOfAll, 8) & constants.O_NONBLOCK).toBe(0);
      child.kill('SIGTERM');
      let told = '';
      reader.setEncoding('utf8').on('data', (text: string) => (told += text));
      await until(() => /^.*: mute \d+ restarts/m.test(told), 30_000);
      expect(told).toMatch(/^\S+ {2}mute {2}restart 3 of 10/m);
    },
  );

  it('waits for what one before it has left', { timeout: 60_000 }, async () => {
    const mark = randomUUID();
    onTestFinished(() => killMarked(mark));
    const deaf = ['--stop-timeout', '2s', '--', 'sh', '-c', "trap '' TERM; sleep 1000; sleep 1000"];
    const killed = guard(deaf, { variables: { [MARK]: mark } });
    await killed.tells('alive');
    await until(() => marked(mark).length >= 4, 30_000); // the guardian, its sentinel, the service with its own
    killed.child.kill('SIGKILL');
    const next = guard(['--', 'sleep', '1000']);
    await next.tells('started');
    expect(marked(mark)).toEqual([]);
    next.child.kill('SIGTERM');
    expect((await next.ended).stderr).toContain('waits for what a guardian that was killed');
  });

  it('has no folder left where it cannot listen', async () => {
    const folder = join(mkdtempSync(join(tmpdir(), 'tcpalive-runtime-')), 'x'.repeat(100));
    mkdirSync(folder);
    onTestFinished(() => rmSync(dirname(folder), { recursive: true }));
    const guarding = guard(['--', 'true'], { variables: { XDG_RUNTIME_DIR: folder } });
    expect(await guarding.ended).toMatchObject({ code: 3, stdout: '' });
    expect(readdirSync(folder)).toEqual([]);
  });

  it('that is told twice to end says who ends the rest', { timeout: 60_000 }, async () => {
    const mark = randomUUID();
    onTestFinished(() => killMarked(mark));
    const deaf = ['sh', '-c', "trap '' TERM; echo deaf >&2; while :; do sleep 1; done"];
    const guarding = guard(['--stop-timeout', '1500ms', '--', ...deaf], {
      variables: { [MARK]: mark },
    });
    await until(() => guarding.printed().includes('deaf'), 30_000);
    guarding.child.kill('SIGTERM');
    await guarding.tells('ending');
    guarding.child.kill('SIGTERM');
    const { code, stderr } = await guarding.ended;
    expect(code).toBe(143);
    expect(stderr).toContain('left to the sentinel: SIGTERM again, and SIGKILL after 1.5s');
    await until(() => marked(mark).length === 0, 30_000);
  });

  it('reads its file again without touching what is the same', { timeout: 60_000 }, async () => {
    const sleeps = (name: string, ...more: readonly string[]) => ({
      name,
      command: ['sleep', '1000', ...more],
    });
    const config = configOf([sleeps('same'), sleeps('changed'), sleeps('gone')]);
    const guarding = guard(['--config', config]);
    await guarding.tells('alive', undefined, 3);
    writeFileSync(config, '{ services: [');
    guarding.child.kill('SIGHUP');
    expect((await guarding.tells('reload-failed')).reason).toMatch(/guard\.yaml:\d+:\d+: /);
    writeFileSync(
      config,
      JSON.stringify({ services: [sleeps('same'), sleeps('changed', '1'), sleeps('new')] }),
    );
    guarding.child.kill('SIGHUP');
    expect(await guarding.tells('reloaded')).toMatchObject({
      added: ['new'],
      removed: ['gone'],
      changed: ['changed'],
    });
    await guarding.tells('alive', 'changed', 2);
    await guarding.tells('alive', 'new');
    await guarding.tells('ended', 'gone');
    expect(guarding.told('started', 'same')).toHaveLength(1);
    expect(guarding.told('stopped', 'same')).toEqual([]);
    guarding.child.kill('SIGTERM');
    expect((await guarding.ended).code).toBe(143);
  });

  it('that is to read its file again while it reads it does so afterwards', async () => {
    const sleeps = (name: string) => ({ name, command: ['sleep', '1000'] });
    const config = configOf([sleeps('first')]);
    const events = fileWith('events.jsonl', '');
    const guarding = guard(['--config', config, '--events', events]);
    await guarding.tells('alive', 'first');
    const slow = `${config}.slow`;
    execFileSync('mkfifo', [slow]);
    renameSync(slow, config);
    guarding.child.kill('SIGHUP');
    const writer = await open(config, 'w'); // it is being read
    renameSync(configOf([sleeps('last')]), config);
    renameSync(events, `${events}.1`);
    guarding.child.kill('SIGHUP');
    await until(() => existsSync(events), 30_000);
    await writer.writeFile(JSON.stringify({ services: [sleeps('first'), sleeps('before')] }));
    await writer.close();
    expect((await guarding.tells('reloaded', undefined, 1)).added).toEqual(['before']);
    expect(await guarding.tells('reloaded', undefined, 2)).toMatchObject({
      added: ['last'],
      removed: ['first', 'before'],
    });
    guarding.child.kill('SIGTERM');
    await guarding.ended;
  });

  it('only tells where it is to do no more', async () => {
    const flags = [
      '--dry-run',
      '--alive-by',
      'systemd',
      '--timeout',
      '500ms',
      '--start-timeout',
      '500ms',
    ];
    const guarding = guard([...flags, '--name', 'mute', '--', 'sleep', '1000']);
    expect(await guarding.tells('dead', 'mute')).toMatchObject({ action: 'none', starting: true });
    guarding.child.kill('SIGTERM');
    await guarding.ended;
    expect(guarding.told('started')).toHaveLength(1);
  });
});

describe('what cannot be guarded', () => {
  it.each([
    [['guard'], 'neither a command nor a check: there is nothing to guard'],
    [
      ['guard', '--check', 'tcp://192.0.2.1:80', '--', 'true'],
      '--check: 192.0.2.1 is not this host: --allow-remote lets it be asked',
    ],
    [
      ['guard', '--check', 'tcp://127.0.0.1:1', '--', 'true'],
      'nothing is known of what 127.0.0.1:1 speaks',
    ],
    [
      ['guard', '--healthy', 'a=b', '--', 'true'],
      '--healthy goes with --check http://…, which is not given',
    ],
    [
      ['guard', '--config', 'x.yaml', '--timeout', '3s'],
      '--config cannot be combined with --timeout',
    ],
    [
      ['guard', '--config', '/nonexistent.yaml'],
      'cannot read the configuration /nonexistent.yaml: no such file',
    ],
    [
      ['guard', '--restart-url', 'http://127.0.0.1/', '--', 'true'],
      '--restart-url: it is started from here, and so restarted; leave that out',
    ],
    [
      ['guard', '--ca', 'own.pem', '--check', 'http://127.0.0.1/', '--', 'true'],
      '--ca: ca without an https:// address; it is for those',
    ],
    [
      ['guard', '--ca', 'README.md', '--check', 'https://127.0.0.1/', '--', 'true'],
      '--ca: README.md holds no certificate in PEM',
    ],
    [['guard', '--timeout', '3', '--', 'true'], "--timeout: '3' has no unit: did you mean 3s?"],
  ])('%s', async (args, message) => {
    const { code, stderr, stdout } = await run(args, { bin: 'dist/cli.cjs' });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(message);
  });
});

interface Unread {
  readonly child: ChildProcess;
  /** Of its standard error; takes little before somebody listens. */
  readonly reader: Readable;
}

/** What Node calls a pipe is a socket. */
function unread(kind: 'pipe' | 'socket', args: readonly string[]): Unread {
  if (kind === 'socket') {
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    onTestFinished(() => void child.kill('SIGKILL'));
    return { child, reader: child.stderr };
  }
  const path = join(dirname(fileWith('events.jsonl', '')), 'pipe');
  execFileSync('mkfifo', [path]);
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const reader = new Socket({ fd, readable: true, writable: false });
  const end = openSync(path, 'w');
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', end] });
  onTestFinished(() => void child.kill('SIGKILL'));
  closeSync(end);
  return { child, reader };
}
