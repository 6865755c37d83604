import type { ProbeResult } from '../core/probe-result.js';
import { hostFacts } from '../kernel/host-facts.js';
import { openKernel } from '../kernel/open-kernel.js';
import { TcpaliveError } from '../errors.js';
import { wrongProtocol } from '../net/exchange.js';
import { probe } from '../net/probe.js';
import { noAnswerWords, probeLine, probeSummary } from '../report/probe.js';
import { connectOptions } from './connect-options.js';
import { chooseProtocol } from './choose-protocol.js';
import { listenForInterrupt } from './interrupt.js';
import { outputStream } from './output-stream.js';
import type { RunProbe } from './probe.js';
import { styleFor } from './style.js';

export const runProbe: RunProbe = async (env, remote, flags) => {
  const output = outputStream(env, flags);
  const style = styleFor(env, env.stdout, flags.color);
  const open = await connectOptions(remote, flags);
  const interrupt = listenForInterrupt(env);
  const kernel = await openKernel();
  const beats = flags.mode.heartbeat !== undefined;
  const chosen = beats ? await chooseProtocol(env, flags, remote) : undefined;
  const result = await probe(
    kernel,
    {
      ...open,
      mode: flags.mode,
      speech: chosen?.speech,
      guessed: chosen?.guessed ?? false,
      count: flags.count,
      durationMs: flags.duration,
      dropAfterMs: flags.dropAfter,
      reconnect: flags.reconnect ?? false,
      host: hostFacts(kernel),
      interruption: interrupt.signal,
    },
    (event) => {
      output.event(event, () => {
        (output.format === 'json' ? env.stderr : env.stdout).write(probeLine(event, style));
      });
    },
  );
  interrupt.ignore();
  output.result(result, () => probeSummary(result));
  const code = exitCode(result);
  if (code === 3 && !interrupt.happened) throw couldNotTest(result);
  env.setExitCode(interrupt.exitCode(code));
};

function exitCode({ verdict, beats, drop, lost }: ProbeResult): number {
  if (verdict.kind === 'no-answer' && beats.answered === 0) return 3;
  if (drop !== null) return !drop.proven ? 3 : drop.agrees === false ? 1 : 0;
  return verdict.kind === 'alive' && lost === 0 ? 0 : 1;
}

function couldNotTest({ target, protocol, verdict, notes }: ProbeResult): TcpaliveError {
  if (verdict.kind !== 'no-answer') return new TcpaliveError('NOT_PROVEN', notes.join('; '));
  const name = protocol?.name ?? '';
  if (verdict.detail?.startsWith('answered in another protocol') === true) {
    return wrongProtocol(target, verdict.detail, name);
  }
  return new TcpaliveError('NO_ANSWER', `${target}: ${noAnswerWords(verdict)}`, {
    hint:
      protocol === null
        ? verdict.by === null || verdict.by === 'heartbeat'
          ? 'alive or not cannot be said: not even its kernel answered a keepalive probe'
          : 'it is there, and keeps no client: does it want TLS (--tls), or is it full?'
        : `alive or not cannot be said: it was asked in ${name}; does it speak that? ` +
          '--protocol takes another, --mode keepalive=5s:1s:3 asks its kernel alone',
  });
}
