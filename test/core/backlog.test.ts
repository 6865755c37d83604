import { describe, expect, it } from 'vitest';
import { Backlog, Waiting } from '../../src/core/backlog.js';
import { addMs, instantAt } from '../../src/core/time.js';

const start = instantAt(1000);
const after = (ms: number) => addMs(start, ms);
const waiting = (name: string) => new Waiting(name, start);

describe('a backlog', () => {
  it('is full beyond its bytes of all together, and no more when some are sent', () => {
    const backlog = new Backlog<string>({ maxUnsentBytes: 100 });
    const [a, b] = [waiting('a'), waiting('b')];
    backlog.note(a, 60, 0, start);
    backlog.note(b, 40, 0, start);
    expect(backlog.isFull).toBe(false);
    backlog.note(b, 41, 0, start);
    expect(backlog.isFull).toBe(true);
    backlog.note(a, 0, 60, start);
    expect(backlog.isFull).toBe(false);
    backlog.note(a, 60, 60, start);
    backlog.forget(b);
    backlog.forget(b);
    expect(backlog.isFull).toBe(false);
    backlog.note(a, 101, 60, start);
    expect(backlog.isFull).toBe(true);
  });

  it('without bounds is never full and waits for nobody', () => {
    const backlog = new Backlog<string>({});
    backlog.note(waiting('a'), 1e12, 0, start);
    expect(backlog.isFull).toBe(false);
    expect(backlog.nextDeadline()).toBeUndefined();
  });

  it('counts from when something began to wait, and anew with every byte that is taken', () => {
    const backlog = new Backlog<string>({ stallTimeoutMs: 30 });
    const a = waiting('a');
    expect(backlog.nextDeadline()).toBeUndefined();
    backlog.note(a, 10, 5, after(7));
    expect(backlog.nextDeadline()).toBe(after(37));
    backlog.note(a, 999, 5, after(20)); // more waits, nothing was taken
    expect(backlog.nextDeadline()).toBe(after(37));
    backlog.note(a, 999, 6, after(30));
    expect(backlog.nextDeadline()).toBe(after(60));
    backlog.note(a, 0, 1005, after(40));
    expect(backlog.nextDeadline()).toBeUndefined();
    backlog.note(a, 1, 1005, after(50));
    expect(backlog.nextDeadline()).toBe(after(80));
  });

  it('has whoever has not read for longest as its oldest', () => {
    const backlog = new Backlog<string>({ stallTimeoutMs: 30 });
    const [a, b, c] = [waiting('a'), waiting('b'), waiting('c')];
    for (const [at, each] of [a, b, c].entries()) backlog.note(each, 10, 0, after(at));
    backlog.note(b, 20, 0, after(3));
    backlog.note(a, 20, 1, after(4));
    expect(backlog.oldest?.holder).toBe('b');
    expect(backlog.nextDeadline()).toBe(after(31));
    backlog.forget(b);
    expect(backlog.oldest?.holder).toBe('c');
  });
});
