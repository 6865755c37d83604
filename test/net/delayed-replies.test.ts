import { describe, expect, it, onTestFinished } from 'vitest';
import { addMs, type Instant } from '../../src/core/time.js';
import { monotonicNow } from '../../src/kernel/clock.js';
import { DelayedReplies } from '../../src/net/delayed-replies.js';
import { SOON_MS, TEST_MS } from '../real-kernel.js';
import { until } from '../until.js';

describe('delayed replies', { timeout: TEST_MS }, () => {
  it('come in order, each no sooner than its time', async () => {
    const { replies, sent } = delayed(100);
    const askedAt: Instant[] = [];
    for (const text of ['one', 'two', 'three']) {
      askedAt.push(monotonicNow());
      replies.add(Buffer.from(text));
      await until(() => monotonicNow() > addMs(askedAt.at(-1) ?? monotonicNow(), 20), SOON_MS);
    }
    await until(() => sent.length === 3, SOON_MS);
    expect(sent.map(({ text }) => text)).toEqual(['one', 'two', 'three']);
    sent.forEach(({ at }, index) => {
      expect(at).toBeGreaterThanOrEqual(addMs(askedAt[index] ?? at, 100));
    });
  });

  it('what is due together is sent together', async () => {
    const { replies, sent } = delayed(20);
    for (let number = 0; number < 50; number++) replies.add(Buffer.from(String(number)));
    await until(() => sent.length === 50, SOON_MS);
    expect(sent.map(({ text }) => text)).toEqual(Array.from({ length: 50 }, (_, n) => String(n)));
  });

  it.each([
    ['large payloads', 16_256, 16],
    ['empty ones, which are not free', 0, 2048],
  ])('are bounded: no more %s once 256 KiB wait', (_, bytes, room) => {
    const { replies } = delayed(SOON_MS);
    const payload = new Uint8Array(bytes);
    const taken = Array.from({ length: room + 10 }, () => replies.add(payload));
    expect(taken.lastIndexOf(true)).toBe(room - 1);
    expect(taken.filter(Boolean)).toHaveLength(room);
  });

  it('have room again for what was sent', async () => {
    const { replies, sent } = delayed(20);
    const payload = new Uint8Array(50_000);
    let taken = 0;
    while (replies.add(payload)) taken++;
    expect(taken).toBe(5);
    await until(() => sent.length === taken, SOON_MS);
    for (let number = 0; number < taken; number++) expect(replies.add(payload)).toBe(true);
    expect(replies.add(payload)).toBe(false);
  });

  it('are forgotten when cleared, and their room is free', async () => {
    const { replies, sent } = delayed(20);
    while (replies.add(Buffer.alloc(10_000, 'forgotten'))) continue;
    replies.clear();
    // It comes after where the forgotten ones would have been.
    expect(replies.add(Buffer.from('later'))).toBe(true);
    await until(() => sent.length > 0, SOON_MS);
    expect(sent.map(({ text }) => text)).toEqual(['later']);
  });

  it('are forgotten also when they are cleared by the first that is sent', async () => {
    const sent: string[] = [];
    const replies = new DelayedReplies(20, (payload) => {
      sent.push(Buffer.from(payload).toString());
      replies.clear();
    });
    replies.add(Buffer.from('one'));
    await until(() => sent.length === 1, SOON_MS);
    expect(replies.add(new Uint8Array(256 * 1024 - 128))).toBe(true);
    replies.clear();
  });
});

interface Sent {
  readonly text: string;
  readonly at: Instant;
}

function delayed(delayMs: number): {
  readonly replies: DelayedReplies;
  readonly sent: readonly Sent[];
} {
  const sent: Sent[] = [];
  const replies = new DelayedReplies(delayMs, (payload) => {
    sent.push({ text: Buffer.from(payload).toString(), at: monotonicNow() });
  });
  onTestFinished(() => replies.clear());
  return { replies, sent };
}
