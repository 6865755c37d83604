/** What is said of a service, in a file or by flags, before defaults; and what may not be said together. */
import { formatUrl, refuseRemote, type ActionUrl, type CheckTarget } from './check-target.js';
import type { HealthCondition } from './health-condition.js';
import type {
  BackOff,
  BeforeKill,
  CheckConfig,
  OwnVoice,
  RestartLimit,
  ServiceConfig,
} from './service-config.js';
import { TcpaliveError } from '../../errors.js';

export interface ServiceShape {
  readonly name: string;
  readonly command?: readonly string[] | undefined;
  readonly folder?: string | undefined;
  readonly variables?: Readonly<Record<string, string>> | undefined;
  readonly checks?: readonly CheckShape[] | undefined;
  readonly ca?: string | undefined;
  readonly aliveBy?: readonly OwnVoice[] | undefined;
  readonly timeout?: number | undefined;
  readonly startTimeout?: number | undefined;
  readonly stopTimeout?: number | undefined;
  readonly onDead?: 'restart' | 'report' | undefined;
  readonly onExit?: 'always' | 'on-failure' | undefined;
  readonly restarts?: RestartLimit | undefined;
  readonly backOff?: BackOff | undefined;
  readonly onGiveUp?: 'exit' | 'wait' | undefined;
  readonly restartUrls?: readonly ActionUrl[] | undefined;
  readonly restartCommand?: readonly string[] | undefined;
  readonly beforeKill?: BeforeKill | undefined;
  readonly output?: 'inherit' | 'ignore' | undefined;
}

interface CheckShape {
  readonly address: { readonly text: string; readonly target: CheckTarget };
  readonly protocol?: string | undefined;
  readonly fresh?: boolean | undefined;
  readonly healthy?: readonly HealthCondition[] | undefined;
  readonly unhealthy?: readonly HealthCondition[] | undefined;
  readonly interval?: number | undefined;
  readonly timeout?: number | undefined;
}

/** Where in what was said: a key, or a key within one of the checks or addresses. */
type ShapePath = readonly (keyof ServiceShape | keyof CheckShape | number)[];

export interface Reading {
  /** Addresses that are not on this host may be asked and called. */
  readonly allowRemote: boolean;
  /** What is wrong, where; `what is wrong; what is accepted`. */
  readonly refuse: (path: ShapePath, message: string) => TcpaliveError;
}

const DEFAULT_TIMEOUT_MS = 10_000;
/** Asked more often a service does nothing else; less often a short timeout would be missed. */
const DEFAULT_INTERVAL_MS = 2000;
/** Longer than a garbage collection, shorter than anybody's patience. */
const DEFAULT_ANSWER_TIMEOUT_MS = 5000;
/** A large program needs some; systemd gives 90 seconds. */
const DEFAULT_START_TIMEOUT_MS = 30_000;
const DEFAULT_STOP_TIMEOUT_MS = 10_000;
/** The back-off alone takes two and a half minutes for ten of them. */
const DEFAULT_RESTARTS: RestartLimit = { most: 10, withinMs: 600_000 };
const DEFAULT_BACK_OFF: BackOff = { firstMs: 500, mostMs: 30_000 };

/** @throws what `refuse` makes of what cannot be said together */
export function serviceFrom(shape: ServiceShape, reading: Reading): ServiceConfig {
  const timeoutMs = shape.timeout ?? DEFAULT_TIMEOUT_MS;
  const checks = (shape.checks ?? []).map((check, at) => checkFrom(check, at, timeoutMs, reading));
  refuseTwins(checks, reading);
  const names = checks.map(nameOf);
  refuseContradictions(shape, reading);
  return {
    name: shape.name,
    command: shape.command,
    folder: shape.folder,
    variables: shape.variables ?? {},
    checks: checks.map((check, at) => ({ ...check, text: distinct(names, at) })),
    ca: shape.ca,
    aliveBy: shape.aliveBy ?? [],
    timeoutMs,
    startTimeoutMs: shape.startTimeout ?? Math.max(DEFAULT_START_TIMEOUT_MS, timeoutMs),
    stopTimeoutMs: shape.stopTimeout ?? DEFAULT_STOP_TIMEOUT_MS,
    onDead: shape.onDead ?? 'restart',
    onExit: shape.onExit ?? 'on-failure',
    restarts: shape.restarts ?? DEFAULT_RESTARTS,
    backOff: shape.backOff ?? DEFAULT_BACK_OFF,
    onGiveUp: shape.onGiveUp ?? 'exit',
    restartUrls: shape.restartUrls ?? [],
    restartCommand: shape.restartCommand,
    beforeKill: shape.beforeKill,
    output: shape.output ?? 'inherit',
  };
}

function checkFrom(
  shape: CheckShape,
  at: number,
  timeoutMs: number,
  { allowRemote, refuse }: Reading,
): CheckConfig {
  const { address, protocol, fresh = false, healthy = [], unhealthy = [] } = shape;
  const { text, target } = address;
  const isHttp = target.kind === 'http';
  const intervalMs = shape.interval ?? Math.min(DEFAULT_INTERVAL_MS, timeoutMs / 4);
  const answerTimeoutMs = shape.timeout ?? Math.min(DEFAULT_ANSWER_TIMEOUT_MS, timeoutMs / 2);
  if (!allowRemote) locally(target, (message) => refuse(['checks', at, 'address'], message));
  if (intervalMs + answerTimeoutMs > timeoutMs) {
    const key =
      shape.interval === undefined && shape.timeout !== undefined ? 'timeout' : 'interval';
    const sum = `${intervalMs} ms from question to question and ${answerTimeoutMs} ms for an answer`;
    const message = `${sum} are more than a silence may last; ${timeoutMs} ms together at most`;
    throw refuse(['checks', at, key], message);
  }
  const misplaced = isHttp
    ? ([
        ['protocol', protocol !== undefined],
        ['fresh', fresh],
      ] as const)
    : ([
        ['healthy', healthy.length > 0],
        ['unhealthy', unhealthy.length > 0],
      ] as const);
  const [key] = misplaced.find(([, isThere]) => isThere) ?? [];
  if (key !== undefined) {
    const where = isHttp ? 'tcp://' : 'http://';
    throw refuse(['checks', at, key], `${key} with ${text}; it goes with ${where} addresses`);
  }
  return { text, target, protocol, fresh, healthy, unhealthy, intervalMs, answerTimeoutMs };
}

/** Also for a status that others can ask: credentials and tokens are nobody's business. */
function nameOf({ text, target }: CheckConfig): string {
  return target.kind === 'http' ? formatUrl(target.url) : text;
}

/** Addresses may differ in what is not shown of them. */
function distinct(names: readonly string[], at: number): string {
  const name = names[at] ?? '';
  const before = names.slice(0, at).filter((each) => each === name).length;
  return before === 0 ? name : `${name} (${before + 1})`;
}

function refuseTwins(checks: readonly CheckConfig[], { refuse }: Reading): void {
  const texts = checks.map(({ text }) => text);
  const twin = texts.findIndex((text, at) => texts.indexOf(text) !== at);
  if (twin < 0) return;
  throw refuse(['checks', twin, 'address'], `${texts[twin] ?? ''} twice; each address once`);
}

function refuseContradictions(shape: ServiceShape, { allowRemote, refuse }: Reading): void {
  const { command, restartUrls = [], restartCommand, checks = [], ca, onDead } = shape;
  if (!allowRemote) {
    for (const [at, url] of restartUrls.entries()) {
      locally(url, (message) => refuse(['restartUrls', at], message));
    }
  }
  const targets = [...checks.map(({ address }) => address.target), ...restartUrls];
  if (ca !== undefined && !targets.some(isHttps)) {
    throw refuse(['ca'], 'ca without an https:// address; it is for those');
  }
  if (restartUrls.length > 0 && restartCommand !== undefined) {
    throw refuse(['restartCommand'], 'restart addresses and a restart command; one of them');
  }
  const isForWatched = restartCommand === undefined ? 'restartUrls' : 'restartCommand';
  const canAct = restartUrls.length > 0 || restartCommand !== undefined;
  if (command !== undefined) {
    if (!canAct) return;
    throw refuse([isForWatched], 'it is started from here, and so restarted; leave that out');
  }
  const ofAChild = FOR_CHILDREN.find((key) => shape[key] !== undefined);
  if (ofAChild !== undefined) {
    throw refuse([ofAChild], `${ofAChild} without a command; it is for what is started from here`);
  }
  if (checks.length === 0) {
    throw refuse([], 'neither a command nor a check: there is nothing to guard');
  }
  if (!canAct && onDead !== 'report') {
    const message = 'nothing can be done when it is dead; restart addresses, a restart command';
    throw refuse([], `${message}, or only to report it`);
  }
}

const FOR_CHILDREN = [
  'folder',
  'variables',
  'aliveBy',
  'stopTimeout',
  'onExit',
  'beforeKill',
  'output',
] as const;

function isHttps(target: CheckTarget | ActionUrl): boolean {
  return 'url' in target && target.url.protocol === 'https:';
}

/** @throws what `refuse` makes of an address that is not on this host */
function locally(
  target: CheckTarget | ActionUrl,
  refuse: (message: string) => TcpaliveError,
): void {
  try {
    refuseRemote(target);
  } catch (error) {
    if (!(error instanceof TcpaliveError)) throw error;
    throw refuse(error.message);
  }
}
