import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Place, Recency } from '../../src/core/recency.js';

describe('an order by last touch', () => {
  it('is empty at first', () => {
    const order = new Recency<string>();
    expect(order.oldest).toBeUndefined();
    expect(order.size).toBe(0);
  });

  it('has whoever was touched longest ago as its oldest', () => {
    const order = new Recency<string>();
    const [a, b, c] = [new Place('a'), new Place('b'), new Place('c')];
    for (const place of [a, b, c, a, b]) order.touch(place);
    expect(order.oldest).toBe('c');
    order.remove(c);
    order.remove(c);
    expect(order.oldest).toBe('a');
    expect(order.size).toBe(2);
  });

  it('is the order of a list from which each is taken and put to its end', () => {
    const steps = fc.array(fc.record({ at: fc.nat(7), touch: fc.boolean() }), { maxLength: 60 });
    fc.assert(
      fc.property(steps, (each) => {
        const places = Array.from({ length: 8 }, (_, at) => new Place(at));
        const order = new Recency<number>();
        let list: readonly number[] = [];
        for (const { at, touch } of each) {
          const place = places[at] ?? new Place(at);
          if (touch) order.touch(place);
          else order.remove(place);
          list = [...list.filter((other) => other !== at), ...(touch ? [at] : [])];
          expect([order.oldest, order.size]).toEqual([list[0], list.length]);
        }
      }),
    );
  });
});
