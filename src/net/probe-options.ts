import type { Mode } from '../core/mode.js';
import type { ProbeEvent, ProbeProtocol } from '../core/probe-result.js';
import type { HostFacts } from '../core/result.js';
import type { OpenOptions } from './open-socket.js';
import type { Speech } from '../core/speech.js';

export interface ProbeOptions extends OpenOptions {
  readonly mode: Mode;
  /** What beats are sent in; undefined: beats are the kernel's own, and no byte is sent. */
  readonly speech: Speech | undefined;
  /** Nobody said what it speaks: the port suggests it. */
  readonly guessed: boolean;
  /** Stop after so many answered beats. */
  readonly count: number | undefined;
  readonly durationMs: number | undefined;
  /** Cut our own end that long after connecting, once. */
  readonly dropAfterMs: number | undefined;
  /** Connect again whenever a connection ends, until count, duration or interruption. */
  /** Not together with `dropAfterMs`. */
  readonly reconnect: boolean;
  readonly host: HostFacts;
  readonly interruption: AbortSignal;
}

type Connected = Extract<ProbeEvent, { event: 'connected' }>;

/** Who is asked, and in which protocol. */
export function askedOf(options: ProbeOptions): Pick<Connected, 'asked' | 'protocol'> {
  const protocol = protocolOf(options);
  if (options.mode.heartbeat === undefined) return { asked: 'nobody', protocol };
  return { asked: protocol === null ? 'kernel' : 'process', protocol };
}

/** Null where no byte is sent. */
export function protocolOf({ mode, speech, guessed }: ProbeOptions): ProbeProtocol | null {
  if (mode.heartbeat === undefined || speech === undefined) return null;
  return { name: speech.protocol.name, guessed };
}
