/**
 * The BPF program that tells who holds which socket, as instructions (Documentation/bpf/standardization/
 * instruction-set.rst). Called for each descriptor; the kernel's verifier checks every access of it.
 */

/** Of the kernel that runs: its number for bpf_iter_task_file, and the places of members in bytes. */
export interface KernelLayout {
  readonly iteratorId: number;
  /** file.f_inode */
  readonly inode: number;
  /** inode.i_ino */
  readonly inodeNumber: number;
  /** task_struct.pid */
  readonly thread: number;
  /** task_struct.tgid */
  readonly process: number;
}

/** Its context, `struct bpf_iter__task_file`. */
const META = 0;
const TASK = 8;
const DESCRIPTOR = 16;
const FILE = 24;
/** `struct bpf_iter_meta`. */
const SEQUENCE = 0;

const BPF_FUNC_SEQ_WRITE = 127;
const BPF_FUNC_SOCK_FROM_FILE = 162;

/** Process, descriptor, inode: what it writes stands there below the frame pointer. */
const RECORD = -16;
const RECORD_BYTES = 12;

/** Registers: the result, arguments, what calls leave alone, and the frame pointer. */
const [R0, R1, R2, R3, R6, R7, R8, R9, FP] = [0, 1, 2, 3, 6, 7, 8, 9, 10];

export function heldSocketsProgram({
  inode,
  inodeNumber,
  thread,
  process,
}: Omit<KernelLayout, 'iteratorId'>): Buffer {
  return assemble([
    load64(R6, R1, FILE),
    skipIfZero(R6),
    load64(R7, R1, TASK),
    skipIfZero(R7),
    load32(R8, R1, DESCRIPTOR),
    load64(R9, R1, META),
    // A thread with descriptors of its own is no process: /proc/PID/fd does not show them either.
    load32(R2, R7, process),
    load32(R3, R7, thread),
    skipIfDifferent(R2, R3),
    store32(RECORD, R2),
    store32(RECORD + 4, R8),
    copy(R1, R6),
    call(BPF_FUNC_SOCK_FROM_FILE),
    skipIfZero(R0),
    load64(R6, R6, inode),
    load64(R2, R6, inodeNumber),
    // sock_diag tells 32 bits of it, and a socket's has no more.
    store32(RECORD + 8, R2),
    load64(R1, R9, SEQUENCE),
    copy(R2, FP),
    add(R2, RECORD),
    set(R3, RECORD_BYTES),
    call(BPF_FUNC_SEQ_WRITE),
    SKIP,
    set(R0, 0),
    END,
  ]);
}

interface Instruction {
  readonly code: number;
  readonly to?: number;
  readonly from?: number;
  /** Of memory; a jump's is worked out. */
  readonly offset?: number;
  readonly value?: number;
  readonly isJump?: boolean;
}

/** Where every jump leads. */
const SKIP = 'skip';

const INSTRUCTION_BYTES = 8;

function assemble(lines: readonly (Instruction | typeof SKIP)[]): Buffer {
  const end = lines.indexOf(SKIP);
  const instructions = lines.filter((line) => line !== SKIP);
  const bytes = Buffer.alloc(instructions.length * INSTRUCTION_BYTES);
  instructions.forEach(
    ({ code, to = 0, from = 0, offset = 0, value = 0, isJump = false }, index) => {
      const at = index * INSTRUCTION_BYTES;
      bytes.writeUInt8(code, at);
      bytes.writeUInt8((from << 4) | to, at + 1);
      bytes.writeInt16LE(isJump ? end - index - 1 : offset, at + 2);
      bytes.writeInt32LE(value, at + 4);
    },
  );
  return bytes;
}

function load64(to: number, from: number, offset: number): Instruction {
  return { code: 0x79, to, from, offset };
}

function load32(to: number, from: number, offset: number): Instruction {
  return { code: 0x61, to, from, offset };
}

/** Below the frame pointer. */
function store32(offset: number, from: number): Instruction {
  return { code: 0x63, to: FP, from, offset };
}

function copy(to: number, from: number): Instruction {
  return { code: 0xbf, to, from };
}

function set(to: number, value: number): Instruction {
  return { code: 0xb7, to, value };
}

function add(to: number, value: number): Instruction {
  return { code: 0x07, to, value };
}

function call(value: number): Instruction {
  return { code: 0x85, value };
}

function skipIfZero(to: number): Instruction {
  return { code: 0x15, to, isJump: true };
}

function skipIfDifferent(to: number, from: number): Instruction {
  return { code: 0x5d, to, from, isJump: true };
}

const END: Instruction = { code: 0x95 };
