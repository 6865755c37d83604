/** `probe --script`: the client's steps of a scenario, against a server that is not ours. */
import { formatEndpoint } from '../core/endpoint.js';
import { LARGEST_FRAME_BYTES } from '../core/frame.js';
import { formatMode, type Mode } from '../core/mode.js';
import type { Scenario } from '../core/scenario.js';
import { TcpaliveError } from '../errors.js';
import type { Kernel } from '../kernel/kernel.js';
import { playClientScript } from '../net/client-script.js';
import type { OpenOptions } from '../net/open-socket.js';
import { printable } from '../report/printable.js';
import { scriptLine, scriptSummary } from '../report/script.js';
import type { Environment } from './environment.js';
import { readScenario } from './scenario-file.js';

export interface Script extends OpenOptions {
  readonly file: string;
  /** Undefined: the scenario's own, the first of several. */
  readonly mode: Mode | undefined;
  readonly interruption: AbortSignal;
}

/** @returns the exit code: 1 when the server ended a connection that was not cut */
export async function playScript(
  env: Environment,
  kernel: Kernel,
  { file, mode: chosen, ...open }: Script,
): Promise<number> {
  const scenario = await readScenario(file);
  await refuseServerParts(scenario, file);
  const { name, steps, expect } = scenario;
  const mode = chosen ?? scenario.modes[0] ?? {};
  env.stdout.write(
    printable(`${name}: ${formatEndpoint(open.remote)}, mode ${formatMode(mode)}`) + '\n',
  );
  const client = {
    ...open,
    mode,
    framing: 'length16' as const,
    maxFrameBytes: LARGEST_FRAME_BYTES,
  };
  const result = await playClientScript(
    kernel,
    { steps, client, interruption: open.interruption },
    (event) => env.stdout.write(scriptLine(event)),
  );
  env.stdout.write(scriptSummary(result));
  if (expect.length > 0) {
    env.stderr.write(
      `not checked: what the scenario expects is about the server; tcpalive compare --scenario ${printable(file)} checks it\n`,
    );
  }
  return result.lost > 0 ? 1 : 0;
}

async function refuseServerParts(scenario: Scenario, file: string): Promise<void> {
  const { serverParts } = await import('../core/scenario.js');
  const part = serverParts(scenario);
  if (part === undefined) return;
  throw new TcpaliveError(
    'BAD_SCENARIO',
    `${file}:${part.at.line}:${part.at.column}: '${part.key}' is about the server, and a probe has ` +
      `only the client's end: tcpalive compare --scenario ${file}`,
  );
}
