import { Command, Option } from 'commander';
import { parseDuration } from '../core/duration.js';
import { parsePort, type Endpoint } from '../core/endpoint.js';
import { LARGEST_FRAME_BYTES, parseFraming, type Framing } from '../core/frame.js';
import { parseMode, type Mode } from '../core/mode.js';
import { TcpaliveError } from '../errors.js';
import type { Environment } from './environment.js';
import { colorOption, refuseBeside, typedFlags, wholeNumber } from './options.js';
import {
  exposeStatusOption,
  refuseExposed,
  statusOption,
  type StatusFlags,
} from './status-flags.js';
import type { ColorChoice } from './style.js';

export interface ServeFlags extends StatusFlags {
  readonly host: string;
  readonly port: number;
  readonly mode: Mode;
  readonly idleTimeout?: number;
  readonly framing: Framing;
  readonly replyDelay?: number;
  readonly maxConnections?: number;
  readonly maxPerAddress?: number;
  readonly evict?: boolean;
  readonly maxFrame: number;
  readonly firstFrameTimeout?: number;
  readonly frameTimeout?: number;
  readonly stallTimeout?: number;
  readonly maxUnsent: number;
  readonly events?: string;
  readonly quiet?: boolean;
  readonly workers?: number;
  readonly drainTimeout: number;
  readonly readyTimeout: number;
  readonly replace?: boolean;
  readonly json?: boolean;
  readonly color: ColorChoice;
}

/** Enough for any message of a test, and what a stranger can make us hold for one connection. */
const DEFAULT_MAX_FRAME_BYTES = 16_384;

/** Some hundred peers that do not read, for each of which about a quarter of a mebibyte can wait. */
const DEFAULT_MAX_UNSENT_BYTES = 64 * 1024 * 1024;

/** Of a usual limit of 1,024 descriptors. */
export const DEFAULT_MAX_CONNECTIONS = 900;

/** Most sessions end by themselves in a minute, and a supervisor waits longer (systemd: 90 s). */
const DEFAULT_DRAIN_TIMEOUT_MS = 60_000;

/** It starts in a fraction of a second; on a machine that swaps, in seconds. */
const DEFAULT_READY_TIMEOUT_MS = 30_000;

export function serveCommand(env: Environment): Command {
  return new Command('serve')
    .description('an echo server that gets dead peers right, or deliberately does not')
    .addOption(
      new Option('--host <address>', 'address to listen on')
        .default('127.0.0.1')
        .env('TCPALIVE_HOST')
        .argParser(parseHost),
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
    .option(
      '--idle-timeout <time>',
      'close whoever says nothing that long, the same as +idle-timeout=<time> in the mode',
      parseDuration,
    )
    .option('--framing <framing>', 'length16, line, raw or marked=…', parseFraming, 'length16')
    .option('--reply-delay <time>', 'answer every frame that much later', parseDuration)
    .addOption(
      new Option('--max-connections <n>', 'refuse any more')
        .default(undefined, `${DEFAULT_MAX_CONNECTIONS}, or what the descriptor limit allows`)
        .argParser(wholeNumber(1, 1_000_000)),
    )
    .option('--evict', 'instead, the longest silent connection makes room')
    .option(
      '--max-per-address <n>',
      'refuse any more from one IPv4 address, or one /64 of IPv6; of each worker',
      wholeNumber(1, 1_000_000),
    )
    .option(
      '--max-frame <bytes>',
      'the largest frame: length16 closes a connection that announces more, line and marked skip it',
      wholeNumber(1, LARGEST_FRAME_BYTES),
      DEFAULT_MAX_FRAME_BYTES,
    )
    .option(
      '--first-frame-timeout <time>',
      'close who has sent no whole frame that long after connecting, such as 10s',
      parseDuration,
    )
    .option(
      '--frame-timeout <time>',
      'close who takes longer than that from the first to the last byte of a frame, such as 5s',
      parseDuration,
    )
    .option('--stall-timeout <time>', 'reset a peer that does not read for so long', parseDuration)
    .option(
      '--max-unsent <bytes>',
      'what may wait for all peers that do not read; beyond it the longest stalled is reset',
      wholeNumber(0, Number.MAX_SAFE_INTEGER),
      DEFAULT_MAX_UNSENT_BYTES,
    )
    .addOption(statusOption())
    .addOption(exposeStatusOption())
    .option('--events <file>', 'also append all but frames there, JSON lines; SIGHUP reopens it')
    .option('-q, --quiet', 'only who was noticed or refused, and the summary')
    .option('--workers <n>', 'so many processes, each with an equal share', wholeNumber(1, 1024))
    .addOption(
      new Option('--drain-timeout <time>', 'how long it serves who is there when it is to end')
        .default(DEFAULT_DRAIN_TIMEOUT_MS, '1m')
        .argParser(parseDuration),
    )
    .addOption(
      new Option('--ready-timeout <time>', 'how long the next version may take to serve')
        .default(DEFAULT_READY_TIMEOUT_MS, '30s')
        .argParser(parseDuration),
    )
    .option('--replace', 'ask the server that runs at --status to start its next version')
    .addOption(new Option('--json', 'a JSON object a line'))
    .addOption(colorOption())
    .addHelpText('after', HELP)
    .action(async (flags: ServeFlags, command: Command) => {
      if (flags.replace === true) {
        const at = runningServer(flags, typedFlags(command));
        const { runReplace } = await import('./run-replace.js');
        await runReplace(env, at, flags);
        return;
      }
      refuseExposed(flags);
      const { runServer } = await import('./run-serve.js');
      await runServer(env, flags);
    });
}

/** An empty one, as of a variable without a value, is every address to Node. */
function parseHost(text: string): string {
  if (text.trim() !== '') return text;
  throw new TcpaliveError(
    'BAD_USAGE',
    `'${text}' is no address: 127.0.0.1, ::1 or a name of this host`,
    {
      hint: 'to listen on every address: 0.0.0.0 or ::',
    },
  );
}

/** The next version is started as the running one was. @throws TcpaliveError BAD_USAGE */
function runningServer({ status }: ServeFlags, typed: readonly string[]): Endpoint {
  refuseBeside('--replace', typed, ['--status', '--json', '--color']);
  if (status !== undefined) return status;
  throw new TcpaliveError('BAD_USAGE', '--replace: which server? It is named by its --status', {
    hint: 'such as --status 127.0.0.1:7778',
  });
}

const HELP = `
A line an event: opened, frame, silent, noticed (by what, after how long), closed; a summary at the
end. With --json a JSON object a line. What would lock everybody out is said at the start.

--status answers /status (JSON), /metrics (Prometheus) and /healthz: 503 where somebody who connects
now may not be let in. A stall timeout of 30s is a good one.

SIGTERM drains: nobody can connect any more, who is connected is served on. From half of --drain-timeout
on they are told goodbye, evenly, between two frames, and whoever talks on with an answer; half-open
ones are found by a keepalive probe and not waited for. A second SIGTERM, or Ctrl-C, ends it at once.

SIGUSR2 starts the same command again, in the version that lies there by then, and hands the listening
socket over: once the new process serves, the old one drains and ends. Nobody is refused meanwhile. If
the new one ends or is not ready within --ready-timeout, the old one goes on. A listening socket from a
supervisor (LISTEN_FDS, LISTEN_PID) is taken instead of --host and --port, a second one for --status.
One that listens (NOTIFY_SOCKET, WATCHDOG_USEC) is told READY, WATCHDOG, MAINPID of the new process, and
STOPPING.

--replace with --status and nothing else asks the server that runs there to do the same, waits, and tells
what came of it: 0 replaced; 1 it goes on, because the new version failed or another restart was under
way; 3 nobody there, or no serve, or another user's. The same over HTTP, a JSON line an event:
  curl -X POST -H 'Tcpalive: 1' http://127.0.0.1:7778/replace

--workers: one process accepts and deals connections to so many others, each to whoever has fewest.
--max-connections and --max-unsent are for all of them, --max-per-address is for each. One that ends is
replaced, one that hangs is passed over.

Framings: length16, a 2-byte length before the payload; line, ended by LF or CRLF; raw, none; and what
meters and other field devices speak, named by its fields in their order:
  marked=START:LENGTH:CHECKSUM:END   START and END in hex, more bytes may stand around the length
    LENGTH    u8, u16 (higher byte first) or u16le, of the payload alone; said twice, both must agree
    CHECKSUM  none, sum8, xor8 or crc16 (CRC-16/MODBUS, lower byte first), of the payload alone
A bare marked is the variable frame of IEC 60870-5-1 FT1.2 and M-Bus, marked=68:u8:u8:68:sum8:16. An
empty frame is a beat. line and marked go on behind garbage and count the bytes that they skipped.

Examples:
  tcpalive serve --mode heartbeat=1s:3s
  tcpalive serve --port 9000 --mode keepalive=60s:10s:6+user-timeout=2m --json
  tcpalive serve --framing marked=02:u16:crc16:03 --first-frame-timeout 10s --frame-timeout 5s
  tcpalive serve --mode heartbeat=10s:30s --evict --stall-timeout 30s --status 127.0.0.1:7778 --quiet
  tcpalive serve --replace --status 127.0.0.1:7778
  tcpalive serve --workers 4 --max-connections 60000 --mode heartbeat=10s:30s --quiet
  tcpalive serve --mode none --reply-delay 2s       a server that never notices, and answers late
`;
