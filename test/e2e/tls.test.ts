/** Names and TLS as a user has them: several addresses, certificates, and who notices what under them. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { ProbeResult } from '../../src/core/probe-result.js';
import { certificates, tlsEcho } from '../net/tls-server.js';
import { ADDRESS, lacksNetwork, ownNetwork, type Network } from './network.js';
import { run, start, type Run } from './program.js';
import { lacksPrograms, nginx, redis } from './real-servers.js';

const BIN = 'dist/cli.cjs';
const HEARTBEAT = ['--protocol', 'tcpalive', '--mode', 'heartbeat=200ms:1s'];

/** Long enough to be open, and nothing is sent. */
const QUIET = ['--mode', 'keepalive=5s:1s:3', '--duration', '300ms', '--json'];

describe('probe --tls', () => {
  it('is quiet about who is alive, and notices who is not', async () => {
    const { port } = await tlsEcho();
    const trusted = ['--tls', '--ca', file('ca.pem', certificates().ca), ...HEARTBEAT, '--json'];
    const [alive, cut] = await Promise.all([
      run(['probe', `127.0.0.1:${port}`, ...trusted, '--count', '8']),
      run(['probe', `localhost:${port}`, ...trusted, '--drop-after', '500ms']),
    ]);
    expect(resultOf(alive)).toMatchObject({
      ...{ verdict: { kind: 'alive' }, beats: { answered: 8 }, notes: [] },
      tls: { protocol: 'TLSv1.3', subject: 'CN=localhost', problem: null },
    });
    expect(resultOf(cut)).toMatchObject({
      ...{ verdict: { kind: 'dead', by: 'heartbeat' }, drop: { proven: true, agrees: true } },
      ...{ target: `localhost:${port}`, remote: `127.0.0.1:${port}`, tls: { problem: null } },
    });
    expect([alive.code, cut.code]).toEqual([0, 0]);
  });

  it('refuses whom it cannot trust in one line and a hint, unless that is wanted', async () => {
    const { port } = await tlsEcho(certificates().hostile);
    const address = `127.0.0.1:${port}`;
    const [refused, wanted, insane] = await Promise.all([
      run(['probe', address, '--tls']),
      run(['probe', address, '--tls', '--insecure', ...HEARTBEAT, '--count', '1']),
      run(['probe', address, '--insecure']),
    ]);
    expect(refused).toEqual({
      ...{ code: 3, stdout: '' },
      stderr:
        `error: no TLS with ${address}: its certificate is not trusted: it is signed by itself (TLS_FAILED)\n` +
        '  --ca FILE with who signed it, --servername NAME that it is for, or --insecure\n',
    });
    expect(wanted.code).toBe(0);
    expect(wanted.stdout).toContain(
      'with CN=\\x1b]0;owned\\x07, NOT TRUSTED: it is signed by itself\n',
    );
    expect(wanted.stdout).toMatch(/^Note: .* is not trusted \(it is signed by itself\)/m);
    expect(insane).toMatchObject({ code: 2, stdout: '' });
  });
});

const lacksServers = lacksNetwork || lacksPrograms('nginx', 'redis-server');

describe.skipIf(lacksServers)('servers (need a network namespace, nginx and redis-server)', () => {
  it('have their names: one address of several is used, and a certificate', async () => {
    const network = await ownNetwork();
    const { server, ca } = certificates();
    await Promise.all([
      redis(network),
      nginx(network, {
        listen: 'ssl',
        http: {
          ssl_certificate: file('server.pem', server.cert),
          ssl_certificate_key: file('server.key', server.key),
        },
      }),
    ]);
    const hosts = file('hosts', `::1 both.test six.test\n${ADDRESS} both.test localhost\n`);
    const probe = (...args: readonly string[]) => named(network, hosts, ['probe', ...args]);
    const [one, six, none, web, lost] = await Promise.all([
      probe('both.test:6379', ...QUIET),
      probe('both.test:6379', '-6', ...QUIET),
      probe('six.test:6379', '-4', ...QUIET),
      probe('localhost:80', '--tls', '--ca', file('ca.pem', ca), ...QUIET),
      probe('[fe80::1]:80', ...QUIET),
    ]);
    const { addresses, ...used } = resultOf(one);
    expect(addresses.toSorted()).toEqual([ADDRESS, '::1'].toSorted());
    expect(used).toMatchObject({ remote: `${ADDRESS}:6379`, verdict: { kind: 'alive' } });
    expect(six).toMatchObject({
      ...{ code: 3, stdout: '' },
      stderr: expect.stringMatching(
        /^error: cannot connect to both\.test:6379 \(::1\): connection refused \(UNREACHABLE\)\n/,
      ) as string,
    });
    expect(none.stderr).toBe(
      'error: cannot connect to six.test:6379: it has no IPv4 address, only ::1 (UNREACHABLE)\n' +
        '  leave out -4\n',
    );
    expect(lost.stderr).toMatch(
      /^error: cannot connect to \[fe80::1\]:80: a link-local address needs its interface: fe80::1%eth0 /,
    );
    expect(resultOf(web)).toMatchObject({
      ...{ verdict: { kind: 'alive' }, remote: `${ADDRESS}:80` },
      tls: { subject: 'CN=localhost', issuer: 'CN=tests of tcpalive', problem: null },
    });
  });
});

/** The same command where that file says which addresses a name has. */
function named(network: Network, hosts: string, args: readonly string[]): Promise<Run> {
  const script = 'mount --bind "$0" /etc/hosts && exec "$@"';
  const words = ['unshare', '--mount', 'sh', '-c', script, hosts, process.execPath, BIN, ...args];
  return start([], { bin: BIN, command: network.command(...words) }).ended;
}

function resultOf({ stdout, stderr }: Run): ProbeResult {
  if (stdout === '') throw new Error(stderr);
  return JSON.parse(stdout) as ProbeResult;
}

function file(name: string, text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'tcpalive-tls-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}
