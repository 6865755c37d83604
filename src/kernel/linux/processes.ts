/** Other processes: what /proc tells of them, and their sockets as far as our rights reach. */
import {
  closeSync,
  constants,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  type Stats,
} from 'node:fs';
import { KernelRefusal } from '../kernel.js';
import type { Borrow, NetworkNamespace, ProcessFacts } from '../socket-view.js';
import type { Libc } from './libc.js';

export const PIDFD_OPEN = 434;
const PIDFD_GETFD = 438;
const CLONE_NEWNET = 0x4000_0000;

/** ip-netns(8) keeps them there. */
const NAMED_NAMESPACES = '/run/netns';

/** include/linux/sched.h. */
const PF_KTHREAD = 0x0020_0000;

/** `socket:[`, and room for an inode's number and the bracket. */
const LINK_ROOM_BYTES = 64;
const SHORTEST_SOCKET_LINK_BYTES = 'socket:[1]'.length;
const SOCK = Buffer.from('sock').readUInt32LE();
const ET = Buffer.from('et:[').readUInt32LE();

export function processIds(): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

export function processFacts(pid: number): ProcessFacts | undefined {
  const stat = processStat(pid);
  if (stat === undefined) return undefined;
  const { name, fields } = stat;
  const limit = /^Max open files\s+(\d+)/m.exec(tryRead(`/proc/${pid}/limits`) ?? '')?.[1];
  return {
    name,
    parentPid: Number(fields[1]),
    isKernelThread: (Number(fields[6]) & PF_KTHREAD) !== 0,
    startedAtTicks: Number(fields[19]),
    cgroup: cgroupPath(tryRead(`/proc/${pid}/cgroup`) ?? ''),
    descriptorLimit: limit === undefined ? null : Number(limit),
  };
}

/** What proc_pid_stat(5) tells: the name, and the fields from the third on. */
export function processStat(
  pid: number,
): { readonly name: string; readonly fields: readonly string[] } | undefined {
  const stat = tryRead(`/proc/${pid}/stat`);
  if (stat === undefined) return undefined;
  // The name is in brackets and may hold brackets itself.
  const end = stat.lastIndexOf(')');
  const name = stat.slice(stat.indexOf('(') + 1, end);
  return { name, fields: stat.slice(end + 2).split(' ') };
}

/** The loop that decides how long `ls` takes: one system call a descriptor, and nothing kept. */
export function eachSocket(
  libc: Libc,
  pid: number,
  found: (inode: number, fd: number) => void,
): boolean {
  let folder: number;
  try {
    folder = openSync(`/proc/${pid}/fd`, constants.O_RDONLY | constants.O_DIRECTORY);
  } catch {
    // It has ended, or is not ours to look at.
    return false;
  }
  const room = Buffer.alloc(LINK_ROOM_BYTES);
  try {
    for (const fd of descriptors(pid)) {
      const inode = socketInode(room, libc.readlinkAt(folder, `${fd}`, room));
      if (inode !== 0) found(inode, fd);
    }
  } finally {
    closeSync(folder);
  }
  return true;
}

/**
 * Descriptors are given from 0 on: where they are dense, trying every number is quicker than the list,
 * for which the kernel makes an entry each.
 */
function descriptors(pid: number): Iterable<number> {
  const room = Number(/^FDSize:\s+(\d+)/m.exec(tryRead(`/proc/${pid}/status`) ?? '')?.[1]);
  // From Linux 6.2 on; before, 0.
  const open = tryStat(`/proc/${pid}/fd`)?.size ?? 0;
  return room <= 2 * open + ALWAYS_TRIED
    ? Array.from({ length: room }, (_, fd) => fd)
    : tryList(`/proc/${pid}/fd`).map(Number);
}

/** The smallest table that the kernel makes (BITS_PER_LONG, fs/file.c), a few times. */
const ALWAYS_TRIED = 256;

export function withProcess<T>(libc: Libc, pid: number, work: (borrow: Borrow) => T): T {
  const process = libc.syscall('pidfd_open', PIDFD_OPEN, pid, 0);
  try {
    return work((fd, use) => {
      const duplicate = libc.syscall('pidfd_getfd', PIDFD_GETFD, process, fd, 0);
      try {
        return use(duplicate);
      } finally {
        libc.close(duplicate);
      }
    });
  } finally {
    libc.close(process);
  }
}

export function networkNamespace(pid: number): NetworkNamespace | undefined {
  const path = `/proc/${pid}/ns/net`;
  const id = tryReadLink(path);
  return id === undefined ? undefined : { id, path };
}

export function namedNetworkNamespaces(): ReadonlyMap<string, NetworkNamespace> {
  const named = new Map<string, NetworkNamespace>();
  for (const name of tryList(NAMED_NAMESPACES)) {
    const path = `${NAMED_NAMESPACES}/${name}`;
    const inode = tryStat(path)?.ino;
    if (inode !== undefined) named.set(name, { id: `net:[${inode}]`, path });
  }
  return named;
}

/**
 * setns(2) moves the calling thread alone: Node's own, which runs `work` and comes back. The same
 * right is asked for the way back: whoever may not enter his own again does not leave it.
 */
export function inNetworkNamespace<T>(libc: Libc, path: string, work: () => T): T {
  const home = openSync('/proc/thread-self/ns/net', constants.O_RDONLY);
  try {
    libc.setns(home, CLONE_NEWNET);
    const there = openNamespace(path);
    try {
      libc.setns(there, CLONE_NEWNET);
    } finally {
      closeSync(there);
    }
    try {
      return work();
    } finally {
      libc.setns(home, CLONE_NEWNET);
    }
  } finally {
    closeSync(home);
  }
}

function openNamespace(path: string): number {
  try {
    return openSync(path, constants.O_RDONLY);
  } catch (error) {
    const { errno = 0 } = error as NodeJS.ErrnoException;
    throw new KernelRefusal(`open ${path}`, Math.abs(errno));
  }
}

/** Of `socket:[4711]`; 0: no socket. */
function socketInode(link: Buffer, length: number): number {
  if (length < SHORTEST_SOCKET_LINK_BYTES) return 0;
  if (link.readUInt32LE(0) !== SOCK || link.readUInt32LE(4) !== ET) return 0;
  let inode = 0;
  for (let at = SHORTEST_SOCKET_LINK_BYTES - 2; at < length - 1; at++) {
    inode = inode * 10 + ((link[at] ?? 0) - 48);
  }
  return inode;
}

/** The unified hierarchy's line, `0::/path`; before cgroup v2 systemd's own. */
function cgroupPath(text: string): string {
  const lines = text.split('\n');
  const line =
    lines.find((each) => each.startsWith('0::') && each !== '0::/') ??
    lines.find((each) => each.includes(':name=systemd:')) ??
    '';
  return line.split(':').slice(2).join(':');
}

export function tryRead(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // It has ended meanwhile, or is not ours to look at.
    return undefined;
  }
}

function tryReadLink(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

export function tryList(path: string): readonly string[] {
  try {
    return readdirSync(path);
  } catch {
    // Nobody has named one.
    return [];
  }
}

function tryStat(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}
