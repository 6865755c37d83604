/**
 * Does what is to be done for one service and says what came of it: its process, the ears that listen to it,
 * the addresses that restart it. Judges nothing.
 */
import { join } from 'node:path';
import type { ServiceNews } from '../core/guard/guard-log.js';
import type { CheckConfig, ServiceConfig } from '../core/guard/service-config.js';
import type { ServiceAction, ServiceInput } from '../core/guard/service-step.js';
import type { Ear, Sign } from '../core/guard/sign.js';
import type { Speech } from '../core/speech.js';
import type { Instant } from '../core/time.js';
import { TcpaliveError } from '../errors.js';
import type { Kernel } from '../kernel/kernel.js';
import type { BeatsListener } from './beats-listener.js';
import type { BeforeKill, Child, Started } from './child.js';
import type { Family } from './family.js';
import { watchHttp } from './http-check.js';
import type { NotifyListener } from './notify-listener.js';
import { runRestartCommand } from './restart-command.js';
import { callUrls, type UrlsCalled } from './restart-urls.js';
import { watchTcp } from './tcp-check.js';

/** What all services of a guardian share. */
export interface Tools {
  readonly kernel: Kernel;
  readonly family: Family;
  readonly beats: BeatsListener;
  readonly notify: NotifyListener;
  /** A folder of our own, for sockets. */
  readonly folder: string;
  /** The guardian's own environment. */
  readonly variables: Readonly<Record<string, string | undefined>>;
  /** Nobody else writes to standard output: what a service writes there goes to standard error. */
  readonly ownsStdout: boolean;
  /** What a server that is checked speaks. */
  speechFor(check: CheckConfig): Speech;
  /** That are trusted at its https addresses, in PEM; undefined: Node's own. They may be others the next time. */
  certificatesFor(service: ServiceConfig): string | undefined;
  /** Aborted when the guardian is to end: nothing new is called. */
  readonly interruption: AbortSignal;
}

/** What a service hears of. */
export interface Reports {
  input(input: ServiceInput): void;
  tell(news: ServiceNews): void;
}

type Action = Exclude<ServiceAction, { readonly kind: 'tell' | 'late' }>;

/** A stack trace of a large program takes a while, and a core dump longer. */
const DIAGNOSTIC_TIMEOUT_MS = 10_000;

/** Whatever restarts something may take that long to answer. */
const CALL_TIMEOUT_MS = 30_000;
const CALL_ATTEMPTS = 3;
const CALL_AGAIN_AFTER_MS = 1000;

let runs = 0;

export class ServiceHands {
  readonly #config: ServiceConfig;
  readonly #tools: Tools;
  readonly #reports: Reports;
  #child: Child | undefined;
  /** What it says by itself, from before its start to its end. */
  #voices: readonly Ear[] = [];
  #checks: readonly Ear[] = [];
  #extendedTo: Instant | undefined;
  #handOver: NodeJS.Timeout | undefined;

  constructor(config: ServiceConfig, tools: Tools, reports: Reports) {
    this.#config = config;
    this.#tools = tools;
    this.#reports = reports;
  }

  do(action: Action): void {
    switch (action.kind) {
      case 'start':
        void this.#start();
        break;
      case 'stop':
        void this.#stop(action.diagnose);
        break;
      case 'extend':
        this.#extendedTo = action.until;
        break;
      case 'act':
        void this.#act();
        break;
      case 'follow':
        this.#follow(action.pid);
        break;
    }
  }

  /** Checks are made while somebody wants to know. */
  listen(isWanted: boolean): void {
    if (isWanted === this.#checks.length > 0) return;
    clearTimeout(this.#handOver);
    this.#open(isWanted ? this.#config.checks : []);
  }

  #open(checks: readonly CheckConfig[]): void {
    for (const check of this.#checks) check.close();
    this.#checks = checks.map((check) => this.#check(check));
  }

  /**
   * A connection that stays is with the former process, which drains and answers. For a moment both may be
   * let in at the same socket: until that is over each question takes one of its own.
   */
  #askSuccessor(): void {
    const { checks, timeoutMs } = this.#config;
    if (this.#checks.length === 0) return;
    clearTimeout(this.#handOver);
    this.#open(checks.map((check) => ({ ...check, fresh: true })));
    this.#handOver = setTimeout(() => this.#open(checks), timeoutMs);
  }

  #check(check: CheckConfig): Ear {
    const { text, target, intervalMs, answerTimeoutMs: timeoutMs } = check;
    const hear = this.#hear(text);
    if (target.kind === 'http') {
      const { healthy, unhealthy } = check;
      const ca = () => this.#tools.certificatesFor(this.#config);
      return watchHttp({ url: target.url, ca, healthy, unhealthy, intervalMs, timeoutMs }, hear);
    }
    const { kernel } = this.#tools;
    const speech = this.#tools.speechFor(check);
    const { remote } = target;
    return watchTcp(kernel, { remote, speech, fresh: check.fresh, intervalMs, timeoutMs }, hear);
  }

  #hear(ear: string): (sign: Sign) => void {
    return (sign) => this.#reports.input({ kind: 'sign', ear, sign });
  }

  async #start(): Promise<void> {
    this.#child = undefined;
    const started = await this.#launch();
    if (started.kind === 'failed') {
      this.#silence();
      const { code, reason } = started;
      this.#reports.input({ kind: 'start-failed', code, reason });
      return;
    }
    const { child } = started;
    this.#child = child;
    this.#reports.input({ kind: 'started', pid: child.pid });
    const { code, signal } = await child.exited;
    this.#reports.input({ kind: 'exited', code, signal });
  }

  async #launch(): Promise<Started> {
    const { command = [], folder, variables, timeoutMs, output } = this.#config;
    const { family, beats, notify, variables: ours } = this.#tools;
    const path = join(this.#tools.folder, `notify-${++runs}`);
    const standingOf = (pid: number) => this.#child?.standingOf(pid) ?? 'stranger';
    try {
      this.#voices = [notify.open({ path, standingOf }, this.#hear('systemd'))];
    } catch (error) {
      // Its folder may be gone: whoever tidies up /tmp knows nothing of it. The other services go on.
      if (!(error instanceof TcpaliveError)) throw error;
      return { kind: 'failed', code: error.code, reason: error.message };
    }
    const beating = beats.expect(this.#hear('beats'));
    this.#voices = [...this.#voices, beating];
    return family.start({
      command,
      cwd: folder,
      output: output === 'inherit' && this.#tools.ownsStdout ? 'stderr' : output,
      variables: {
        ...ours,
        // The guardian's own are not its services'.
        WATCHDOG_PID: undefined,
        LISTEN_FDS: undefined,
        LISTEN_PID: undefined,
        ...variables,
        NOTIFY_SOCKET: path,
        WATCHDOG_USEC: String(timeoutMs * 1000),
        ...beating.variables,
      },
      hearFirst: () => notify.drain(),
    });
  }

  async #stop(diagnose: boolean): Promise<void> {
    const { stopTimeoutMs, beforeKill } = this.#config;
    this.#extendedTo = undefined;
    const stopped = await this.#child?.stop({
      stopTimeoutMs,
      extendedTo: () => this.#extendedTo,
      beforeKill: diagnose && beforeKill !== undefined ? bounded(beforeKill) : undefined,
    });
    this.#silence();
    this.#reports.input({
      kind: 'stopped',
      by: stopped?.by ?? 'already',
      tookMs: stopped?.tookMs ?? 0,
      survivors: stopped?.named ?? [],
      diagnosticFailed: stopped?.beforeKillFailed,
    });
  }

  async #act(): Promise<void> {
    const { restartUrls: urls, restartCommand: command } = this.#config;
    const { family, interruption } = this.#tools;
    if (command !== undefined) {
      const failure = await runRestartCommand(family, command, CALL_TIMEOUT_MS, interruption);
      const what = command[0] ?? '';
      this.#reports.tell({ event: 'called', what, attempt: 1, reason: failure ?? null });
      this.#reports.input({ kind: 'acted', failure });
      return;
    }
    const called = await callUrls(
      {
        urls,
        ca: this.#tools.certificatesFor(this.#config),
        timeoutMs: CALL_TIMEOUT_MS,
        attempts: CALL_ATTEMPTS,
        retryAfterMs: CALL_AGAIN_AFTER_MS,
        interruption,
      },
      ({ url, attempt, reason }) =>
        this.#reports.tell({ event: 'called', what: url, attempt, reason }),
    );
    this.#reports.input({ kind: 'acted', failure: failureOf(called) });
  }

  #follow(pid: number): void {
    const isFollowed = this.#child?.follow(pid) === true;
    const refusal = isFollowed ? undefined : 'it is gone, or no descendant of this service';
    if (isFollowed) this.#askSuccessor();
    this.#reports.input({ kind: 'followed', pid, refusal });
  }

  #silence(): void {
    for (const voice of this.#voices) voice.close();
    this.#voices = [];
  }
}

function failureOf(called: UrlsCalled): string | undefined {
  switch (called.kind) {
    case 'done':
      return undefined;
    case 'interrupted':
      return called.kind;
    case 'failed': {
      const { url, reason, notCalled } = called;
      return [`${url}: ${reason}`, ...notCalled.map((each) => `not called: ${each}`)].join('; ');
    }
  }
}

function bounded(beforeKill: NonNullable<ServiceConfig['beforeKill']>): BeforeKill {
  return { ...beforeKill, timeoutMs: DIAGNOSTIC_TIMEOUT_MS };
}
