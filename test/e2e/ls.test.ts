/** `ls` as a user has it: by root and by nobody, elsewhere, again and again, through a pipe, and lied to. */
import { chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Survey } from '../../src/core/survey.js';
import {
  connected,
  crowd,
  lacksNetworkAndReach,
  lacksRoot,
  listening,
  ownNetwork,
  settled,
  type Network,
} from './network.js';
import { install, run, start, type Run, type Running } from './program.js';

const PORT = 7000;
const CLIENTS = 20;
const NOBODY = 65_534;
const BIN = 'dist/cli.cjs';
const ESC = '\u001b';

interface Place {
  readonly network: Network;
  /** Of the process that listens. */
  readonly server: number;
}

/** A server with twenty clients, in a network of their own. */
async function place(name?: string): Promise<Place> {
  const network = await ownNetwork();
  const server = await listening(network, PORT, name === undefined ? {} : { name });
  await connected(network, PORT, CLIENTS);
  await settled(server.pid);
  return { network, server: server.pid };
}

function started({ network }: Place, ...words: readonly string[]): Running {
  return start([], { command: network.command(...words) });
}

function tcpalive(where: Place, ...args: readonly string[]): Promise<Run> {
  return started(where, process.execPath, BIN, ...args).ended;
}

function shell(where: Place, script: string): Promise<Run> {
  return started(where, 'bash', '-c', `set -o pipefail; ${script}`).ended;
}

describe.skipIf(lacksNetworkAndReach)('ls (needs a network namespace)', () => {
  it('looks around where even loopback has lost its address', async () => {
    const script = 'ip link set lo up && ip address delete 127.0.0.1/8 dev lo && "$0" "$1" ls';
    const command = ['unshare', '--net', 'sh', '-c', script, process.execPath, BIN];
    const { code, stdout, stderr } = await start([], { command }).ended;
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^0 connections at /);
  });

  it('sums up who lingers, who holds them, and what to do next', async () => {
    const found = await place();
    const { code, stdout, stderr } = await tcpalive(found, 'ls');
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^40 connections at /);
    expect(stdout).toMatch(/^forever +40 /m);
    expect(stdout).toMatch(
      new RegExp(`^\\S+\\[${found.server}\\] .*\\b${PORT}\\b.* ${CLIENTS} +forever 20$`, 'm'),
    );
    // Without root there are others of which nothing is known.
    expect(stdout).toMatch(/^Looked at: this namespace(\.$| only, \d+ others? not shown)/m);
    expect(stdout).toMatch(/^Next: tcpalive ls --ask {2}/m);
  });

  it('through a pipe: rows alone, a reader that has seen enough, and a check for cron', async () => {
    const found = await place();
    const ls = `${process.execPath} ${BIN} ls`;
    const [first, all, failed, metrics] = await Promise.all([
      shell(found, `${ls} --no-headers --all | head -1`),
      shell(found, `${ls} --no-headers --all | wc -l`),
      shell(found, `${ls} --fail-on dying,forever,fds=100%`),
      shell(found, `${ls} --format openmetrics`),
    ]);
    expect([first.stderr, first.stdout.split('\n').length]).toEqual(['', 2]);
    expect(first.stdout).toMatch(/^192\.0\.2\.1:\d+ +192\.0\.2\.1:\d+ +ESTABLISHED /);
    expect(all.stdout.trim()).toBe('40');
    expect([failed.code, failed.stderr]).toEqual([1, 'FAIL  forever: 40\n']);
    expect([metrics.code, metrics.stdout.endsWith('\n# EOF\n')]).toEqual([0, true]);
    expect(metrics.stdout).toContain('tcpalive_connections{fate="forever"} 40\n');
  });

  it('reads what ss prints there, from a pipe, and agrees with it', async () => {
    const found = await place();
    const both = await shell(found, `ss -tneoiH | ${process.execPath} ${BIN} ls --json --from -`);
    expect(both).toMatchObject({ code: 0, stderr: '' });
    const { connections } = JSON.parse(both.stdout) as Survey;
    expect(connections.map(({ fate, state }) => `${state} ${fate.kind}`)).toEqual(
      Array.from({ length: 40 }, () => 'ESTABLISHED forever'),
    );
    const pasted = await run(['ls', '--from', '-', '--json'], {
      command: [
        'bash',
        '-c',
        `${process.execPath} ${BIN} ls --json --from - < fixtures/ss/wide.txt`,
      ],
    });
    const { connections: read, namespaces } = JSON.parse(pasted.stdout) as Survey;
    expect(read).toHaveLength(38);
    expect(namespaces).toEqual([{ id: 'file', name: 'standard input', shown: true }]);
  });

  it.each([['table'], ['markdown'], ['csv'], ['json'], ['jsonl'], ['openmetrics']])(
    'a process whose name holds what a terminal acts on is harmless as %s',
    async (format) => {
      const found = await place(`a${ESC}[2J\nb"|\u202e`);
      const { code, stdout } = await tcpalive(found, 'ls', '--all', '--format', format);
      expect(code).toBe(0);
      // eslint-disable-next-line no-control-regex
      expect(stdout.replaceAll('\r\n', '')).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f\u202e]/);
      expect(stdout).toMatch(/a(\\x1b|\\u001b|\\\\x1b)\[2J/);
      if (format === 'json') {
        const { processes } = JSON.parse(stdout) as Survey;
        const name = processes.find(({ pid }) => pid === found.server)?.name;
        expect(name).toBe(`a${ESC}[2J\nb"|\u202e`);
      }
    },
  );
});

describe.skipIf(lacksNetworkAndReach || lacksRoot)('ls of other namespaces (needs root)', () => {
  const namesIn = ({ stdout }: Run) => (JSON.parse(stdout) as Survey).namespaces;

  it('looks into that of a process, says so, and comes back', async () => {
    const { network, server } = await place();
    const looked = await run(['ls', '--netns', `${server}`, '--json']);
    const { connections, namespaces } = JSON.parse(looked.stdout) as Survey;
    expect([looked.code, connections.length]).toEqual([0, 40]);
    expect(namespaces.filter(({ shown }) => shown).map(({ id }) => id)).toEqual([network.id]);
    expect(new Set(connections.map(({ namespace }) => namespace))).toEqual(new Set([network.id]));
    expect(connections.some(({ process: owner }) => owner?.pid === server)).toBe(true);
    const byPath = await run(['ls', '--netns', `/proc/${server}/ns/net`, '--port', `${PORT}`]);
    expect(byPath.stdout).toMatch(/^40 connections at /);
    expect(byPath.stdout).toMatch(/^Looked at: .* only, \d+ others? not shown \(--netns all\)/m);
  });

  it('looks into all of them', async () => {
    const { network } = await place();
    const looked = await run(['ls', '--netns', 'all', '--json', '--local', `:${PORT}`]);
    expect(looked.code).toBe(0);
    expect(namesIn(looked).find(({ id }) => id === network.id)?.shown).toBe(true);
    const { connections } = JSON.parse(looked.stdout) as Survey;
    expect(connections.filter(({ namespace }) => namespace === network.id)).toHaveLength(CLIENTS);
    const own = await run(['ls', '--json', '--local', `:${PORT}`]);
    expect(namesIn(own).find(({ id }) => id === network.id)?.shown).toBe(false);
  });

  it.each([['/nonexistent'], ['nobody-named-it-so'], ['/etc/hostname']])(
    '%s is exit 3, and says what there is',
    async (choice) => {
      const { code, stderr, stdout } = await run(['ls', '--netns', choice]);
      expect([code, stdout]).toEqual([3, '']);
      expect(stderr).toMatch(
        /^error: no network namespace '.*' that we may look into \(NO_TARGET\)/,
      );
      expect(stderr).toMatch(/a process number, a name of ip netns list/);
    },
  );
});

describe.skipIf(lacksNetworkAndReach || lacksRoot)(
  'without any right (needs root to give up)',
  () => {
    const asNobody = ['setpriv', '--reuid', `${NOBODY}`, '--regid', `${NOBODY}`, '--clear-groups'];

    function unprivileged({ network }: Place, ...args: readonly string[]): Promise<Run> {
      const words = [...asNobody, process.execPath, install(), ...args];
      return run([], { command: network.command(...words), variables: { HOME: '/nonexistent' } });
    }

    it('everything that can be known is shown, and the rest says why', async () => {
      const found = await place();
      const { code, stdout, stderr } = await unprivileged(found, 'ls', '--json');
      expect([code, stderr]).toEqual([0, '']);
      const { connections, notes, processes } = JSON.parse(stdout) as Survey;
      expect(connections).toHaveLength(40);
      expect(processes).toEqual([]);
      for (const { process: owner, fate, userId, silentMs, keepalive } of connections) {
        // No timer: that is what the table tells everybody, and that keepalive is off.
        expect({ owner, fate: fate.kind, userId, keepalive }).toEqual({
          owner: null,
          fate: 'forever',
          userId: 0,
          keepalive: { kind: 'off' },
        });
        expect(silentMs).toBeGreaterThanOrEqual(0);
      }
      expect(notes).toEqual([
        expect.stringMatching(/^\d+ processes of other users could not be looked into: root sees/),
      ]);
      const shown = await unprivileged(found, 'ls', '--all');
      expect([
        shown.code,
        shown.stdout.split('\n').filter((line) => line.includes('ESTABLISHED')).length,
      ]).toEqual([0, 40]);
      expect(shown.stdout).toMatch(/^\?: assuming no user timeout, which could not be read\.$/m);
    });

    it('of its own everything is known, and asked as far as Yama lets', async () => {
      const network = await ownNetwork();
      const bin = install();
      const serve = [process.execPath, bin, 'serve', '--port', '7100', '--mode', 'none'];
      const server = start([], { command: network.command(...asNobody, ...serve) });
      await server.sees(/listening/);
      const client = crowd(network, ['connect', '127.0.0.1', '7100', '1', '127.0.0.1']);
      await client.sees(/connected from/);
      await server.sees(/#1 +opened/);

      const state = mkdtempSync(join(tmpdir(), 'tcpalive-e2e-state-'));
      onTestFinished(() => rmSync(state, { recursive: true, force: true }));
      chownSync(state, NOBODY, NOBODY);
      const ask = [process.execPath, bin, 'ls', '--ask=500ms', '--json', '--local', ':7100'];
      const { code, stdout } = await run([], {
        command: network.command(...asNobody, ...ask),
        variables: { XDG_STATE_HOME: state },
      });
      expect(code).toBe(0);
      const [connection] = (JSON.parse(stdout) as Survey).connections;
      expect(connection).toMatchObject({ userId: NOBODY, process: { pid: server.child.pid } });
      expect(connection?.ask).toEqual(
        yamaScope() === 0
          ? { kind: 'answers' }
          : { kind: 'not-asked', reason: 'pidfd_getfd: EPERM' },
      );
      expect(readdirSync(state).flatMap((name) => readdirSync(join(state, name)))).toEqual([]);
    });

    it('an ask says whom it cannot ask, and needs no record for that', async () => {
      const found = await place();
      const { code, stdout, stderr } = await unprivileged(found, 'ls', '--ask', '--json');
      expect([code, stderr]).toEqual([0, '']);
      const { connections, notes } = JSON.parse(stdout) as Survey;
      const reason = 'no process that this user may look into holds it';
      expect(new Set(connections.map(({ ask }) => JSON.stringify(ask)))).toEqual(
        new Set([`{"kind":"not-asked","reason":"${reason}"}`]),
      );
      expect(notes).toContain(`40 not asked: ${reason}`);
      const shown = await unprivileged(found, 'ls', '--ask');
      expect(shown.stdout).toMatch(/^Note: 40 not asked: no process that this user may/m);
    });

    it('of all network namespaces those that it does not know of are missing, which is said', async () => {
      const found = await place();
      const all = await unprivileged(found, 'ls', '--netns', 'all');
      expect(all.code).toBe(0);
      expect(all.stdout).toMatch(
        /^Note: of \d+ processes of other users it is not known in which network namespace: root may$/m,
      );
      const own = await unprivileged(found, 'ls');
      expect(own.stdout).not.toMatch(/in which network namespace/);
    });

    it('a process and a namespace of others are exit 3, with the way out', async () => {
      const found = await place();
      const [byPid, byNetns] = await Promise.all([
        unprivileged(found, 'ls', '--pid', `${found.server}`),
        unprivileged(found, 'ls', '--netns', '1'),
      ]);
      expect([byPid.code, byNetns.code]).toEqual([3, 3]);
      expect(byPid.stderr).toMatch(/may not be looked into by this user \(NO_CAPABILITY\)\n.*root/);
      expect(byNetns.stderr).toMatch(/\(NO_(TARGET|CAPABILITY)\)\n.*root/);
    });

    it('reap is exit 3, with the way out', async () => {
      const { code, stdout, stderr } = await unprivileged(
        await place(),
        ...['reap', '--port', `${PORT}`, '--yes'],
      );
      expect([code, stdout]).toEqual([3, '']);
      expect(stderr).toBe(
        'error: nothing can be ended from outside: no SOCK_DESTROY here (NO_CAPABILITY)\n' +
          '  it takes root and a kernel with INET_DIAG_DESTROY; tcpalive protect works without it\n',
      );
    });
  },
);

describe.skipIf(lacksNetworkAndReach)('ls --watch (needs a network namespace)', () => {
  it('through a pipe: one under the other, until Ctrl-C', async () => {
    const found = await place();
    const watching = started(found, process.execPath, BIN, 'ls', '--watch', '500ms');
    await watching.sees(/\d\d:\d\d:\d\d {2}40 now: forever 40\n/);
    await connected(found.network, PORT, 1);
    await watching.sees(/\d\d:\d\d:\d\d {2}\d new: /);
    watching.child.kill('SIGINT');
    const { code, stdout, stderr } = await watching.ended;
    expect([code, stderr]).toEqual([130, '']);
    expect(stdout).not.toContain(ESC);
  });

  it('on a terminal in place, and Ctrl-C leaves it clean', async () => {
    const { network } = await place();
    const inside = `stty cols 100 rows 40; exec ${process.execPath} ${BIN} ls --watch 500ms`;
    const watching = start([], {
      command: network.command('script', '-qefc', inside, '/dev/null'),
      variables: { TERM: 'xterm-256color' },
    });
    await watching.sees(/nothing new, nothing gone/);
    watching.child.stdin.write('\u0003');
    const { code, stdout } = await watching.ended;
    expect(code).toBe(130);
    const looks = stdout.split(`${ESC}[H${ESC}[2J`);
    expect(looks.length).toBeGreaterThanOrEqual(3);
    // Nothing hidden, no other screen, no colour left on: what it used it has given back.
    expect(stdout).not.toContain(`${ESC}[?`);
    for (const look of looks.slice(1, -1))
      expect(look.match(/40 connections at /g)).toHaveLength(1);
    expect(stdout.endsWith('\n')).toBe(true);
  });
});

/** Whose processes a user may look into (Documentation/admin-guide/LSM/Yama.rst); 0: all of their own. */
function yamaScope(): number {
  const path = '/proc/sys/kernel/yama/ptrace_scope';
  return existsSync(path) ? Number(readFileSync(path, 'utf8')) : 0;
}
