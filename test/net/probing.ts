import { parseMode } from '../../src/core/mode.js';
import type { ProbeEvent, ProbeResult } from '../../src/core/probe-result.js';
import { hostFacts } from '../../src/kernel/host-facts.js';
import type { Kernel } from '../../src/kernel/kernel.js';
import { probe } from '../../src/net/probe.js';
import type { ProbeOptions } from '../../src/net/probe-options.js';
import { preset } from '../core/preset.js';
import { kernel, SOON_MS } from '../real-kernel.js';

export interface Probed {
  readonly result: ProbeResult;
  readonly events: readonly ProbeEvent[];
}

const ECHO = preset('tcpalive');

/** Of a server that echoes frames, until told otherwise. */
export async function probing(
  port: number,
  options: Partial<Omit<ProbeOptions, 'mode'>> & { readonly mode?: string } = {},
  on: Kernel = kernel,
  onEvent: (event: ProbeEvent) => void = () => undefined,
): Promise<Probed> {
  const events: ProbeEvent[] = [];
  const result = await probe(
    on,
    {
      remote: { address: '127.0.0.1', port },
      connectTimeoutMs: SOON_MS,
      count: undefined,
      speech: ECHO,
      guessed: false,
      durationMs: undefined,
      dropAfterMs: undefined,
      reconnect: false,
      host: hostFacts(on),
      interruption: new AbortController().signal,
      ...options,
      mode: parseMode(options.mode ?? 'heartbeat=20ms:5s'),
    },
    (event) => {
      events.push(event);
      onEvent(event);
    },
  );
  return { result, events };
}
