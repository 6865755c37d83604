/** Asks a server in its own protocol again and again, as `probe` does. */
import type { Endpoint } from '../core/endpoint.js';
import type { Ear, Sign } from '../core/guard/sign.js';
import type { Speech } from '../core/speech.js';
import type { Kernel } from '../kernel/kernel.js';

export interface TcpCheckOptions {
  readonly remote: Endpoint;
  readonly speech: Speech;
  /** Every question on a connection of its own; otherwise all on one, and a new one when that has ended. */
  readonly fresh: boolean;
  /** From one question to the next, the first at once. */
  readonly intervalMs: number;
  /** For one answer; and for the connection with what opens it. */
  readonly timeoutMs: number;
}

export type WatchTcp = (
  kernel: Kernel,
  options: TcpCheckOptions,
  hear: (sign: Sign) => void,
) => Ear;
