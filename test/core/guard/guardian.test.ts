import { describe, expect, it } from 'vitest';
import { drive, exited, GONE, STOPPED, type Driven } from './driven.js';
import { service } from './service.js';

const NAMES = ['a', 'b', 'c'];

describe('several services', () => {
  it('are stopped one after another, the last one first', () => {
    const driven = running();
    expect(driven.at(100).end()).toEqual(['100 ending reason=SIGTERM', '100 c stop!']);
    expect(driven.at(200).input(STOPPED, 'c')).toEqual([
      '200 c stopped by=TERM tookMs=12',
      '200 c ended reason=stopped',
      '200 b stop!',
    ]);
    driven.at(300).input(STOPPED, 'b');
    expect(driven.at(400).input(STOPPED, 'a').slice(1)).toEqual([
      '400 a ended reason=stopped',
      '400 done',
    ]);
    expect(driven.at(500).end()).toEqual([]);
  });

  it('are stopped in the middle of whatever they were about', () => {
    const driven = running();
    driven.at(100).input(exited(1), 'a');
    driven.at(100).input(GONE, 'a');
    driven.at(100).passes(); // a is being started
    driven.at(110).input(exited(1), 'b');
    expect(driven.at(120).end()).toEqual(['120 ending reason=SIGTERM', '120 c stop!']);
    // It ended while the others had their turn, and is not started again.
    expect(driven.at(130).input(GONE, 'b')).toEqual(['130 b ended reason=stopped']);
    expect(driven.at(140).input(STOPPED, 'c').slice(1)).toEqual(['140 c ended reason=stopped']);
    expect(driven.at(150).input({ kind: 'started', pid: 9 }, 'a')).toEqual([
      '150 a started pid=9',
      '150 a stop!',
    ]);
    expect(driven.at(160).input(STOPPED, 'a').at(-1)).toBe('160 done');
  });

  it('end with the first one that is given up, or not', () => {
    const exits = running({ restarts: { most: 1, withinMs: 60_000 } });
    crashTwice(exits);
    expect(exits.at(100).input(GONE, 'a')).toEqual([
      '100 a gave-up restarts=1 then=exit',
      '100 ending reason=a was given up',
      '100 c stop!',
    ]);
    const waits = running({ restarts: { most: 1, withinMs: 60_000 }, onGiveUp: 'wait' });
    crashTwice(waits);
    expect(waits.at(100).input(GONE, 'a')).toEqual(['100 a gave-up restarts=1 then=wait']);
  });

  it('are done once all have ended by themselves', () => {
    const driven = running();
    for (const name of NAMES) driven.at(10).input(exited(0), name);
    driven.at(20).input(GONE, 'a');
    driven.at(20).input(GONE, 'b');
    expect(driven.at(20).input(GONE, 'c')).toEqual(['20 c ended reason=exit 0', '20 done']);
    // A file that was being read meanwhile: nobody is there to start it.
    expect(driven.at(30).reload(service({ name: 'd' }))).toEqual([]);
  });
});

describe('another configuration', () => {
  it('touches no service that is the same', () => {
    const driven = running();
    expect(driven.at(100).reload(...NAMES.map((name) => service({ name })))).toEqual([
      '100 reloaded added= removed= changed= revived=',
    ]);
  });

  it('stops what is gone, starts what is new, and does both to what has changed', () => {
    const driven = running();
    const changed = service({ name: 'b', timeoutMs: 5000 });
    expect(driven.at(100).reload(service({ name: 'd' }), changed, service({ name: 'a' }))).toEqual([
      '100 reloaded added=d removed=c changed=b revived=',
      '100 b stop!',
      '100 c stop!',
      '100 d start!',
    ]);
    expect(driven.at(200).input(STOPPED, 'c').slice(1)).toEqual(['200 c ended reason=stopped']);
    expect(driven.at(200).input(STOPPED, 'b').slice(1)).toEqual([
      '200 b ended reason=stopped',
      '200 b start!',
    ]);
    expect(driven.guardian.services.map(({ config }) => config.name)).toEqual(['d', 'b', 'a']);
    expect(driven.guardian.services[1]?.config).toBe(changed);
  });

  it('brings back what was on its way out', () => {
    const driven = running();
    const [a, b, c] = NAMES.map((name) => service({ name }));
    if (a === undefined || b === undefined || c === undefined) throw new Error('three services');
    driven.at(100).reload(a, b);
    driven.at(110).reload(a, b, c);
    expect(driven.at(120).input(STOPPED, 'c').slice(1)).toEqual([
      '120 c ended reason=stopped',
      '120 c start!',
    ]);
  });

  it('that comes before the beginning starts nothing twice', () => {
    const driven = drive(NAMES.map((name) => service({ name })));
    const d = service({ name: 'd' });
    expect(
      driven
        .at(0)
        .reload(service({ name: 'a' }), d)
        .slice(1),
    ).toEqual(['0 b ended reason=stopped', '0 c ended reason=stopped', '0 d start!']);
    expect(driven.at(10).begin()).toEqual(['10 a start!']);
  });

  it('tries again what was given up', () => {
    const limited = { restarts: { most: 1, withinMs: 60_000 }, onGiveUp: 'wait' } as const;
    const driven = running(limited);
    crashTwice(driven);
    driven.at(100).input(GONE, 'a');
    expect(driven.at(200).reload(...NAMES.map((name) => service({ name, ...limited })))).toEqual([
      '200 reloaded added= removed= changed= revived=a',
      '200 a start!',
    ]);
  });
});

describe("the guardian's own trouble", () => {
  it('is told once for all whom a late look concerns, and nobody is dead', () => {
    const driven = beating();
    expect(driven.at(15_000).looks()).toEqual([
      '15000 own-trouble kind=late lateMs=12000 services=a+b+c',
    ]);
    for (const name of NAMES) driven.at(15_100).hears('beats', 'alive', name);
    expect(driven.at(18_000).passes()).toEqual([]);
  });

  it('is dead after all who is silent through the grace', () => {
    const driven = beating();
    driven.at(15_000).looks();
    driven.at(15_100).hears('beats', 'alive', 'b');
    driven.at(17_000).hears('beats', 'alive', 'b');
    driven.at(17_500).hears('beats', 'alive', 'c');
    expect(driven.at(18_000).passes()[0]).toContain('18000 a dead by=beats silentMs=18000');
  });

  it('is suspected first where several fall silent at one instant', () => {
    const driven = beating();
    driven.at(500).hears('beats', 'alive', 'b');
    expect(driven.at(2900).hears('beats', 'alive', 'c')).toEqual([]);
    expect(driven.at(3000).passes()).toEqual([
      '3000 own-trouble kind=together lateMs=null services=a+b',
    ]);
    driven.at(5800).hears('beats', 'alive', 'c');
    const dead = driven
      .at(6000)
      .passes()
      .filter((line) => line.includes('dead'));
    expect(dead.map((line) => line.slice(0, 11))).toEqual(['6000 a dead', '6000 b dead']);
  });

  it('is not suspected where one alone is silent, or another one was before', () => {
    const driven = beating();
    for (const ms of [1500, 3000]) driven.at(ms - 1).hears('beats', 'alive', 'c');
    driven.at(1400).hears('beats', 'alive', 'b');
    expect(driven.at(3000).passes()[0]).toContain('3000 a dead');
    expect(driven.at(4400).passes()[0]).toContain('4400 b dead');
  });
});

/** All of them since 0. */
function running(config: Parameters<typeof service>[0] = {}): Driven {
  const driven = drive(NAMES.map((name) => service({ name, ...config })));
  expect(driven.at(0).begin()).toEqual(NAMES.map((name) => `0 ${name} start!`));
  for (const [at, name] of NAMES.entries())
    driven.at(0).input({ kind: 'started', pid: 40 + at }, name);
  return driven;
}

/** Heard of at 0, and to be heard of every second. */
function beating(): Driven {
  const driven = running();
  for (const name of NAMES) driven.at(0).hears('beats', 'alive', name);
  return driven;
}

function crashTwice(driven: Driven): void {
  driven.at(100).input(exited(1), 'a');
  driven.at(100).input(GONE, 'a');
  driven.at(100).passes();
  driven.at(100).input({ kind: 'started', pid: 50 }, 'a');
  driven.at(100).input(exited(1), 'a');
}
