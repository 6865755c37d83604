import { onTestFinished } from 'vitest';
import type { Kernel } from '../../src/kernel/kernel.js';
import { Station, type StationEvent } from '../../src/lab/station.js';
import { kernel } from '../real-kernel.js';

export interface Told {
  readonly station: Station;
  /** What it told, in order. */
  readonly events: readonly StationEvent[];
}

/** A station with nobody in it, cleared when the test is over. */
export function openStation(on: Kernel = kernel): Told {
  const events: StationEvent[] = [];
  const station = new Station(on, (event) => events.push(event));
  onTestFinished(() => station.clear());
  return { station, events };
}

export const plainListen = { mode: {}, replyDelayMs: 0, descriptors: null };
