/** `probe --script`: the client's steps of a scenario, against a server that is not ours. */
import { formatEndpoint, type Endpoint } from '../core/endpoint.js';
import { LARGEST_FRAME_BYTES } from '../core/frame.js';
import { formatMode, type Mode } from '../core/mode.js';
import type { DropEngine } from '../core/result.js';
import type { Scenario } from '../core/scenario.js';
import { TcpaliveError } from '../errors.js';
import type { Kernel } from '../kernel/kernel.js';
import { connect } from '../net/client.js';
import type { Connection } from '../net/connection.js';
import type { Interruption } from '../net/interruption.js';
import { play } from '../net/script.js';
import { printable } from '../report/printable.js';
import type { Environment } from './environment.js';
import { readScenario } from './scenario-file.js';

export interface Script {
  readonly file: string;
  readonly remote: Endpoint;
  readonly mode: Mode;
  readonly family: 4 | 6 | undefined;
  readonly interruption: Interruption;
}

const CONNECT_TIMEOUT_MS = 10_000;

/** Prints a line a step, and at the end what became of each connection. */
export async function playScript(env: Environment, kernel: Kernel, script: Script): Promise<void> {
  const scenario = await readScenario(script.file);
  await refuseServerParts(scenario, script.file);
  const say = (text: string) =>
    env.stdout.write(`${new Date().toISOString().slice(11, 23)}  ${printable(text)}\n`);
  say(`${scenario.name}: ${formatEndpoint(script.remote)}, mode ${formatMode(script.mode)}`);
  const latest = new Map<string, Connection>();
  const all: { readonly name: string; readonly connection: Connection }[] = [];
  const cut = new Set<Connection>();

  try {
    await play(
      scenario.steps,
      {
        async connect(name) {
          const { connection } = await connect(
            kernel,
            {
              remote: script.remote,
              mode: script.mode,
              family: script.family,
              framing: 'length16',
              maxFrameBytes: LARGEST_FRAME_BYTES,
              connectTimeoutMs: CONNECT_TIMEOUT_MS,
            },
            {
              onFrame: (payload) => {
                if (payload.length > 0) say(`${name}: ${payload.length} bytes came back`);
              },
              onEnd: ({ by }) => {
                if (by !== 'local') say(`${name}: ended by ${by}`);
              },
            },
          );
          latest.set(name, connection);
          all.push({ name, connection });
          say(`${name}: connected from ${formatEndpoint(connection.local)}`);
        },
        send(name, bytes) {
          latest.get(name)?.send(new Uint8Array(bytes));
          say(`${name}: sent ${bytes} bytes`);
          return Promise.resolve();
        },
        serverSend: () => Promise.reject(new RangeError('refused before playing')),
        cut(name) {
          const connection = latest.get(name);
          const descriptor = connection?.descriptor;
          if (connection !== undefined && descriptor !== undefined) {
            kernel.cut(descriptor, engine(kernel));
            cut.add(connection);
          }
          say(`${name}: cut at this end`);
          return Promise.resolve();
        },
        close(name) {
          latest.get(name)?.close();
          say(`${name}: closed`);
          return Promise.resolve();
        },
      },
      script.interruption,
    );
    for (const { name, connection } of all)
      say(`${name}: ${status(kernel, connection, cut.has(connection))}`);
    const lost = all.some(({ connection }) => isLost(connection) && !cut.has(connection));
    env.setExitCode(lost ? 1 : 0);
  } finally {
    for (const { connection } of all) connection.reset();
  }
  if (scenario.expect.length > 0) {
    env.stderr.write(
      `not checked: what the scenario expects is about the server; tcpalive compare --scenario ${script.file} checks it\n`,
    );
  }
}

async function refuseServerParts(scenario: Scenario, file: string): Promise<void> {
  const { serverParts } = await import('../core/scenario.js');
  const part = serverParts(scenario);
  if (part === undefined) return;
  throw new TcpaliveError(
    'BAD_SCENARIO',
    `${file}, ${part.where}: '${part.key}' is about the server, and a probe has only the client's end: ` +
      `tcpalive compare --scenario ${file}`,
  );
}

function isLost({ ending }: Connection): boolean {
  return ending !== undefined && ending.by !== 'local';
}

function status(kernel: Kernel, { ending, descriptor }: Connection, isCut: boolean): string {
  if (ending !== undefined) return ending.by === 'local' ? 'closed' : `ended by ${ending.by}`;
  const info = descriptor === undefined ? undefined : kernel.tcpInfo(descriptor);
  const state = info?.state ?? 'still open';
  return isCut ? `${state}, cut, ${info?.unacked ?? 0} segments unacknowledged` : state;
}

function engine({ capabilities }: Kernel): DropEngine {
  return capabilities.socketFilter ? 'socket-filter' : 'min-ttl';
}
