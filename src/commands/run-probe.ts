import type { Endpoint } from '../core/endpoint.js';
import type { ProbeResult } from '../core/probe-result.js';
import { hostFacts } from '../kernel/host-facts.js';
import { openKernel } from '../kernel/open-kernel.js';
import { TcpaliveError } from '../errors.js';
import { wrongProtocol } from '../net/exchange.js';
import { probe } from '../net/probe.js';
import type { Format } from '../report/format.js';
import { jsonText } from '../report/json.js';
import { noAnswerWords, probeLine, probeSummary } from '../report/probe.js';
import { connectOptions } from './connect-options.js';
import { chooseProtocol } from './choose-protocol.js';
import type { Environment } from './environment.js';
import { listenForInterrupt } from './interrupt.js';
import { chosenFormat } from './options.js';
import type { ProbeFlags } from './probe.js';
import { playScript } from './run-script.js';
import { styleFor } from './style.js';

export async function runProbe(
  env: Environment,
  remote: Endpoint,
  flags: ProbeFlags,
  modeGiven: boolean,
): Promise<void> {
  const format = chosenFormat(flags);
  const style = styleFor(env, env.stdout, flags.color);
  const open = await connectOptions(remote, flags);
  const interrupt = listenForInterrupt(env);
  const kernel = await openKernel();
  if (flags.script !== undefined) {
    const mode = modeGiven ? flags.mode : undefined;
    const script = { file: flags.script, mode, ...open, interruption: interrupt.signal };
    env.setExitCode(interrupt.exitCode(await playScript(env, kernel, script)));
    return;
  }
  if (flags.idleLimit === true) {
    const { runIdleLimit } = await import('./run-idle-limit.js');
    const mode = modeGiven ? flags.mode : {};
    await runIdleLimit(env, kernel, open, { ...flags, mode }, interrupt);
    return;
  }
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
      if (flags.quiet === true) return;
      if (format === 'jsonl') env.stdout.write(`${jsonText(event)}\n`);
      else (format === 'json' ? env.stderr : env.stdout).write(probeLine(event, style));
    },
  );
  interrupt.ignore();
  env.stdout.write(summary(result, format));
  const code = exitCode(result);
  if (code === 3 && !interrupt.happened) throw couldNotTest(result);
  env.setExitCode(interrupt.exitCode(code));
}

function summary(result: ProbeResult, format: Format): string {
  if (format === 'json') return `${jsonText(result, 2)}\n`;
  return format === 'jsonl' ? `${jsonText(result)}\n` : probeSummary(result);
}

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
        ? 'alive or not cannot be said: not even its kernel answered a keepalive probe'
        : `alive or not cannot be said: it was asked in ${name}; does it speak that? ` +
          '--protocol takes another, --mode keepalive=5s:1s:3 asks its kernel alone',
  });
}
