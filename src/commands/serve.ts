import { once } from 'node:events';
import { Command, Option } from 'commander';
import { parseDuration } from '../core/duration.js';
import { formatEndpoint, parsePort } from '../core/endpoint.js';
import { LARGEST_FRAME_BYTES, parseFraming, type Framing } from '../core/frame.js';
import { formatMode, parseMode, type Mode } from '../core/mode.js';
import type { ServeEntry } from '../core/serve-log.js';
import { TcpaliveError } from '../errors.js';
import { openKernel } from '../kernel/open-kernel.js';
import { startEchoServer } from '../net/echo-server.js';
import { ServeLog } from '../net/serve-log.js';
import { serveLine } from '../report/serve-line.js';
import type { Environment } from './environment.js';
import { listenForInterrupt } from './interrupt.js';
import { colorOption, wholeNumber } from './options.js';
import { styleFor, type ColorChoice } from './style.js';

interface Options {
  readonly host: string;
  readonly port: number;
  readonly mode: Mode;
  readonly framing: Framing;
  readonly replyDelay?: number;
  readonly maxConnections?: number;
  readonly maxFrame: number;
  readonly json?: boolean;
  readonly color: ColorChoice;
}

/** Enough for any message of a test, and what a stranger can make us hold for one connection. */
const DEFAULT_MAX_FRAME_BYTES = 16_384;

/** Of a usual limit of 1,024 descriptors. */
const DEFAULT_MAX_CONNECTIONS = 900;

/** For Node itself and what it opens meanwhile: accept() beyond the limit fails without a word. */
const SPARE_DESCRIPTORS = 48;

export function serveCommand(env: Environment): Command {
  return new Command('serve')
    .description('an echo server that gets dead peers right, or deliberately does not')
    .addOption(
      new Option('--host <address>', 'address to listen on')
        .default('127.0.0.1')
        .env('TCPALIVE_HOST'),
    )
    .addOption(
      new Option('--port <port>', 'port to listen on')
        .default(7777)
        .env('TCPALIVE_PORT')
        .argParser(parsePort),
    )
    .addOption(
      new Option('--mode <mode>', 'how it finds out that a peer is gone')
        .default({}, 'none')
        .env('TCPALIVE_MODE')
        .argParser(parseMode),
    )
    .option('--framing <framing>', 'length16 or raw', parseFraming, 'length16')
    .option('--reply-delay <time>', 'answer every frame that much later', parseDuration)
    .addOption(
      new Option('--max-connections <n>', 'refuse any more')
        .default(undefined, `${DEFAULT_MAX_CONNECTIONS}, or what the descriptor limit allows`)
        .argParser(wholeNumber(1, 1_000_000)),
    )
    .option(
      '--max-frame <bytes>',
      'close a connection that announces more',
      wholeNumber(1, LARGEST_FRAME_BYTES),
      DEFAULT_MAX_FRAME_BYTES,
    )
    .addOption(new Option('--json', 'a JSON object a line'))
    .addOption(colorOption())
    .addHelpText('after', HELP)
    .action((options: Options) => run(env, options));
}

const HELP = `
A line an event: opened, frame, silent, noticed (by what, after how long), closed; a summary at the
end. With --json a JSON object a line.

Examples:
  tcpalive serve --mode heartbeat=1s:3s
  tcpalive serve --port 9000 --mode keepalive=60s:10s:6+user-timeout=2m --json
  tcpalive serve --mode none --reply-delay 2s       a server that never notices, and answers late
`;

async function run(env: Environment, options: Options): Promise<void> {
  const kernel = await openKernel();
  const maxConnections = connectionsWithin(kernel.descriptorLimit(), options.maxConnections);
  const interrupt = listenForInterrupt(env);
  const style = styleFor(env, env.stdout, options.color);
  const print = (entry: ServeEntry) =>
    env.stdout.write(serveLine(entry, options.json === true, style));
  const log = new ServeLog(print);
  const server = await startEchoServer(
    kernel,
    {
      host: options.host,
      port: options.port,
      mode: options.mode,
      framing: options.framing,
      maxFrameBytes: options.maxFrame,
      maxConnections,
      replyDelayMs: options.replyDelay ?? 0,
      silentAfterMs: silentAfterMs(options.mode),
    },
    (event) => log.take(event),
  );
  print({
    event: 'listening',
    time: new Date().toISOString(),
    schema: 'tcpalive/serve/1',
    address: formatEndpoint(server.address),
    mode: formatMode(options.mode),
    framing: options.framing,
  });
  if (!interrupt.happened) await once(interrupt.signal, 'abort');
  const stillOpen = server.connections.size;
  await server.close();
  log.summarise(stillOpen);
  env.setExitCode(interrupt.exitCode(0));
}

/** @throws TcpaliveError BAD_USAGE when more are wanted than this process may hold descriptors for */
function connectionsWithin(limit: number | undefined, wanted: number | undefined): number {
  const room = limit === undefined ? Infinity : Math.max(1, limit - SPARE_DESCRIPTORS);
  if (wanted === undefined) return Math.min(DEFAULT_MAX_CONNECTIONS, room);
  if (wanted <= room) return wanted;
  throw new TcpaliveError(
    'BAD_USAGE',
    `--max-connections: ${wanted} are more than this process may hold, ${room} of ${limit ?? 0} descriptors`,
    { hint: 'raise the limit first: ulimit -n' },
  );
}

/** When a silence is worth a word: a beat is overdue, or half of the time is gone. */
function silentAfterMs({ heartbeat, idleTimeoutMs }: Mode): number {
  if (heartbeat !== undefined) return Math.min(heartbeat.intervalMs * 1.5, heartbeat.timeoutMs);
  return idleTimeoutMs === undefined ? 10_000 : idleTimeoutMs / 2;
}
