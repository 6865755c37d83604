import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Succession, type SuccessionInput } from '../../src/core/succession.js';
import { addMs, instantAt } from '../../src/core/time.js';

const START = instantAt(0);
const TIMEOUT_MS = 10_000;

/** What each input makes it do, at the time that stands beside it. */
function told(...inputs: readonly (readonly [SuccessionInput, number])[]): readonly string[] {
  const succession = new Succession(TIMEOUT_MS);
  return inputs.map(([input, ms]) =>
    succession
      .step(input, addMs(START, ms))
      .map((action) => (action.kind === 'refuse' ? action.reason : action.kind))
      .join(),
  );
}

describe('a succession', () => {
  it('starts the new version, and retires once that is ready', () => {
    expect(told(['asked', 0], ['ready', 500])).toEqual(['start', 'retire']);
  });

  it('goes on where the new version ends, and may be asked again', () => {
    expect(told(['asked', 0], ['failed', 500], ['asked', 600])).toEqual(['start', '', 'start']);
  });

  it('kills a new version that is not ready in time: not 1 ms before, but then', () => {
    expect(told(['asked', 0], ['tick', 9999], ['tick', 10_000], ['ready', 10_001])).toEqual([
      'start',
      '',
      'kill',
      '',
    ]);
    const succession = new Succession(TIMEOUT_MS);
    expect(succession.nextDeadline()).toBeUndefined();
    succession.step('asked', addMs(START, 7));
    expect(succession.nextDeadline()).toBe(addMs(START, 10_007));
    succession.step('ready', addMs(START, 8));
    expect(succession.nextDeadline()).toBeUndefined();
  });

  it('of two at once one wins, and the other is told', () => {
    expect(told(['asked', 0], ['asked', 1], ['ready', 2], ['asked', 3])).toEqual([
      'start',
      'another restart is under way',
      'retire',
      'this process has been replaced already',
    ]);
  });

  it('starts none when it is to end, and leaves none behind', () => {
    expect(told(['ending', 0], ['asked', 1])).toEqual(['', 'this process is ending']);
    expect(told(['asked', 0], ['ending', 1], ['ready', 2])).toEqual(['start', 'kill', '']);
  });

  it('never has two new versions, and retires for none that it has killed', () => {
    const inputs = fc.constantFrom<SuccessionInput>('asked', 'ready', 'failed', 'tick', 'ending');
    fc.assert(
      fc.property(fc.array(fc.tuple(inputs, fc.integer({ min: 0, max: 6000 }))), (steps) => {
        const succession = new Succession(TIMEOUT_MS);
        let now = START;
        let living = 0;
        for (const [input, afterMs] of steps) {
          now = addMs(now, afterMs);
          if (input === 'failed' && living > 0) living--;
          for (const { kind } of succession.step(input, now)) {
            if (kind === 'start') living++;
            if (kind === 'kill') living--;
            if (kind === 'retire') expect(living).toBe(1);
          }
          expect(living).toBeGreaterThanOrEqual(0);
          expect(living).toBeLessThanOrEqual(1);
          if (succession.nextDeadline() !== undefined) expect(living).toBe(1);
        }
      }),
    );
  });
});
