/** Plays a scenario's client steps against a server that is not ours. */
import { formatEndpoint } from '../core/endpoint.js';
import type { Step } from '../core/scenario-steps.js';
import type {
  ScriptEvent,
  ScriptLeftover,
  ScriptResult,
  ScriptStep,
} from '../core/script-result.js';
import type { DropEngine } from '../core/result.js';
import type { Kernel } from '../kernel/kernel.js';
import { connect, type ClientOptions } from './client.js';
import type { Connection } from './connection.js';
import { cutOrRefuse, dropEngine } from './own-drop.js';
import { orInterrupted } from '../kernel/interruption.js';
import { play, type Actor } from './script.js';

export interface ClientScript {
  readonly steps: readonly Step[];
  readonly client: ClientOptions;
  readonly interruption: AbortSignal;
}

interface Played {
  readonly name: string;
  readonly connection: Connection;
  cut: boolean;
}

/** @throws TcpaliveError UNREACHABLE, or NO_CAPABILITY when it cuts and nothing here can */
export async function playClientScript(
  kernel: Kernel,
  { steps, client, interruption }: ClientScript,
  onEvent: (event: ScriptEvent) => void,
): Promise<ScriptResult> {
  const latest = new Map<string, Played>();
  const all: Played[] = [];
  let engine: DropEngine | undefined;
  const tell = (connection: string, what: ScriptStep) =>
    onEvent({ time: new Date().toISOString(), connection, what });

  const actor: Actor = {
    async connect(name) {
      const attempt = connect(kernel, client, {
        onFrames: (frames) => {
          for (const { length: bytes } of frames.payloads()) {
            if (bytes > 0) tell(name, { kind: 'came-back', bytes });
          }
        },
        onEnd: ({ by }) => {
          if (by !== 'local') tell(name, { kind: 'ended', by });
        },
      });
      // Interrupted, it is refused: then nothing was connected, and nothing more is played.
      const connected = await orInterrupted(attempt, interruption);
      if (connected === undefined) return;
      const { connection } = connected;
      const played = { name, connection, cut: false };
      latest.set(name, played);
      all.push(played);
      tell(name, { kind: 'connected', local: formatEndpoint(connection.local) });
    },
    send(name, bytes) {
      latest.get(name)?.connection.send(new Uint8Array(bytes));
      tell(name, { kind: 'sent', bytes });
    },
    serverSend: () => {
      throw new RangeError('refused before playing');
    },
    cut(name) {
      const played = latest.get(name);
      if (played?.connection.descriptor === undefined) return;
      engine ??= dropEngine(kernel);
      cutOrRefuse(kernel, played.connection, engine);
      played.cut = true;
      tell(name, { kind: 'cut' });
    },
    close(name) {
      latest.get(name)?.connection.close();
      tell(name, { kind: 'closed' });
    },
  };

  try {
    await play(steps, actor, interruption);
    return {
      open: all.flatMap((played) => leftover(kernel, played)),
      lost: all.filter(({ connection: { ending }, cut }) => !cut && isLoss(ending?.by)).length,
    };
  } finally {
    for (const { connection } of all) connection.reset();
  }
}

function isLoss(by: string | undefined): boolean {
  return by !== undefined && by !== 'local';
}

function leftover(kernel: Kernel, { name, connection, cut }: Played): readonly ScriptLeftover[] {
  if (connection.ending !== undefined) return [];
  const { descriptor } = connection;
  const info = descriptor === undefined ? undefined : kernel.tcpInfo(descriptor);
  const state = info?.state ?? 'UNKNOWN';
  return [{ connection: name, state, cut, unacknowledgedSegments: info?.unacked ?? 0 }];
}
