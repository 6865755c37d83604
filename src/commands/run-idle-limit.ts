/** `probe --idle-limit`: the longest silence that the path to a server survives. */
import { measureIdleLimit } from '../audit/idle-limit.js';
import { formatEndpoint } from '../core/endpoint.js';
import { BESIDE, longest } from '../core/idle-limit-plan.js';
import type { IdleLimitEvent } from '../core/idle-limit-result.js';
import { TcpaliveError } from '../errors.js';
import { hostFacts } from '../kernel/host-facts.js';
import { openKernel } from '../kernel/open-kernel.js';
import { opener } from '../net/opener.js';
import {
  idleLimitAnnouncement,
  idleLimitFailure,
  idleLimitLine,
  idleLimitSummary,
} from '../report/idle-limit.js';
import { defaultConnections } from './audit-flags.js';
import { spokenFirst } from './choose-protocol.js';
import { connectOptions } from './connect-options.js';
import { listenForInterrupt } from './interrupt.js';
import { outputStream } from './output-stream.js';
import type { RunProbe } from './probe.js';
import { showStatus } from './status-line.js';

export const runIdleLimit: RunProbe = async (env, remote, flags, isModeGiven) => {
  const output = outputStream(env, flags);
  const to = await connectOptions(remote, flags);
  const interrupt = listenForInterrupt(env);
  const kernel = await openKernel();
  const speech = await spokenFirst(env, flags, remote);
  const target = formatEndpoint(remote);
  const { wait: waitMs, connections = defaultConnections.idleLimit } = flags;
  const keepalive = isModeGiven ? flags.mode.keepalive : undefined;
  const status = showStatus(env);
  const onEvent = (event: IdleLimitEvent) => {
    output.event(event, () => {
      if (event.event === 'waiting') status.show(idleLimitLine(event));
      else status.say(idleLimitLine(event));
    });
  };
  if (flags.quiet !== true) {
    const bound = longest({ waitMs, most: connections - BESIDE });
    status.say(idleLimitAnnouncement(target, connections, bound));
  }
  const { signal: interruption } = interrupt;
  const open = opener(kernel, { ...to, interruption }, speech);
  const host = hostFacts(kernel);
  const protocol = speech === undefined ? null : { name: speech.protocol.name, guessed: false };
  const options = { target, open, protocol, waitMs, connections, keepalive, host };
  try {
    const result = await measureIdleLimit(kernel, { ...options, interruption }, onEvent);
    interrupt.ignore();
    status.end();
    output.result(result, () => idleLimitSummary(result));
    const failure = idleLimitFailure(result);
    if (failure !== undefined && !interrupt.happened) throw couldNotTest(target, failure);
    env.setExitCode(interrupt.exitCode(0));
  } finally {
    status.end();
  }
};

function couldNotTest(target: string, failure: string): TcpaliveError {
  return new TcpaliveError('NO_ANSWER', `${target}: ${failure}`, {
    hint: 'does it serve this address at all, and does it take clients that say nothing?',
  });
}
