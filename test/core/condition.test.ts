import { describe, expect, it } from 'vitest';
import { parseFaults, parseLoads, parseObserver } from '../../src/core/condition.js';
import { refusalOf } from '../refusal.js';

describe('conditions', () => {
  it('reads lists, blanks around their commas ignored', () => {
    expect(parseFaults('blackhole')).toEqual(['blackhole']);
    expect(parseFaults('freeze, close,reset ')).toEqual(['freeze', 'close', 'reset']);
    expect(parseLoads('idle,write')).toEqual(['idle', 'write']);
  });

  it('reads either observer', () => {
    expect(parseObserver('server')).toBe('server');
    expect(parseObserver('client')).toBe('client');
  });

  it.each([
    [() => parseFaults('fire'), "'fire' is not a fault: blackhole, freeze, close, reset"],
    [() => parseFaults('close,'), "'' is not a fault: blackhole, freeze, close, reset"],
    [() => parseFaults('toString'), "'toString' is not a fault: blackhole, freeze, close, reset"],
    [() => parseLoads('busy'), "'busy' is not a load: idle, write"],
    [() => parseObserver('Server'), "'Server' is not an observer: server, client"],
  ])('refuses what is neither, naming it and what is accepted (%#)', (parse, message) => {
    const refusal = refusalOf(parse);
    expect(refusal.message).toBe(message);
    expect(refusal.code).toBe('BAD_USAGE');
  });
});
