import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { platform } from 'node:os';
import { describe, expect, it, onTestFinished } from 'vitest';
import { KernelRefusal } from '../../../src/kernel/kernel.js';
import { heldSocketsProgram } from '../../../src/kernel/linux/held-sockets-program.js';
import { readHeldSockets } from '../../../src/kernel/linux/held-sockets.js';
import { loadLibc } from '../../../src/kernel/linux/libc.js';
import { iterateHeldSockets } from '../../../src/kernel/linux/task-file-iterator.js';
import { openDescriptors } from '../../real-kernel.js';

/** So many that it pays to ask the kernel for them in one go. */
const MANY = 5000;

const EAGAIN = 11;

/** Who may load BPF programs into the kernel, and has one that describes its types. */
const lacksIterator = process.getuid?.() !== 0 || !existsSync('/sys/kernel/btf/vmlinux');

function requireLibc() {
  const libc = loadLibc();
  if (libc === undefined) throw new Error('no koffi');
  return libc;
}

/** What this process holds, as text, so that it can be compared. */
function ours(numbers: Uint32Array): readonly string[] {
  return Array.from({ length: numbers.length / 3 }, (_, at) => numbers.slice(3 * at, 3 * at + 3))
    .filter(([pid]) => pid === process.pid)
    .map(([, fd, inode]) => `${fd} ${inode}`);
}

async function listen(): Promise<void> {
  const server = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
}

describe.skipIf(platform() !== 'linux')('the sockets that processes hold', () => {
  it.skipIf(lacksIterator)('are the same in one go as by their links', async () => {
    const libc = requireLibc();
    await listen();
    const before = openDescriptors();
    const inOneGo = ours(iterateHeldSockets(libc) ?? Uint32Array.of());
    expect(inOneGo.length).toBeGreaterThan(0);
    expect(inOneGo).toEqual(ours(readHeldSockets(libc, 0).numbers));
    expect(openDescriptors()).toBe(before);
  });

  it.skipIf(lacksIterator)('are asked for again when a signal came in between', async () => {
    const libc = requireLibc();
    await listen();
    const interrupted = (times: number): typeof libc => ({
      ...libc,
      syscall: (...args) => {
        if (times-- > 0) throw new KernelRefusal('bpf', EAGAIN);
        return libc.syscall(...args);
      },
    });
    expect(ours(iterateHeldSockets(interrupted(4)) ?? Uint32Array.of())).toEqual(
      ours(readHeldSockets(libc, 0).numbers),
    );
    expect(() => iterateHeldSockets(interrupted(5))).toThrow(KernelRefusal);
  });

  it('are told by their links where the kernel refuses', async () => {
    const libc = requireLibc();
    await listen();
    const refusing = {
      ...libc,
      syscall: () => {
        throw new Error('refused');
      },
    };
    const byLinks = readHeldSockets(refusing, MANY);
    expect(ours(byLinks.numbers)).toEqual(ours(readHeldSockets(libc, 0).numbers));
  });
});

describe('heldSocketsProgram', () => {
  const layout = { inode: 0x20, inodeNumber: 0x40, thread: 0x4f0, process: 0x4f4 };

  it('is what the kernel is given, an instruction a line', () => {
    const lines = heldSocketsProgram(layout).toString('hex').match(/.{16}/g);
    expect(lines?.join('\n')).toMatchInlineSnapshot(`
      "7916180000000000
      1506140000000000
      7917080000000000
      1507120000000000
      6118100000000000
      7919000000000000
      6172f40400000000
      6173f00400000000
      5d320d0000000000
      632af0ff00000000
      638af4ff00000000
      bf61000000000000
      85000000a2000000
      1500080000000000
      7966200000000000
      7962400000000000
      632af8ff00000000
      7991000000000000
      bfa2000000000000
      07020000f0ffffff
      b70300000c000000
      850000007f000000
      b700000000000000
      9500000000000000"
    `);
  });
});
