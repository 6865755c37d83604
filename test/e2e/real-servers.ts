/**
 * Servers that are not ours, as Debian has them, in a network of a test's own: each listens when its
 * function resolves, runs in the foreground with a configuration of its own, and is gone after the
 * test with all that it forked. What needs root says so; everything else makes do with a namespace.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Endpoint } from '../../src/core/endpoint.js';
import { until } from '../until.js';
import { ADDRESS, SOON_MS, type Network } from './network.js';
import { start, type Running } from './program.js';

export interface RealServer extends Endpoint, Running {
  /** Of the process that listens. */
  readonly pid: number;
}

/** `sshd` and `memcached` change their user, which takes real root. */
type Program =
  'redis-server' | 'nginx' | 'mosquitto' | 'memcached' | 'sshd' | 'systemd-socket-activate';

type Settings = Readonly<Record<string, string | number>>;

/** Where it runs and listens: at the network's own address and the program's usual port. */
type Place = Pick<Network, 'command' | 'pid'>;
type At = Partial<Endpoint>;

/** CI has them all, and may not skip for want of one. */
export function lacksPrograms(...names: readonly Program[]): boolean {
  return (
    process.env['CI'] === undefined &&
    names.some((name) => spawnSync('which', [name], { env: { PATH } }).status !== 0)
  );
}

/** In the words of redis.conf: `{ 'tcp-keepalive': 3, timeout: 3, requirepass: 'secret' }`. */
export function redis(place: Place, settings: Settings = {}, at: At = {}): Promise<RealServer> {
  const { address, port } = { address: ADDRESS, port: 6379, ...at };
  const fixed = { bind: address, port, 'protected-mode': 'no', save: '', dir: temporaryFolder() };
  const words = Object.entries({ ...fixed, ...settings }).flatMap(([name, value]) => [
    `--${name}`,
    `${value}`,
  ]);
  return listens(place, { address, port }, ['redis-server', ...words]);
}

export interface NginxSettings {
  /** Behind the address of `listen`: `so_keepalive=2s:1s:3`. */
  readonly listen?: string;
  /** Directives of `http`: `{ client_header_timeout: '3s', reset_timedout_connection: 'on' }`. */
  readonly http?: Settings;
}

/** Answers every request with `ok`. One process, root in its network: no worker is left behind. */
export function nginx(
  place: Place,
  { listen = '', http = {} }: NginxSettings = {},
  at: At = {},
): Promise<RealServer> {
  const { address, port } = { address: ADDRESS, port: 80, ...at };
  const own = temporaryFolder();
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${own};`,
  );
  const directives = Object.entries(http).map(([name, value]) => `${name} ${value};`);
  const configuration = `
    daemon off; master_process off; user root; pid ${own}/pid; error_log stderr notice;
    events {}
    http {
      access_log off; ${paths.join(' ')} ${directives.join(' ')}
      server { listen ${host(address)}:${port} ${listen}; location / { return 200 "ok\\n"; } }
    }`;
  return listens(place, { address, port }, [
    ...['nginx', '-p', own, '-e', 'stderr'],
    ...['-c', file(own, 'nginx.conf', configuration)],
  ]);
}

/** In the words of mosquitto.conf(5). */
export function mosquitto(place: Place, settings: Settings = {}, at: At = {}): Promise<RealServer> {
  const { address, port } = { address: ADDRESS, port: 1883, ...at };
  // Whoever runs it is root in there, and no other user could be had in a user namespace.
  const fixed = { user: 'root', allow_anonymous: 'true', listener: `${port} ${address}` };
  const path = file(temporaryFolder(), 'mosquitto.conf', lines({ ...fixed, ...settings }));
  return listens(place, { address, port }, ['mosquitto', '-c', path]);
}

/** With flags such as `-o idle_timeout=3`. As root. */
export function memcached(
  place: Place,
  flags: readonly string[] = [],
  at: At = {},
): Promise<RealServer> {
  const { address, port } = { address: ADDRESS, port: 11_211, ...at };
  const words = ['-u', 'root', '-l', address, '-p', `${port}`, '-U', '0', ...flags];
  return listens(place, { address, port }, ['memcached', ...words]);
}

/** In the words of sshd_config(5): `{ LoginGraceTime: 3, TCPKeepAlive: 'yes' }`. As root. */
export function sshd(place: Place, settings: Settings = {}, at: At = {}): Promise<RealServer> {
  const { address, port } = { address: ADDRESS, port: 22, ...at };
  const own = temporaryFolder();
  const key = join(own, 'host-key');
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
  const fixed = { HostKey: key, PidFile: 'none', ListenAddress: address, Port: port };
  const path = file(own, 'sshd_config', lines({ ...fixed, ...settings }));
  // Its folder for those who are not logged in yet is made where nobody else sees it, and what it
  // forked, each in a session of its own, ends with it.
  const script = 'mount -t tmpfs none /run && mkdir -m 755 /run/sshd && exec "$0" "$@"';
  return listens(place, { address, port }, [
    ...['unshare', '--mount', '--pid', '--fork', '--kill-child'],
    ...['sh', '-c', script, '/usr/sbin/sshd', '-D', '-e', '-f', path],
  ]);
}

/** A script for Node of the test's own, with whatever arguments make it listen on that port. */
export function nodeServer(
  place: Place,
  script: string,
  args: readonly string[],
  port: number,
): Promise<RealServer> {
  return listens(place, { address: ADDRESS, port }, [process.execPath, script, ...args]);
}

/** Of that network alone: `{ tcp_keepalive_time: 3 }`. */
export function setSysctls({ command }: Pick<Network, 'command'>, values: Settings): void {
  for (const [name, value] of Object.entries(values)) {
    const [program = '', ...words] = command('tee', `/proc/sys/net/ipv4/${name}`);
    execFileSync(program, words, { input: `${value}`, stdio: ['pipe', 'ignore', 'inherit'] });
  }
}

/** Debian keeps servers where only root's shell looks. */
const PATH = `${process.env['PATH'] ?? ''}:/usr/sbin`;

async function listens(
  { command, pid }: Place,
  endpoint: Endpoint,
  words: readonly string[],
): Promise<RealServer> {
  const running = start([], {
    bin: '',
    command: command(...words),
    variables: { PATH },
  });
  const { child, printed } = running;
  const isUp = () => listensThere(pid, endpoint.port) || child.exitCode !== null;
  await until(isUp, SOON_MS).catch((cause: unknown) => {
    throw new Error(`does not listen: ${words.join(' ')}\n${printed()}`, { cause });
  });
  if (child.exitCode !== null) throw new Error(`${words.join(' ')} ended:\n${printed()}`);
  return { ...running, ...endpoint, pid: innermost(child.pid ?? 0) };
}

/** State 0A is LISTEN (proc_pid_net(5)); nobody else is in there. */
function listensThere(pid: number, port: number): boolean {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  const listening = new RegExp(`^ *\\d+: [0-9A-F]+:${hex} [0-9A-F]+:0000 0A `, 'm');
  return ['tcp', 'tcp6'].some((table) =>
    listening.test(readFileSync(`/proc/${pid}/net/${table}`, 'latin1')),
  );
}

/** Who forked to be somebody's parent is not whom we are after. */
function innermost(pid: number): number {
  const name = readFileSync(`/proc/${pid}/comm`, 'latin1').trim();
  if (name !== 'unshare') return pid;
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1'));
}

export function temporaryFolder(): string {
  const path = mkdtempSync(join(tmpdir(), 'tcpalive-server-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

function file(own: string, name: string, text: string): string {
  const path = join(own, name);
  writeFileSync(path, text);
  return path;
}

function lines(settings: Settings): string {
  return Object.entries(settings)
    .map(([name, value]) => `${name} ${value}\n`)
    .join('');
}

function host(address: string): string {
  return address.includes(':') ? `[${address}]` : address;
}
