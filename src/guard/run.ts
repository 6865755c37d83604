/** A `Child`, from its start to the last of what it has started. */
import type { ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { resolve as resolvePath } from 'node:path';
import { msBetween } from '../core/time.js';
import { monotonicNow } from '../kernel/clock.js';
import type { HeldProcess, ProcessEnd } from '../kernel/process-view.js';
import { diagnose } from './before-kill.js';
import type {
  Child,
  ChildOptions,
  Exit,
  Standing,
  Started,
  Stopped,
  StopOptions,
} from './child.js';
import { endAll } from './ending.js';
import type { Family } from './family.js';

export interface Run extends Child {
  readonly token: string;
  /** Of the process that was started, whoever the main one is now: its session and its group. */
  readonly firstPid: number;
  /** Has the main process ended? It may be one whose end nobody tells. */
  look(): void;
}

const STREAMS = {
  inherit: ['ignore', 'inherit', 'inherit'],
  stderr: ['ignore', 2, 2],
  ignore: ['ignore', 'ignore', 'ignore'],
} as const;

interface Life {
  begun(run: Run): void;
  over(run: Run): void;
}

/** A followed process that is not adopted yet has another parent, whom its end is told. */
const WATCH_EVERY_MS = 50;

export function startRun(
  family: Family,
  token: string,
  options: ChildOptions,
  life: Life,
): Promise<Started> {
  const { command, cwd, descriptors = [], output = 'inherit' } = options;
  return new Promise((resolve) => {
    const fail = (error: NodeJS.ErrnoException) => resolve(failure(error, options));
    let process: ChildProcess | undefined;
    try {
      process = family.spawn(command, {
        cwd,
        env: family.marked(options.variables, token),
        stdio: [...STREAMS[output], ...descriptors],
      });
      process.once('error', fail);
      const { pid } = process;
      if (pid === undefined) return; // 'error' says why
      const first = { process, pid, held: hold(family, pid) };
      process.once('spawn', () => {
        const child = new StartedRun(family, token, first, options.hearFirst, life);
        life.begun(child);
        resolve({ kind: 'started', child });
      });
    } catch (error) {
      // What cannot be held cannot be guarded.
      process?.kill('SIGKILL');
      fail(error as NodeJS.ErrnoException);
    }
  });
}

/** Of a child that nobody has reaped yet, ended or not. @throws KernelRefusal, such as for want of descriptors */
function hold(family: Family, pid: number): HeldProcess {
  const held = family.kernel.holdProcess(pid);
  if (held === undefined) throw new Error(`process ${pid} was reaped by somebody else`);
  return held;
}

function failure(error: NodeJS.ErrnoException, { command, cwd }: ChildOptions): Started {
  const code = error.code ?? 'UNKNOWN';
  if (cwd !== undefined && !existsSync(cwd)) {
    return { kind: 'failed', code, reason: `the folder ${cwd} is not there` };
  }
  const [program = ''] = command;
  if (code === 'ENOENT' && program.includes('/') && existsSync(resolvePath(cwd ?? '.', program))) {
    const why = 'is there, but not the interpreter that its first line (#!) or its header names';
    return { kind: 'failed', code, reason: `${program} ${why}` };
  }
  const reason = `${program} ${REASONS[code] ?? `cannot be started: ${error.message}`}`;
  return { kind: 'failed', code, reason };
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'is not there',
  EACCES: 'may not be executed',
  EAGAIN: 'cannot be started: this user has too many processes (ulimit -u)',
};

interface First {
  readonly process: ChildProcess;
  readonly pid: number;
  readonly held: HeldProcess;
}

class StartedRun implements Run {
  readonly token: string;
  readonly firstPid: number;
  readonly exited: Promise<Exit>;
  readonly #family: Family;
  readonly #first: HeldProcess;
  readonly #hearFirst: () => void;
  readonly #life: Life;
  /** Main processes before this one, by number, and when they began. */
  readonly #former = new Map<number, number>();
  #main: { readonly pid: number; readonly held: HeldProcess };
  #watch: NodeJS.Timeout | undefined;
  #settle: (exit: Exit) => void = () => undefined;
  #hasExited = false;
  #stopped: Promise<Stopped> | undefined;

  constructor(
    family: Family,
    token: string,
    { process, pid, held }: First,
    hearFirst: () => void = () => undefined,
    life: Life,
  ) {
    this.#family = family;
    this.token = token;
    this.firstPid = pid;
    this.#first = held;
    this.#main = { pid, held };
    this.#hearFirst = hearFirst;
    this.#life = life;
    this.exited = new Promise((resolve) => {
      this.#settle = resolve;
    });
    process.once('exit', (code, signal) => this.#ended(pid, { code, signal }));
  }

  get pid(): number {
    return this.#main.pid;
  }

  standingOf(pid: number): Standing {
    if (pid === this.#main.pid && !this.#hasExited) return 'main';
    if (this.#family.runOf(pid) !== this) return 'stranger';
    const began = this.#former.get(pid);
    const isFormer =
      began !== undefined && this.#family.kernel.kinOf(pid)?.startedAtTicks === began;
    return isFormer ? 'former' : 'descendant';
  }

  follow(pid: number): boolean {
    if (pid === this.#main.pid) return !this.#hasExited;
    if (this.#hasExited) return false;
    const held = this.#family.kernel.holdProcess(pid);
    if (held === undefined) return false;
    // Held first: it is the descendant, or it is gone.
    if (this.standingOf(pid) === 'stranger' || held.hasEnded()) {
      held.release();
      return false;
    }
    const before = this.#family.kernel.kinOf(this.pid);
    if (before !== undefined) this.#former.set(this.pid, before.startedAtTicks);
    this.#leaveMain();
    this.#main = { pid, held };
    this.#watch = setInterval(() => this.look(), WATCH_EVERY_MS);
    return true;
  }

  look(): void {
    const { pid, held } = this.#main;
    if (pid === this.firstPid || this.#hasExited || !held.hasEnded()) return;
    this.#ended(pid, this.#family.kernel.reap(pid) ?? { code: null, signal: null });
  }

  stop(options: StopOptions): Promise<Stopped> {
    this.#stopped ??= this.#stop(options).then((stopped) => {
      // Whoever is left may be gone the next time: what waits for a disk dies once that answers.
      if (stopped.named.length > 0) this.#stopped = undefined;
      return stopped;
    });
    return this.#stopped;
  }

  async #stop({ stopTimeoutMs, extendedTo, beforeKill }: StopOptions): Promise<Stopped> {
    const began = monotonicNow();
    const beforeKillFailed =
      beforeKill === undefined || this.#hasExited
        ? undefined
        : await diagnose(this.#family, this.#main, this.token, beforeKill);
    const ended = await endAll(this.#family.kernel, {
      look: () => this.#family.membersOf(this),
      group: { id: this.firstPid, leader: this.#first },
      stopTimeoutMs,
      extendedTo,
    });
    // A main process that is named did not exit, and nobody is to wait for it.
    if (ended.named.some(({ pid }) => pid === this.pid)) this.#exit({ code: null, signal: null });
    else await this.exited;
    if (ended.named.length === 0) this.#over();
    return { ...ended, tookMs: msBetween(began, monotonicNow()), beforeKillFailed };
  }

  #over(): void {
    this.#leaveMain();
    this.#first.release();
    this.#life.over(this);
  }

  #ended(pid: number, end: ProcessEnd): void {
    if (pid !== this.#main.pid || this.#hasExited) return;
    this.#hearFirst();
    // It may have named its successor with its last words.
    if (pid === this.#main.pid) this.#exit(end);
  }

  #exit(end: ProcessEnd): void {
    if (this.#hasExited) return;
    this.#hasExited = true;
    clearInterval(this.#watch);
    this.#settle({ ...end, at: monotonicNow() });
  }

  /** The first process stays held: its group is reached through it. */
  #leaveMain(): void {
    clearInterval(this.#watch);
    if (this.#main.held !== this.#first) this.#main.held.release();
  }
}
