/** `probe --idle-limit`: the longest silence that the path to a server survives. */
import { measureIdleLimit } from '../audit/idle-limit.js';
import { formatEndpoint } from '../core/endpoint.js';
import { BESIDE, longest } from '../core/idle-limit-plan.js';
import type { IdleLimitEvent, IdleLimitResult } from '../core/idle-limit-result.js';
import { TcpaliveError } from '../errors.js';
import { hostFacts } from '../kernel/host-facts.js';
import type { Kernel } from '../kernel/kernel.js';
import type { OpenOptions } from '../net/open-socket.js';
import { opener } from '../net/opener.js';
import {
  idleLimitAnnouncement,
  idleLimitFailure,
  idleLimitLine,
  idleLimitSummary,
} from '../report/idle-limit.js';
import { jsonText } from '../report/json.js';
import { defaultConnections } from './audit-flags.js';
import { spokenFirst } from './choose-protocol.js';
import type { Environment } from './environment.js';
import type { Interrupt } from './interrupt.js';
import { chosenFormat } from './options.js';
import type { ProbeFlags } from './probe.js';
import { showStatus } from './status-line.js';

export async function runIdleLimit(
  env: Environment,
  kernel: Kernel,
  to: OpenOptions,
  flags: ProbeFlags,
  interrupt: Interrupt,
): Promise<void> {
  const format = chosenFormat(flags);
  const speech = await spokenFirst(env, flags, to.remote);
  const target = formatEndpoint(to.remote);
  const { wait: waitMs, connections = defaultConnections.idleLimit, mode } = flags;
  const status = showStatus(env);
  const onEvent = (event: IdleLimitEvent) => {
    if (flags.quiet === true) return;
    if (format === 'jsonl') env.stdout.write(`${jsonText(event)}\n`);
    else if (event.event === 'waiting') status.show(idleLimitLine(event));
    else status.say(idleLimitLine(event));
  };
  if (flags.quiet !== true) {
    const bound = longest({ waitMs, most: connections - BESIDE });
    status.say(idleLimitAnnouncement(target, connections, bound));
  }
  const { signal: interruption } = interrupt;
  const open = opener(kernel, { ...to, interruption }, speech);
  const host = hostFacts(kernel);
  const options = { target, open, waitMs, connections, keepalive: mode.keepalive, host };
  try {
    const result = await measureIdleLimit(kernel, { ...options, interruption }, onEvent);
    interrupt.ignore();
    status.end();
    env.stdout.write(summary(result, format));
    const failure = idleLimitFailure(result);
    if (failure !== undefined && !interrupt.happened) throw couldNotTest(target, failure);
    env.setExitCode(interrupt.exitCode(0));
  } finally {
    status.end();
  }
}

function summary(result: IdleLimitResult, format: string): string {
  if (format === 'json') return `${jsonText(result, 2)}\n`;
  return format === 'jsonl' ? `${jsonText(result)}\n` : idleLimitSummary(result);
}

function couldNotTest(target: string, failure: string): TcpaliveError {
  return new TcpaliveError('NO_ANSWER', `${target}: ${failure}`, {
    hint: 'does it serve this address at all, and does it take clients that say nothing?',
  });
}
