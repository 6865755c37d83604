/** `probe --script`: the client's steps of a scenario, against a server that is not ours. */
import { formatEndpoint, type Endpoint } from '../core/endpoint.js';
import { LARGEST_FRAME_BYTES } from '../core/frame.js';
import { formatMode, type Mode } from '../core/mode.js';
import type { Scenario } from '../core/scenario.js';
import { TcpaliveError } from '../errors.js';
import type { Kernel } from '../kernel/kernel.js';
import { playClientScript } from '../net/client-script.js';
import { printable } from '../report/printable.js';
import { scriptLine, scriptSummary } from '../report/script.js';
import type { Environment } from './environment.js';
import { readScenario } from './scenario-file.js';

export interface Script {
  readonly file: string;
  readonly remote: Endpoint;
  /** Undefined: the scenario's own, the first of several. */
  readonly mode: Mode | undefined;
  readonly family: 4 | 6 | undefined;
  readonly interruption: AbortSignal;
}

const CONNECT_TIMEOUT_MS = 10_000;

/** @returns the exit code: 1 when the server ended a connection that was not cut */
export async function playScript(
  env: Environment,
  kernel: Kernel,
  { file, remote, mode: chosen, family, interruption }: Script,
): Promise<number> {
  const scenario = await readScenario(file);
  await refuseServerParts(scenario, file);
  const { name, steps, expect } = scenario;
  const mode = chosen ?? scenario.modes[0] ?? {};
  env.stdout.write(
    printable(`${name}: ${formatEndpoint(remote)}, mode ${formatMode(mode)}`) + '\n',
  );
  const client = {
    remote,
    mode,
    family,
    interruption,
    framing: 'length16' as const,
    maxFrameBytes: LARGEST_FRAME_BYTES,
    connectTimeoutMs: CONNECT_TIMEOUT_MS,
  };
  const result = await playClientScript(kernel, { steps, client, interruption }, (event) =>
    env.stdout.write(scriptLine(event)),
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
