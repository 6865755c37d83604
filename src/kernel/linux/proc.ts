/** What the kernel tells through files: sysctls, its configuration, descriptors of a process. */
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { release } from 'node:os';

const IPV4_SYSCTLS = '/proc/sys/net/ipv4';

/** @param wanted only these; default: everything under net.ipv4.tcp_* */
export function tcpSysctls(wanted = allTcpSysctls()): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  for (const name of wanted) {
    const value = tryRead(`${IPV4_SYSCTLS}/${name}`);
    if (value !== undefined) values.set(name, value.toString('latin1').trim());
  }
  return values;
}

export function setSysctl(name: string, value: string): boolean {
  if (!/^\w+$/.test(name)) throw new RangeError(`${name} is no name of a sysctl`);
  try {
    writeFileSync(`${IPV4_SYSCTLS}/${name}`, value);
    return true;
  } catch {
    // Read-only, unknown to this namespace, or not ours: the caller notes what could not be had.
    return false;
  }
}

/** As the running kernel was configured; undefined where that cannot be read. */
export function ticksPerSecond(): number | undefined {
  const zipped = tryRead('/proc/config.gz');
  const config = zipped === undefined ? tryRead(`/boot/config-${release()}`) : unzipped(zipped);
  const match = /^CONFIG_HZ=(\d+)$/m.exec(config?.toString('latin1') ?? '');
  return match === null ? undefined : Number(match[1]);
}

/** zlib is loaded for this alone: most commands ask the kernel itself. */
function unzipped(bytes: Buffer): Buffer {
  return process.getBuiltinModule('node:zlib').gunzipSync(bytes);
}

/** TCP sockets of this network namespace, those that wait for their end too: counted with IPv4's. */
export function socketsInUse(): { readonly ipv4: number; readonly ipv6: number } {
  const count = (file: string) => {
    const text = tryRead(`/proc/net/${file}`)?.toString('latin1') ?? '';
    const counts = text.matchAll(/(?<=^TCP6?: .*)\b(?:inuse|orphan|tw) (\d+)/gm);
    return [...counts].reduce((sum, [, number]) => sum + Number(number), 0);
  };
  return { ipv4: count('sockstat'), ipv6: count('sockstat6') };
}

/** Another one after every start of the machine. */
export function bootId(): string | undefined {
  return tryRead('/proc/sys/kernel/random/boot_id')?.toString('latin1').trim();
}

export function openDescriptors(pid: number): number | undefined {
  const folder = `/proc/${pid}/fd`;
  try {
    // From Linux 6.2 on the folder's size is their number, counted at one moment, and told to who has no
    // descriptor left to open it with; reading the entries can meet one twice while others come and go.
    const { size } = statSync(folder);
    return size > 0 ? size : readdirSync(folder).length;
  } catch {
    // It has ended, or is not ours to look at.
    return undefined;
  }
}

function tryRead(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch {
    // Not every kernel has every file.
    return undefined;
  }
}

function allTcpSysctls(): readonly string[] {
  try {
    return readdirSync(IPV4_SYSCTLS).filter((file) => file.startsWith('tcp_'));
  } catch {
    // A container may hide /proc/sys.
    return [];
  }
}
