/** What the guardian is told of a service, the same from flags and from a file. */
import type { ActionUrl, CheckTarget } from './check-target.js';
import type { HealthCondition } from './health-condition.js';

export interface GuardConfig {
  /** At least one, no two names alike; they are started in this order, and stopped in the other one. */
  readonly services: readonly ServiceConfig[];
}

export interface ServiceConfig {
  /** 1 to 64 letters, digits, dots, dashes and underscores. */
  readonly name: string;
  /** The program and its arguments; undefined: it is somebody else's child, and only watched. */
  readonly command: readonly string[] | undefined;
  /** Where it runs; undefined: where the guardian does. */
  readonly folder: string | undefined;
  /** Beside those that the guardian has. */
  readonly variables: Readonly<Record<string, string>>;
  readonly checks: readonly CheckConfig[];
  /** A file of certificates that are trusted at https addresses, instead of Node's own; undefined: those. */
  readonly ca: string | undefined;
  /** What it has to say by itself; what it says unasked counts from the first word on. */
  readonly aliveBy: readonly OwnVoice[];
  /** How long each of its signs of life may stay away. */
  readonly timeoutMs: number;
  /** How long after its start the first of each may take. */
  readonly startTimeoutMs: number;
  /** Between SIGTERM and SIGKILL. */
  readonly stopTimeoutMs: number;
  /** `report`: a dead service is only told of. */
  readonly onDead: 'restart' | 'report';
  /** When it ends by itself: `on-failure` leaves it alone where it ended well. */
  readonly onExit: 'always' | 'on-failure';
  readonly restarts: RestartLimit;
  readonly backOff: BackOff;
  readonly onGiveUp: 'exit' | 'wait';
  /** Called in order, for what is no child; each must answer 2xx. */
  readonly restartUrls: readonly ActionUrl[];
  /** Run instead. */
  readonly restartCommand: readonly string[] | undefined;
  /** What a hung process is made to tell before it is ended. */
  readonly beforeKill: BeforeKill | undefined;
  /** Of its standard output and error: the guardian's own, or nowhere. */
  readonly output: 'inherit' | 'ignore';
}

/** What a service says without being asked. */
export type OwnVoice = 'beats' | 'systemd';

export interface CheckConfig {
  /** What is shown of it, by which its signs go: no two of a service are alike. */
  readonly text: string;
  readonly target: CheckTarget;
  /** A preset's name, or a file, for tcp; undefined: what the port suggests. */
  readonly protocol: string | undefined;
  /** A connection of its own for each question, for tcp. */
  readonly fresh: boolean;
  /** What the answer must say, all of it, and must not, for http. */
  readonly healthy: readonly HealthCondition[];
  readonly unhealthy: readonly HealthCondition[];
  readonly intervalMs: number;
  /** How long an answer may take. */
  readonly answerTimeoutMs: number;
}

/** At most so many within any such time. */
export interface RestartLimit {
  readonly most: number;
  readonly withinMs: number;
}

/** The first restart comes at once, the second after `firstMs`, then twice as long each, up to `mostMs`. */
export interface BackOff {
  readonly firstMs: number;
  readonly mostMs: number;
}

export type BeforeKill =
  | { readonly kind: 'signal'; readonly signal: 'SIGQUIT' | 'SIGABRT' }
  | { readonly kind: 'command'; readonly command: readonly string[] };
