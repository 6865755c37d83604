/** `probe --script`: the client's steps of a scenario, against a server that is not ours. */
import { formatEndpoint } from '../core/endpoint.js';
import { LARGEST_FRAME_BYTES } from '../core/frame.js';
import { formatMode } from '../core/mode.js';
import type { Scenario } from '../core/scenario.js';
import { TcpaliveError } from '../errors.js';
import { openKernel } from '../kernel/open-kernel.js';
import { playClientScript } from '../net/client-script.js';
import { printable } from '../report/printable.js';
import { scriptLine, scriptSummary } from '../report/script.js';
import { connectOptions } from './connect-options.js';
import { listenForInterrupt } from './interrupt.js';
import type { RunProbe } from './probe.js';
import { readScenario } from './scenario-file.js';

export const runScript: RunProbe = async (env, remote, flags, isModeGiven) => {
  const { script: file = '' } = flags;
  const open = await connectOptions(remote, flags);
  const interrupt = listenForInterrupt(env);
  const kernel = await openKernel();
  const scenario = await readScenario(file);
  await refuseServerParts(scenario, file);
  const { name, steps, expect } = scenario;
  const mode = isModeGiven ? flags.mode : (scenario.modes[0] ?? {});
  env.stdout.write(
    printable(`${name}: ${formatEndpoint(remote)}, mode ${formatMode(mode)}`) + '\n',
  );
  const client = {
    ...open,
    interruption: interrupt.signal,
    mode,
    framing: 'length16' as const,
    maxFrameBytes: LARGEST_FRAME_BYTES,
  };
  const result = await playClientScript(
    kernel,
    { steps, client, interruption: interrupt.signal },
    (event) => env.stdout.write(scriptLine(event)),
  );
  env.stdout.write(scriptSummary(result));
  if (expect.length > 0) {
    env.stderr.write(
      `not checked: what the scenario expects is about the server; tcpalive compare --scenario ${printable(file)} checks it\n`,
    );
  }
  // The server ended a connection that was not cut.
  env.setExitCode(interrupt.exitCode(result.lost > 0 ? 1 : 0));
};

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
