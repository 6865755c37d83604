import type { Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import { detectorFor, type HeartbeatRole } from '../../src/core/detector.js';
import { codec, type Framing } from '../../src/core/frame.js';
import type { Frames } from '../../src/core/framing/frames.js';
import { parseMode } from '../../src/core/mode.js';
import type { Instant } from '../../src/core/time.js';
import { Connection, type ConnectionHandlers, type Ending } from '../../src/net/connection.js';
import { openPair, type RealEnd } from '../kernel/linux/loopback.js';
import { until } from '../until.js';
import { SOON_MS } from '../real-kernel.js';

/** What a connection told its owner, in order. */
interface Heard {
  readonly frames: Uint8Array[];
  readonly framesAt: Instant[];
  readonly endings: Ending[];
  beats: number;
  closed: number;
}

export interface Driven {
  readonly connection: Connection;
  readonly heard: Heard;
  /** The raw socket under the connection: only to be looked at. */
  readonly socket: Socket;
  /** The other end, which nobody drives. */
  readonly peer: RealEnd;
}

export interface DrivenOptions {
  readonly role?: HeartbeatRole;
  readonly framing?: Framing;
  readonly maxFrameBytes?: number;
  /** Answers each frame with the same frame. */
  readonly echoes?: boolean;
}

/** A connection of ours on a real socket, with a raw socket at the other end. */
export async function openDriven(
  mode: string,
  {
    role = 'beats',
    framing = 'length16',
    maxFrameBytes = 1024,
    echoes = false,
  }: DrivenOptions = {},
): Promise<Driven> {
  const { observer, peer } = await openPair();
  const heard: Heard = { frames: [], framesAt: [], endings: [], beats: 0, closed: 0 };
  const handlers: ConnectionHandlers = {
    onFrames(frames, at) {
      const payloads = frames.payloads();
      heard.frames.push(...payloads);
      heard.framesAt.push(...payloads.map(() => at));
      if (echoes) connection.echo(frames);
    },
    onBeatSent() {
      heard.beats++;
    },
    onEnd: (ending) => void heard.endings.push(ending),
    onClosed() {
      heard.closed++;
    },
  };
  const connection = new Connection(observer.socket, {
    codec: codec(framing, maxFrameBytes),
    detector: (now) => detectorFor(parseMode(mode), role, now),
    handlers,
  });
  onTestFinished(() => connection.reset());
  return { connection, heard, socket: observer.socket, peer };
}

/** Once the verdict has fallen. */
export async function ended({ connection }: Pick<Driven, 'connection'>): Promise<Ending> {
  await until(() => connection.ending !== undefined, SOON_MS);
  const { ending } = connection;
  if (ending === undefined) throw new Error('it has ended');
  return ending;
}

export function fdOf({ descriptor }: Connection): number {
  if (descriptor === undefined) throw new Error('no descriptor');
  return descriptor;
}

export function textsOf(frames: Frames): readonly string[] {
  return frames.payloads().map((payload) => Buffer.from(payload).toString());
}
