/**
 * Expected failures: one line that names the value, and a hint that says what helps.
 * A dead peer is a result and never an error; a bug is an ordinary exception with its stack.
 */

/** Every code, with the exit code it stands for. The README lists them all. */
export const errorCodes = {
  /** A flag, argument or expression that cannot be understood. */
  BAD_USAGE: 2,
  /** A scenario file that is missing or does not follow the grammar; line and column are named. */
  BAD_SCENARIO: 2,
  /** A protocol that is missing, does not follow the grammar, or lacks a secret it needs. */
  BAD_PROTOCOL: 2,
  /** A configuration of guard that is missing or does not follow the grammar; line and column are named. */
  BAD_CONFIG: 2,
  /** The address or port to listen on is taken or not ours. */
  CANNOT_LISTEN: 3,
  /** The host to probe cannot be resolved or connected to. */
  UNREACHABLE: 3,
  /** It can be connected to, but TLS cannot be agreed on, or its certificate is not trusted. */
  TLS_FAILED: 3,
  /** The peer never answered one beat: it may be alive and speak another protocol. */
  NO_ANSWER: 3,
  /** The peer answered, in another protocol than was spoken. */
  WRONG_PROTOCOL: 3,
  /** A drop that nobody saw drop anything: whatever came of it proves nothing. */
  NOT_PROVEN: 3,
  /** The process, unit, port or namespace that was named is not there, or holds no TCP socket. */
  NO_TARGET: 3,
  /** What was asked needs something this machine, or this user, does not have. */
  NO_CAPABILITY: 3,
  /** Standard output, standard error or a file takes no more: a full disk, or what cannot be written to. */
  CANNOT_WRITE: 3,
  /** A lab process could not be started or ended early. */
  LAB_FAILED: 3,
  /** A worker of serve could not be started. */
  WORKER_FAILED: 3,
} as const;

export type ErrorCode = keyof typeof errorCodes;

export class TcpaliveError extends Error {
  override readonly name = 'TcpaliveError';
  /** What the user can do about it, one line; undefined where the message says it all. */
  readonly hint: string | undefined;

  constructor(
    readonly code: ErrorCode,
    message: string,
    options: { hint?: string | undefined; cause?: unknown } = {},
  ) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.hint = options.hint;
  }

  get exitCode(): number {
    return errorCodes[this.code];
  }
}

/** What is told of a bug. */
export function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
