/**
 * A process that outlives the guardian by as long as it takes to end what the guardian has left: it
 * holds one end of a pipe whose other end closes with the guardian, however that ends.
 */

export interface SentinelOptions {
  /** The program that runs `guard-sentinel`. */
  readonly bin: string;
  /** Of the family to end. */
  readonly token: string;
  /** How long what is left has from SIGTERM to SIGKILL. */
  readonly stopTimeoutMs: number;
  /** It ended before us, and another one has been started. */
  readonly onReplaced: (reason: string) => void;
}

export interface Sentinel {
  readonly pid: number | undefined;
  /** Resolves when it is gone; it ends what is left first. */
  close(): Promise<void>;
}
