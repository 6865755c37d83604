/**
 * Every socket that a process holds, told by the kernel in one go: a BPF iterator over all descriptors
 * (Documentation/bpf/bpf_iterators.rst), 0.3 us each where a link of /proc takes 3. From Linux 5.11 on,
 * and for root alone: whoever cannot have it reads the links.
 */
import { closeSync, fstatSync, openSync, readFileSync, readlinkSync, readSync } from 'node:fs';
import { longer } from '../../core/longer.js';
import type { Libc } from './libc.js';
import { Btf, FUNCTION, STRUCTURE } from './btf.js';
import { heldSocketsProgram, type KernelLayout } from './held-sockets-program.js';

/** bpf(2), which has no number that all share. */
const BPF: Partial<Record<NodeJS.Architecture, number>> = {
  x64: 321,
  arm64: 280,
  riscv64: 280,
  loong64: 280,
};
const BPF_PROG_LOAD = 5;
const BPF_LINK_CREATE = 28;
const BPF_ITER_CREATE = 33;
const BPF_PROG_TYPE_TRACING = 26;
const BPF_TRACE_ITER = 28;
/** `union bpf_attr` up to attach_btf_id; the kernel takes what follows for zeros. */
const ATTRIBUTES_BYTES = 112;

/** PROC_PID_INIT_INO, linux/proc_ns.h: elsewhere processes have other numbers than the kernel's own. */
const FIRST_PID_NAMESPACE = 'pid:[4026531836]';

const TYPES = '/sys/kernel/btf/vmlinux';
/** bpf_seq_write is for programs under the GPL alone. */
const LICENSE = Buffer.from('Dual MIT/GPL\0');

/**
 * Three numbers for each socket, its process, descriptor and inode, in the order of the processes.
 * @throws KernelRefusal where the kernel has no such iterator, or none for us; what node:fs throws
 */
export function iterateHeldSockets(libc: Libc): Uint32Array | undefined {
  const number = BPF[process.arch];
  const isFirst = readlinkSync('/proc/self/ns/pid') === FIRST_PID_NAMESPACE;
  const kernel = number === undefined || !isFirst ? undefined : layoutOfThisKernel(libc);
  if (number === undefined || kernel === undefined) return undefined;
  const bpf = (command: number, ...words: readonly Word[]) => {
    const attributes = attributesOf(words);
    const at = libc.addressOf(attributes);
    return libc.syscall('bpf', number, command, at, attributes.length);
  };
  const instructions = heldSocketsProgram(kernel);
  const closing = <T>(fd: number, use: (fd: number) => T): T => {
    try {
      return use(fd);
    } finally {
      libc.close(fd);
    }
  };
  const program = unlessInterrupted(() =>
    bpf(
      BPF_PROG_LOAD,
      [0, BPF_PROG_TYPE_TRACING],
      [4, instructions.length / INSTRUCTION_BYTES],
      [8, libc.addressOf(instructions)],
      [16, libc.addressOf(LICENSE)],
      [68, BPF_TRACE_ITER],
      [108, kernel.iteratorId],
    ),
  );
  const linked = () => bpf(BPF_LINK_CREATE, [0, program], [8, BPF_TRACE_ITER]);
  return closing(program, () =>
    closing(linked(), (link) => closing(bpf(BPF_ITER_CREATE, [0, link]), readNumbers)),
  );
}

/** The verifier gives up when a signal waits for this thread (do_check, kernel/bpf/verifier.c). */
function unlessInterrupted(load: () => number): number {
  for (let tries = 1; ; tries++) {
    try {
      return load();
    } catch (error) {
      if (!isAgain(error) || tries === MOST_TRIES) throw error;
    }
  }
}

const MOST_TRIES = 5;

/** EAGAIN, of ours and of Node's. */
function isAgain(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'EAGAIN';
}

const INSTRUCTION_BYTES = 8;

/** Where in the attributes, and what; an address has 64 bits. */
type Word = readonly [at: number, value: number | bigint];

function attributesOf(words: readonly Word[]): Buffer {
  const bytes = Buffer.alloc(ATTRIBUTES_BYTES);
  for (const [at, value] of words) {
    if (typeof value === 'bigint') bytes.writeBigUInt64LE(value, at);
    else bytes.writeUInt32LE(value, at);
  }
  return bytes;
}

let layout: { readonly kernel: KernelLayout | undefined } | undefined;

/** Looked for once. */
function layoutOfThisKernel(libc: Libc): KernelLayout | undefined {
  layout ??= { kernel: kernelLayout(readTypes(libc)) };
  return layout.kernel;
}

/** Read, it comes a page at a time, which takes 8 ms; from Linux 6.16 on it can be mapped. */
function readTypes(libc: Libc): Buffer {
  const fd = openSync(TYPES, 'r');
  try {
    return libc.mapped(fd, fstatSync(fd).size) ?? readFileSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Undefined where this kernel has it otherwise. */
function kernelLayout(types: Buffer): KernelLayout | undefined {
  const btf = new Btf(types);
  const found = btf.find({
    bpf_iter_task_file: FUNCTION,
    file: STRUCTURE,
    inode: STRUCTURE,
    task_struct: STRUCTURE,
  });
  const offset = (structure: 'file' | 'inode' | 'task_struct', member: string) => {
    const type = found.get(structure);
    return type === undefined ? undefined : btf.offsetOf(type, member);
  };
  const iteratorId = found.get('bpf_iter_task_file')?.id;
  const inode = offset('file', 'f_inode');
  const inodeNumber = offset('inode', 'i_ino');
  const thread = offset('task_struct', 'pid');
  const process = offset('task_struct', 'tgid');
  const isWhole =
    iteratorId !== undefined &&
    inode !== undefined &&
    inodeNumber !== undefined &&
    thread !== undefined &&
    process !== undefined;
  return isWhole ? { iteratorId, inode, inodeNumber, thread, process } : undefined;
}

/** The kernel tells 32 KiB at a time. */
function readNumbers(iterator: number): Uint32Array {
  let numbers = new Uint32Array(ROOM_NUMBERS);
  let end = 0;
  for (;;) {
    if (numbers.byteLength - end < LARGEST_READ_BYTES) {
      numbers = longer(numbers, 2 * numbers.length);
    }
    const got = readAgain(iterator, numbers, end);
    if (got === 0) return numbers.subarray(0, end / 4);
    end += got;
  }
}

const ROOM_NUMBERS = 262_144;
const LARGEST_READ_BYTES = 65_536;

/** After a million descriptors that are no socket the kernel wants to be asked anew. */
function readAgain(fd: number, into: Uint32Array, at: number): number {
  for (;;) {
    try {
      return readSync(fd, into, at, into.byteLength - at, null);
    } catch (error) {
      if (!isAgain(error)) throw error;
    }
  }
}
