import { describe, expect, it } from 'vitest';
import { Admission } from '../../src/core/admission.js';

const HERE = '192.0.2.1';
const THERE = '192.0.2.2';

describe('admission', () => {
  it('is given up to the last place, and again when one is free', () => {
    const admission = new Admission({ maxConnections: 2 });
    admission.enter(HERE);
    expect(admission.decide(THERE)).toBe('admit');
    admission.enter(THERE);
    expect(admission.decide(HERE)).toBe('connections');
    admission.leave(THERE);
    expect(admission.decide(HERE)).toBe('admit');
  });

  it('is given to one more at the limit when another can make room', () => {
    const admission = new Admission({ maxConnections: 1, evict: true });
    expect(admission.decide(HERE)).toBe('admit');
    admission.enter(HERE);
    expect(admission.decide(THERE)).toBe('evict');
  });

  it('is refused to one address that has its share, also where another would make room', () => {
    const admission = new Admission({ maxConnections: 2, maxPerAddress: 1, evict: true });
    admission.enter(HERE);
    expect(admission.decide(HERE)).toBe('address');
    expect(admission.decide(THERE)).toBe('admit');
    admission.enter(THERE);
    expect(admission.decide(HERE)).toBe('address');
    expect(admission.decide('192.0.2.3')).toBe('evict');
    admission.leave(HERE);
    expect(admission.decide(HERE)).toBe('admit');
  });

  it('counts a /64 of IPv6 as one address, and a mapped one as what it is', () => {
    const admission = new Admission({ maxConnections: 9, maxPerAddress: 1 });
    admission.enter('2001:db8:0:1::1');
    expect(admission.decide('2001:db8:0:1:ffff::2')).toBe('address');
    expect(admission.decide('2001:db8:0:2::1')).toBe('admit');
    admission.enter(`::ffff:${HERE}`);
    expect(admission.decide(HERE)).toBe('address');
    expect(admission.decide(`::ffff:${THERE}`)).toBe('admit');
  });
});
