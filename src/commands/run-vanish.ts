import { vanish } from '../audit/vanish.js';
import { formatEndpoint, type Endpoint } from '../core/endpoint.js';
import type { ProbeProtocol } from '../core/probe-result.js';
import { requestOf, withFirstWord, type Speech } from '../core/speech.js';
import { checkVanishExpectation } from '../core/vanish-expect.js';
import type { VanishProgress, VanishResult } from '../core/vanish-result.js';
import { TcpaliveError } from '../errors.js';
import { hostFacts } from '../kernel/host-facts.js';
import { openKernel } from '../kernel/open-kernel.js';
import { opener } from '../net/opener.js';
import { vanishIntroduction, vanishLine, vanishStatus, vanishSummary } from '../report/vanish.js';
import { defaultConnections } from './audit-flags.js';
import { chooseProtocol } from './choose-protocol.js';
import { connectOptions } from './connect-options.js';
import type { Environment } from './environment.js';
import { tellExpectations } from './expectations.js';
import { listenForInterrupt } from './interrupt.js';
import { outputStream } from './output-stream.js';
import type { ProbeFlags, RunProbe } from './probe.js';
import { showStatus } from './status-line.js';
import { styleFor } from './style.js';

export const runVanish: RunProbe = async (env, remote, flags) => {
  const output = outputStream(env, flags);
  const { wait: waitMs, connections = defaultConnections.vanish } = flags;
  const connect = await connectOptions(remote, flags);
  const interrupt = listenForInterrupt(env);
  const status = showStatus(env);
  const kernel = await openKernel();
  const { speech, protocol, request } = await conversation(env, remote, flags);
  const target = formatEndpoint(remote);
  const { signal: interruption } = interrupt;
  if (flags.quiet !== true) status.say(vanishIntroduction(target, connections, waitMs));
  const isNews = newsFilter();
  const onEvent = (progress: VanishProgress) => {
    if (progress.event === 'watching') {
      if (flags.quiet !== true) status.show(vanishStatus(progress));
      return;
    }
    output.event(progress, () => {
      const line = isNews(progress) ? vanishLine(progress) : undefined;
      if (line !== undefined) status.say(line);
    });
  };
  const audit = {
    ...{ target, protocol, request, waitMs, connections, interruption },
    open: opener(kernel, { ...connect, interruption }, speech),
    host: hostFacts(kernel),
  };
  try {
    const result = await vanish(kernel, audit, onEvent);
    interrupt.ignore();
    status.end();
    const { width } = styleFor(env, env.stdout, flags.color);
    output.result(result, () => vanishSummary(result, width));
    const outcomes = flags.expect.map((expectation) => checkVanishExpectation(expectation, result));
    const isAsExpected = tellExpectations(env, outcomes);
    if (!result.noticed && !result.proven && !interrupt.happened) throw notProven(result);
    env.setExitCode(interrupt.exitCode(isAsExpected ? 0 : 1));
  } catch (error) {
    if (!interrupt.happened || !(error instanceof TcpaliveError)) throw error;
    status.say('interrupted before a client had vanished: nothing is known');
    env.setExitCode(interrupt.exitCode(0));
  } finally {
    status.end();
  }
};

/** A screen full for each of two connections, and how each ended. */
const MOST_LINES = 10;

/** What a person wants to hear of as it happens: of one that vanished, and of the quiet one. */
function newsFilter(): (progress: VanishProgress) => boolean {
  const lines = new Map<number, number>();
  return (progress) => {
    if (!('number' in progress)) return true;
    if (progress.number > 1) return false;
    const isGoodbye =
      progress.event === 'seen' && (progress.seen.kind === 'fin' || progress.seen.kind === 'reset');
    const line = (lines.get(progress.number) ?? 0) + 1;
    lines.set(progress.number, line);
    return isGoodbye || progress.event !== 'seen' || line <= MOST_LINES;
  };
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
  return isWrite
    ? { speech, protocol, request: requestOf(speech) }
    : { speech: withFirstWord(speech), protocol, request: undefined };
}

function notProven({ target }: VanishResult): TcpaliveError {
  return new TcpaliveError(
    'NOT_PROVEN',
    `${target}: nothing shows that the connection had vanished: neither a segment of the server's nor an answer to ours was swallowed`,
    { hint: 'is the server, or what stands before it, still there? try again, or longer: --wait' },
  );
}
