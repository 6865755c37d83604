/**
 * What a guardian has started, and all that came of it. The guardian adopts what its services leave
 * behind (PR_SET_CHILD_SUBREAPER), so that every descendant hangs on it by a chain of parents: who is no
 * stranger is read off that chain, and never off a number alone.
 */
import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { carries, MARKER, markerOf, runToken } from '../core/guard/marker.js';
import type { Kernel } from '../kernel/kernel.js';
import type { ChildOptions, Started } from './child.js';
import { livingBelow, type Living, type Process } from './descent.js';
import type { Member } from './ending.js';
import { startRun, type Run } from './run.js';

export class Family {
  readonly kernel: Kernel;
  /** In the environment of all of them, within TCPALIVE_GUARD: what a sentinel ends. */
  readonly token = randomUUID();
  readonly #outside = randomUUID();
  readonly #inherited: string | undefined;
  readonly #session: number | undefined;
  /** Children in sessions of their own that Node reaps, by number. */
  readonly #own = new Set<number>();
  readonly #runs = new Set<Run>();
  #started = 0;

  /**
   * One in a process at a time: the whole process adopts.
   * @param variables the guardian's own environment
   * @throws TcpaliveError NO_CAPABILITY
   */
  constructor(kernel: Kernel, variables: Readonly<Record<string, string | undefined>>) {
    this.kernel = kernel;
    this.#inherited = variables[MARKER];
    this.#session = kernel.kinOf(process.pid)?.sessionId;
    kernel.adoptOrphans(true);
    process.on('SIGCHLD', this.#reap);
  }

  start(options: ChildOptions): Promise<Started> {
    const token = runToken(this.token, ++this.#started);
    return startRun(this, token, options, {
      begun: (run) => this.#runs.add(run),
      over: (run) => this.#runs.delete(run),
    });
  }

  /** For whatever a guardian starts in a session of its own: nobody but Node reaps it, or takes it for an orphan. */
  spawn(
    [program = '', ...args]: readonly string[],
    options: Omit<SpawnOptions, 'detached'>,
  ): ChildProcess {
    const child = spawn(program, args, { ...options, detached: true });
    const { pid } = child;
    if (pid !== undefined) {
      this.#own.add(pid);
      child.once('exit', () => this.#own.delete(pid));
    }
    return child;
  }

  /** The environment of what belongs to a run. */
  marked(variables: ChildOptions['variables'], token: string): ChildOptions['variables'] {
    return { ...variables, [MARKER]: markerOf(this.#inherited, token) };
  }

  /** The environment of what is no run's: what it leaves behind is adopted, and ended with nobody. */
  outside(variables: ChildOptions['variables']): ChildOptions['variables'] {
    return this.marked(variables, this.#outside);
  }

  /** Whose descendant a process is; undefined: nobody's, or it is gone. */
  runOf(pid: number): Run | undefined {
    for (let at = pid, steps = 0; steps < DEEPEST; steps++) {
      const kin = this.kernel.kinOf(at);
      if (kin === undefined) return undefined;
      if (kin.parentPid === process.pid) return this.#ownerOf({ pid: at, ...kin });
      if (kin.parentPid === 0) return undefined;
      at = kin.parentPid;
    }
    return undefined;
  }

  /** All of a run that have not ended. */
  membersOf(run: Run): Living<Member> {
    return this.#membersWhere((owner) => owner === run);
  }

  /** Adopted, and no known run's: they had left its session and cleared its environment. */
  strangers(): readonly Member[] {
    return this.#membersWhere((owner) => owner === undefined).found;
  }

  /** Adopts and reaps no more. Its children are to be stopped before. */
  close(): void {
    process.off('SIGCHLD', this.#reap);
    this.#reap();
    this.kernel.adoptOrphans(false);
  }

  #membersWhere(isMeant: (owner: Run | undefined) => boolean): Living<Member> {
    const isTheirs = (child: Process) => this.#isOfRuns(child) && isMeant(this.#ownerOf(child));
    return livingBelow(this.kernel, (each) => each.parentPid === process.pid && isTheirs(each));
  }

  /** Of a child: a run's first process, or adopted; not what a guardian starts for itself. */
  #isOfRuns({ pid, sessionId }: Process): boolean {
    const isOurs = this.#own.has(pid) && this.#runStartedAs(pid) === undefined;
    return sessionId !== this.#session && !isOurs;
  }

  /** Of a child of ours. */
  #ownerOf(child: Process): Run | undefined {
    if (!this.#isOfRuns(child)) return undefined;
    // Until it is reaped its number is nobody else's.
    if (this.#own.has(child.pid)) return this.#runStartedAs(child.pid);
    const marker = this.kernel.variableOf(child.pid, MARKER);
    if (carries(marker, this.#outside)) return undefined;
    const [only] = this.#runs;
    return (
      this.#runMarked(marker) ??
      this.#runStartedAs(child.sessionId) ??
      this.#runStartedAs(child.groupId) ??
      (this.#runs.size === 1 ? only : undefined)
    );
  }

  #runStartedAs(pid: number): Run | undefined {
    return [...this.#runs].find((run) => run.firstPid === pid);
  }

  #runMarked(marker: string | undefined): Run | undefined {
    return [...this.#runs].find((run) => carries(marker, run.token));
  }

  /** SIGCHLD stands for one or many. Node reaps its own; those that we have adopted are ours. */
  readonly #reap = (): void => {
    for (const run of this.#runs) run.look();
    let isAny: boolean;
    do {
      isAny = false;
      for (const pid of this.kernel.children()) {
        if (this.#own.has(pid)) continue;
        const kin = this.kernel.kinOf(pid);
        // What Node starts is of our session, or in #own; a session that was left is never entered again.
        if (kin?.hasEnded !== true || kin.sessionId === this.#session) continue;
        if (this.kernel.reap(pid) !== undefined) isAny = true;
      }
    } while (isAny);
  };
}

/** Of a chain of parents: beyond it, it has changed while it was walked. */
const DEEPEST = 1000;
