import { vanish } from '../audit/vanish.js';
import { formatEndpoint, type Endpoint } from '../core/endpoint.js';
import type { ProbeProtocol } from '../core/probe-result.js';
import { requestOf, type Speech } from '../core/speech.js';
import type { VanishResult } from '../core/vanish-result.js';
import { TcpaliveError } from '../errors.js';
import { hostFacts } from '../kernel/host-facts.js';
import { openKernel } from '../kernel/open-kernel.js';
import { opener } from '../net/opener.js';
import { jsonText } from '../report/json.js';
import { vanishIntroduction, vanishLine, vanishStatus, vanishSummary } from '../report/vanish.js';
import { defaultConnections } from './audit-flags.js';
import { chooseProtocol } from './choose-protocol.js';
import { connectOptions } from './connect-options.js';
import type { Environment } from './environment.js';
import { listenForInterrupt } from './interrupt.js';
import { chosenFormat } from './options.js';
import type { ProbeFlags } from './probe.js';
import { showStatus } from './status-line.js';

export async function runVanish(
  env: Environment,
  remote: Endpoint,
  flags: ProbeFlags,
): Promise<void> {
  const format = chosenFormat(flags);
  const { wait: waitMs, connections = defaultConnections.vanish } = flags;
  const connect = await connectOptions(remote, flags);
  const interrupt = listenForInterrupt(env);
  const status = showStatus(env);
  const kernel = await openKernel();
  const { speech, protocol, request } = await conversation(env, remote, flags);
  const target = formatEndpoint(remote);
  const { signal: interruption } = interrupt;
  if (flags.quiet !== true) status.say(vanishIntroduction(target, connections, waitMs));
  const result = await vanish(
    kernel,
    {
      target,
      open: opener(kernel, { ...connect, interruption }, speech),
      protocol,
      request,
      waitMs,
      connections,
      host: hostFacts(kernel),
      interruption,
    },
    (progress) => {
      if (format === 'jsonl' && progress.event !== 'watching')
        env.stdout.write(`${jsonText(progress)}\n`);
      if (flags.quiet === true) return;
      if (progress.event === 'watching') status.show(vanishStatus(progress));
      else if (format !== 'jsonl') {
        const line = vanishLine(progress);
        if (line !== undefined) status.say(line);
      }
    },
  ).finally(() => status.end());
  interrupt.ignore();
  if (format === 'table') env.stdout.write(vanishSummary(result));
  else env.stdout.write(`${jsonText(result, format === 'json' ? 2 : undefined)}\n`);
  if (!result.noticed && !result.proven && !interrupt.happened) throw notProven(result);
  env.setExitCode(interrupt.exitCode(0));
}

interface Conversation {
  /** Whose opening is played. */
  readonly speech: Speech | undefined;
  readonly protocol: ProbeProtocol | null;
  readonly request: Uint8Array | undefined;
}

/** A protocol guessed from the port is spoken only where something must be asked. */
async function conversation(
  env: Environment,
  remote: Endpoint,
  flags: ProbeFlags,
): Promise<Conversation> {
  const isWrite = flags.load === 'write';
  const isNamed = flags.protocol !== undefined || flags.send !== undefined;
  const chosen = isWrite || isNamed ? await chooseProtocol(env, flags, remote) : undefined;
  if (chosen === undefined) {
    if (!isWrite) return { speech: undefined, protocol: null, request: undefined };
    throw new TcpaliveError(
      'BAD_USAGE',
      `--load write asks for data, and what port ${remote.port} speaks is not known`,
      { hint: 'name it: --protocol NAME, or --send TEXT' },
    );
  }
  const { speech, guessed } = chosen;
  const protocol = { name: speech.protocol.name, guessed };
  return { speech, protocol, request: isWrite ? requestOf(speech) : undefined };
}

function notProven({ target }: VanishResult): TcpaliveError {
  return new TcpaliveError(
    'NOT_PROVEN',
    `${target}: nothing shows that the connection had vanished: neither a segment of the server's nor an answer to ours was swallowed`,
    { hint: 'is the server, or what stands before it, still there? try again, or longer: --wait' },
  );
}
