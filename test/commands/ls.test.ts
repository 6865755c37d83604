/** `ls` and `reap` as they are typed: what is refused before anything is looked at, and what goes where. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CommanderError } from 'commander';
import { describe, expect, it, onTestFinished } from 'vitest';
import { buildProgram } from '../../src/commands/program.js';
import { formatEndpoint } from '../../src/core/endpoint.js';
import type { Survey } from '../../src/core/survey.js';
import { TcpaliveError } from '../../src/errors.js';
import { openPair, type Pair } from '../kernel/linux/loopback.js';
import { ownAddress } from '../own-address.js';
import { engine, kernel, lacks, lacksEngine, SOON_MS, TEST_MS } from '../real-kernel.js';
import { until } from '../until.js';
import { fakeEnvironment, type FakeEnvironment, type FakeWorld } from './environment.js';

async function run(args: readonly string[], world?: FakeWorld): Promise<FakeEnvironment> {
  const env = fakeEnvironment(world);
  await buildProgram(env).parseAsync(args, { from: 'user' });
  return env;
}

/** What the person is told, whole, and what it exits with. */
async function refusal(
  args: readonly string[],
): Promise<{ readonly told: string; readonly exitCode: number }> {
  const env = fakeEnvironment();
  try {
    await buildProgram(env).parseAsync(args, { from: 'user' });
  } catch (error) {
    expect(env.stdout.text).toBe('');
    if (error instanceof CommanderError) return { told: env.stderr.text.trim(), exitCode: 2 };
    if (error instanceof TcpaliveError) return { told: error.message, exitCode: error.exitCode };
    throw error;
  }
  throw new Error(`was accepted: ${args.join(' ')}`);
}

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'tcpalive-ls-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

const SS = 'fixtures/ss/wide.txt';

const FATES = 'forever, leaked, dying, slow, unknown, armed, closing';

describe('a value that cannot be understood is one line that names it, exit 2', () => {
  it.each([
    [
      '--peer 10.0.0.0/99',
      "--peer: '10.0.0.0/99' is not ADDRESS, ADDRESS/BITS, :PORT or both, such as 10.0.0.0/8:443 or [2001:db8::/32]:443",
    ],
    [
      '--local example.org:443',
      "--local: 'example.org:443' is not ADDRESS, ADDRESS/BITS, :PORT or both, such as 10.0.0.0/8:443 or [2001:db8::/32]:443",
    ],
    ['--local :0', "--local: '0' is not a port: 1 to 65535"],
    ['--port 70000', "--port: '70000' is not a port: 1 to 65535"],
    ['--pid 0', "--pid: '0' is not a whole number from 1 to 4194304"],
    ['--pid nginx', "--pid: 'nginx' is not a whole number from 1 to 4194304"],
    [
      '--state foo',
      "--state: 'foo' is not a state: ESTABLISHED, SYN-SENT, SYN-RECV, FIN-WAIT-1, FIN-WAIT-2, TIME-WAIT, CLOSE-WAIT, LAST-ACK, CLOSING",
    ],
    ['--fate foo', `--fate: 'foo' is not a fate: ${FATES}`],
    ['--fate dying,dying', "--fate: 'dying' is listed twice"],
    ['--silent 10', "--silent: '10' has no unit: did you mean 10s?"],
  ])('ls and reap %s', async (args, told) => {
    for (const command of ['ls', 'reap']) {
      expect(await refusal([command, ...args.split(' ')])).toEqual({ told, exitCode: 2 });
    }
  });

  it.each([
    [
      '--fail-on fds=200%',
      `--fail-on: 'fds=200%' is not ${FATES} or fds=PERCENT%, such as fds=90%`,
    ],
    ['--top 0', "--top: '0' is not a whole number from 1 to 1000000"],
    [
      '--all --top 3',
      "error: option '--top <n>' cannot be used with option '--all' (BAD_USAGE)\n" +
        '  tcpalive ls --help says what there is',
    ],
    ['--by host', "--by: 'host' is not what connections are grouped by: process, unit, peer, port"],
    [
      '--format xml',
      "--format: 'xml' is not a format: table, markdown, csv, json, jsonl, openmetrics",
    ],
    ['--ask=2', "--ask: '2' has no unit: did you mean 2s?"],
    ['--ask=50ms', "--ask: '50ms' is too short for an answer: at least 100ms"],
    ['--ask --no-owners', '--ask needs to know who holds each: leave out --no-owners'],
    ['--top 3 --format openmetrics', '--format openmetrics has no --top: it counts all'],
    ['--no-owners --pid 1', '--pid needs to know who holds each: leave out --no-owners'],
    ['--no-owners --unit a', '--unit needs to know who holds each: leave out --no-owners'],
    [
      '--no-owners --fail-on dying,fds=90%',
      '--fail-on fds needs to know who holds each: leave out --no-owners',
    ],
    [
      `--from ${SS} --fail-on fds=90%`,
      '--from cannot be combined with --fail-on fds: a file is what it is',
    ],
    ['--watch 1s --ask=2s', "--watch: '1s' is shorter than --ask may take here, which is 4s"],
    ['--watch 3.9s --ask', "--watch: '3.9s' is shorter than --ask may take here, which is 4s"],
    ['--watch 0', "--watch: '0' is too short: at least 500ms"],
    ['--watch 0s', "--watch: '0s' is too short: at least 500ms"],
    ['--watch 5', "--watch: '5' has no unit: did you mean 5s?"],
    ['--watch 100ms', "--watch: '100ms' is too short: at least 500ms"],
    ['--watch 1s --json', '--watch has no --format: it is for the eye'],
    ['--watch 1s --format csv', '--watch has no --format: it is for the eye'],
    ['--watch 1s --fail-on dying', '--watch has no --fail-on: it ends with Ctrl-C alone'],
    ['--from missing', '--from: cannot read missing: no such file'],
    ['--from README.md', '--from README.md: not one socket in it'],
    ['--from /dev/null', '--from /dev/null: not one socket in it'],
    [`--from ${SS} --ask`, '--from cannot be combined with --ask: a file is what it is'],
    [`--from ${SS} --watch 1s`, '--from cannot be combined with --watch: a file is what it is'],
    [`--from ${SS} --netns all`, '--from cannot be combined with --netns: a file is what it is'],
    [
      `--from ${SS} --no-owners`,
      '--from cannot be combined with --no-owners: a file is what it is',
    ],
  ])('ls %s', async (args, told) => {
    expect(await refusal(['ls', ...args.split(' ')])).toEqual({ told, exitCode: 2 });
  });

  it.each([
    ['', 'reap needs a filter: which connections are meant?'],
    ['--ask --yes', 'reap needs a filter: which connections are meant?'],
    ['--after 1s', 'reap needs a filter: which connections are meant?'],
    ['--port 443 --after 60', "--after: '60' has no unit: did you mean 60s?"],
    ['--port 443 --ask=1ms', "--ask: '1ms' is too short for an answer: at least 100ms"],
  ])('reap %s', async (args, told) => {
    expect(await refusal(['reap', ...args.split(' ').filter((word) => word !== '')])).toEqual({
      told,
      exitCode: 2,
    });
  });
});

describe('ls --from', () => {
  const from = (...args: readonly string[]) => run(['ls', '--from', SS, ...args]);

  it('is the summary of another machine', async () => {
    const { stdout, stderr, exitCode } = await from();
    expect(stdout.text).toMatch(/^38 connections at \d{4}-\d\d-\d\d /);
    expect(stdout.text).toMatch(/^forever +\d+ .*no timer: dead or merely quiet/m);
    expect(stdout.text).toContain('Looked at: fixtures/ss/wide.txt.');
    expect([stderr.text, exitCode]).toEqual(['', 0]);
  });

  it('takes the filters, and the formats', async () => {
    const { stdout } = await from('--state', 'close-wait,last-ack', '--json');
    const { connections } = JSON.parse(stdout.text) as Survey;
    expect(connections.map(({ state }) => state).toSorted()).toEqual([
      'CLOSE-WAIT',
      'CLOSE-WAIT',
      'LAST-ACK',
    ]);
    expect((await from('--format', 'openmetrics')).stdout.text).toMatch(/\n# EOF\n$/);
    expect((await from('--format', 'csv', '--no-headers')).stdout.text.split('\n')).toHaveLength(
      39,
    );
  });

  it('--all has a line each, and --top the worst', async () => {
    const ends = async (...args: readonly string[]) => {
      const { stdout } = await from('--no-headers', ...args);
      const rows = stdout.text.trimEnd().split('\n');
      return rows.map((row) => row.split(/ +/).slice(0, 2));
    };
    const all = await ends('--all');
    expect(all).toHaveLength(38);
    expect(await ends('--top', '3')).toEqual(all.slice(0, 3));
  });

  it('says which filters nothing matches, and is exit 0', async () => {
    const { stdout, exitCode } = await from('--port', '1', '--fate', 'dying,slow');
    expect(stdout.text).toMatch(
      /^0 connections at .*\n\nNo connection matches --port 1 --fate dying,slow\.\n/,
    );
    expect(exitCode).toBe(0);
    expect((await from('--port', '7001')).stdout.text).not.toContain('No connection');
    const { stdout: markdown } = await from('--unit', 'a|b', '--format', 'markdown');
    expect(markdown.text).toContain("\nNo connection matches --unit 'a\\|b'.\n");
  });

  it('--top has the worst as data too, and says of how many', async () => {
    const survey = async (...args: readonly string[]) =>
      JSON.parse((await from('--json', ...args)).stdout.text) as Survey;
    const all = await survey();
    const { connections, notes, processes } = await survey('--top', '3');
    expect(connections).toEqual(all.connections.slice(0, 3));
    expect(notes).toEqual([...all.notes, 'the worst 3 of 38 connections']);
    expect(processes).toEqual(all.processes);
    expect((await survey('--top', '38')).notes).toEqual(all.notes);

    const lines = async (...args: readonly string[]) => {
      const { stdout } = await from(...args);
      return stdout.text.trimEnd().split(/\r?\n/);
    };
    const csv = await lines('--format', 'csv', '--top', '3');
    expect(csv).toEqual((await lines('--format', 'csv')).slice(0, 4));
    const jsonl = await lines('--format', 'jsonl', '--top', '3');
    expect(jsonl.filter((line) => line.startsWith('{"kind":"connection"'))).toHaveLength(3);
  });

  it('--fail-on is exit 1, and a line for each reason', async () => {
    const { stderr, exitCode } = await from('--fail-on', 'leaked,unknown');
    expect([stderr.text, exitCode]).toEqual(['FAIL  leaked: 4\n', 1]);
    const fine = await from('--fail-on', 'unknown');
    expect([fine.stderr.text, fine.exitCode]).toEqual(['', 0]);
  });

  it('says what it could not read', async () => {
    const path = join(folder(), 'ss.txt');
    writeFileSync(path, 'ESTAB 0 0 10.0.0.5:443 192.0.2.7:40001\nhello \x1b[2J\n');
    const { stdout, exitCode } = await run(['ls', '--from', path]);
    expect(stdout.text).toMatch(/line 2 could not be read: nothing that ss/);
    expect(stdout.text).not.toContain('\x1b');
    expect(exitCode).toBe(0);
  });

  it('colours on a terminal, and only there', async () => {
    const terminal = { stdout: { columns: 100, rows: 40 } };
    expect((await run(['ls', '--from', SS], terminal)).stdout.text).toContain('\x1b[3');
    expect((await from()).stdout.text).not.toContain('\x1b');
  });
});

describe.skipIf(lacks('sockDiag'))('ls of this machine (needs sockDiag)', () => {
  it.each([
    ['999999', 'there is no process 999999', 3],
    ['2', /^process 2 \(.*\) is a thread of the kernel: it holds no sockets$/, 3],
  ] as const)('--pid %s is refused', async (pid, told, exitCode) => {
    const isThere = kernel.processFacts(Number(pid))?.isKernelThread;
    const refused = await refusal(['ls', '--pid', pid]);
    expect(refused.exitCode).toBe(exitCode);
    // In a container there are no threads of the kernel.
    if (isThere === true || pid !== '2') expect(refused.told).toMatch(told);
  });

  it.each(['/nonexistent', 'nobody-named-it-so', '999999', '/etc/hostname'])(
    '--netns %s is refused',
    async (choice) => {
      const { told, exitCode } = await refusal(['ls', '--netns', choice]);
      expect(exitCode).toBe(3);
      expect(told).toContain(`'${choice}'`);
    },
  );

  it('shows both ends of a connection, and who holds it', async () => {
    const host = ownAddress();
    const [{ observer }] = [await openPair(host), await openPair(host)];
    const { port } = observer.local;
    const args = ['ls', '--local', host, '--port', `${port}`, '--json'];
    const { stdout, stderr, exitCode } = await run(args);
    const { connections, listeners, processes } = JSON.parse(stdout.text) as Survey;
    expect([stderr.text, exitCode]).toEqual(['', 0]);
    expect(connections.map(({ process: owner }) => owner?.pid)).toEqual([process.pid, process.pid]);
    expect(connections.map(({ fate }) => fate.kind)).toEqual(['forever', 'forever']);
    expect(listeners.map(({ local }) => local.port)).toEqual([port]);
    expect(processes.map(({ pid }) => pid)).toEqual([process.pid]);
  });

  it('without owners says that nobody was asked', async () => {
    const host = ownAddress();
    await openPair(host);
    const args = ['ls', '--no-owners', '--local', host, '--json'];
    const { connections } = JSON.parse((await run(args)).stdout.text) as Survey;
    expect(connections.map(({ process: owner }) => owner)).toEqual([null, null]);
  });

  it('--top is as many as data has', async () => {
    const host = ownAddress();
    await openPair(host);
    const args = ['ls', '--local', host, '--json', '--top', '1'];
    const { connections, notes } = JSON.parse((await run(args)).stdout.text) as Survey;
    expect(connections).toHaveLength(1);
    expect(notes).toContain('the worst 1 of 2 connections');
  });

  it('--watch says what is new and what is gone, until Ctrl-C', { timeout: TEST_MS }, async () => {
    const host = ownAddress();
    const { observer, peer } = await openPair(host);
    const env = fakeEnvironment();
    const args = ['ls', '--watch', '500ms', '--local', host];
    const watching = buildProgram(env).parseAsync(args, { from: 'user' });
    await env.stdout.sees(/\d\d:\d\d:\d\d {2}2 now: forever 2\n/);
    observer.socket.destroy();
    peer.socket.destroy();
    await env.stdout.sees(/\d gone: /);
    env.interrupt();
    await watching;
    expect([env.exitCode, env.stderr.text]).toEqual([130, '']);
    expect(env.stdout.text).not.toContain('\x1b');
  });

  it.skipIf(lacksEngine || lacks('pidfd'))(
    '--ask tells who is silent, and leaves no record',
    { timeout: TEST_MS },
    async () => {
      const host = ownAddress();
      const [alive, gone] = await Promise.all([openPair(host), openPair(host)]);
      kernel.cut(gone.peer.fd, engine);
      const state = folder();
      const ask = async ({ observer }: Pair) => {
        const args = ['ls', '--ask=300ms', '--json', '--local', formatEndpoint(observer.local)];
        const env = await run(args, { variables: { XDG_STATE_HOME: state } });
        return (JSON.parse(env.stdout.text) as Survey).connections.map(({ ask: { kind } }) => kind);
      };
      expect(await ask(alive)).toEqual(['answers']);
      expect(await ask(gone)).toEqual(['silent']);
      expect(readdirSync(join(state, 'tcpalive'))).toEqual([]);
    },
  );
});

describe.skipIf(lacks('sockDestroy', 'pidfd'))('reap (needs sockDestroy, pidfd)', () => {
  it('leaves loopback alone, and says so', async () => {
    const host = ownAddress();
    const { observer } = await openPair(host);
    await until(() => kernel.tcpInfo(observer.fd) !== undefined, SOON_MS);
    const args = ['reap', '--yes', '--local', host];
    const state = folder();
    const { stdout, exitCode } = await run(args, { variables: { XDG_STATE_HOME: state } });
    expect(stdout.text).toBe('2 left alone: loopback\nNothing that was meant is proven dead.\n');
    expect([exitCode, readdirSync(state)]).toEqual([0, []]);
    expect(kernel.tcpInfo(observer.fd)?.state).toBe('ESTABLISHED');
  });

  it('refuses a process that is none', async () => {
    expect(await refusal(['reap', '--pid', '999999'])).toEqual({
      told: 'there is no process 999999',
      exitCode: 3,
    });
  });
});
