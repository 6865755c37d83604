import { describe, expect, it } from 'vitest';
import { parseMode } from '../../src/core/mode.js';
import { addMs, instantAt, type Instant } from '../../src/core/time.js';
import { World } from './world.js';

const at = instantAt;

describe('heartbeat=1s:3s over a link of 5 ms', () => {
  const mode = parseMode('heartbeat=1s:3s');

  it('notices at both ends when the path is dead, each 3 s after the last byte it received', () => {
    const world = new World(mode);
    world.run(at(10_500));
    world.cut();
    world.run(at(60_000));
    expect(world.server.received.at(-1)).toBe(10_005);
    expect(world.server.verdict).toEqual({ at: 13_005, by: 'heartbeat', silentMs: 3000 });
    expect(world.client.received.at(-1)).toBe(10_010);
    expect(world.client.verdict).toEqual({ at: 13_010, by: 'heartbeat', silentMs: 3000 });
  });

  it('stays quiet at both ends for twenty timeouts when the path is alive', () => {
    const world = new World(mode);
    world.run(at(60_000));
    expect(world.server.verdict).toBeUndefined();
    expect(world.client.verdict).toBeUndefined();
    expect(world.client.beats).toHaveLength(61);
    expect(world.server.received).toHaveLength(60);
  });

  it('notices at both ends when only one direction is dead', () => {
    const toServer = new World(mode);
    toServer.run(at(10_500));
    toServer.cut('to-server');
    toServer.run(at(60_000));
    expect(toServer.server.verdict?.at).toBe(13_005);
    expect(toServer.client.verdict?.at).toBe(13_010);

    // The server hears beats until the client has given up and beats no more: the last left at 13 s.
    const toClient = new World(mode);
    toClient.run(at(10_500));
    toClient.cut('to-client');
    toClient.run(at(60_000));
    expect(toClient.client.verdict?.at).toBe(13_010);
    expect(toClient.server.verdict?.at).toBe(16_005);
  });

  it('takes (2 s, 3 s] from the cut to the verdict at every phase, at both ends', () => {
    const latencies = { server: [] as number[], client: [] as number[] };
    for (let phase = 0; phase < 1000; phase++) {
      const world = new World(mode);
      const drop = at(2000 + phase);
      world.run(drop);
      world.cut();
      world.run(addMs(drop, 10_000));
      latencies.server.push(latency(world.server.verdict?.at, drop));
      latencies.client.push(latency(world.client.verdict?.at, drop));
    }
    for (const each of Object.values(latencies)) {
      expect(Math.min(...each)).toBe(2001);
      expect(Math.max(...each)).toBe(3000);
      expect(new Set(each).size).toBe(1000);
    }
  });

  it('keeps its schedule when every tick is late', () => {
    const world = new World(mode, { tickLatenessMs: 7 });
    world.run(at(20_500));
    const schedule = Array.from({ length: 21 }, (_, beat) => beat * 1000 + 7);
    expect(world.client.beats).toEqual(schedule);
    world.cut();
    world.run(at(60_000));
    expect(world.server.verdict).toEqual({ at: 23_019, by: 'heartbeat', silentMs: 3007 });
  });
});

describe('heartbeat=1s:3s and an outage', () => {
  const mode = parseMode('heartbeat=1s:3s');

  /** How many of 100 connections, cut at as many phases, are given up although the path came back. */
  function falseAlarms(outageMs: number): number {
    let alarms = 0;
    for (let phase = 0; phase < 1000; phase += 10) {
      const world = new World(mode, { latencyMs: 0 });
      const drop = at(2000.5 + phase);
      world.run(drop);
      world.cut();
      world.run(addMs(drop, outageMs));
      world.heal();
      world.run(addMs(drop, 10_000));
      if (world.client.verdict !== undefined || world.server.verdict !== undefined) alarms++;
    }
    return alarms;
  }

  it('tolerates as much as the retransmission with h + r < T does, at every phase', () => {
    expect(falseAlarms(1500)).toBe(0);
    expect(falseAlarms(1628)).toBe(0);
  });

  it('becomes a false alarm at some phases of a longer one, and at all of nearly T', () => {
    // Measured on a real kernel: 32 of 100 and 100 of 100.
    expect(falseAlarms(2000)).toBe(37);
    expect(falseAlarms(2900)).toBe(100);
  });
});

describe('idle-timeout=3s', () => {
  const mode = parseMode('idle-timeout=3s');

  function talk(world: World, everyMs: number, until: Instant): void {
    for (let next = world.now; next <= until; next = addMs(next, everyMs)) {
      world.run(next);
      world.clientSends();
    }
    world.run(until);
  }

  it('notices at both ends when the path is dead', () => {
    const world = new World(mode);
    talk(world, 1000, at(10_500));
    world.cut();
    talk(world, 1000, at(60_000));
    expect(world.server.verdict).toEqual({ at: 13_005, by: 'idle-timeout', silentMs: 3000 });
    expect(world.client.verdict).toEqual({ at: 13_010, by: 'idle-timeout', silentMs: 3000 });
  });

  it('stays quiet at both ends for twenty timeouts while the user talks', () => {
    const world = new World(mode);
    talk(world, 1000, at(60_000));
    expect(world.server.verdict).toBeUndefined();
    expect(world.client.verdict).toBeUndefined();
    expect(world.server.received).toHaveLength(60);
  });

  it('stays quiet with one millisecond to spare, and ends a user who is one too slow', () => {
    const quick = new World(mode, { latencyMs: 0 });
    talk(quick, 2999, at(60_000));
    expect(quick.server.verdict).toBeUndefined();
    const slow = new World(mode, { latencyMs: 0 });
    talk(slow, 3001, at(60_000));
    expect(slow.server.verdict).toEqual({ at: 3000, by: 'idle-timeout', silentMs: 3000 });
  });

  it('also ends a quiet user whose path is alive', () => {
    const world = new World(mode);
    talk(world, 1000, at(10_500));
    world.run(at(60_000));
    expect(world.server.verdict).toEqual({ at: 13_005, by: 'idle-timeout', silentMs: 3000 });
  });
});

describe('other modes', () => {
  it('none never notices, and asks for no tick', () => {
    const world = new World(parseMode('none'));
    world.clientSends();
    world.run(at(10_000));
    world.cut();
    world.run(at(1e9));
    expect(world.server.verdict).toBeUndefined();
    expect(world.client.verdict).toBeUndefined();
    expect(world.server.received).toEqual([5]);
  });

  it('in a combination the first part decides', () => {
    const world = new World(parseMode('heartbeat=1s:9s+idle-timeout=4s'));
    world.run(at(10_500));
    world.cut();
    world.run(at(60_000));
    expect(world.server.verdict).toEqual({ at: 14_005, by: 'idle-timeout', silentMs: 4000 });
  });
});

function latency(verdictAt: Instant | undefined, drop: Instant): number {
  expect(verdictAt).toBeDefined();
  return (verdictAt ?? Number.NaN) - drop;
}
