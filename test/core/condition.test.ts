import { describe, expect, it } from 'vitest';
import {
  faultKind,
  lossShare,
  healsAfterMs,
  parseFaults,
  parseLoads,
  parseObserver,
} from '../../src/core/condition.js';
import { refusalOf } from '../refusal.js';

describe('conditions', () => {
  it('reads lists, blanks around their commas ignored', () => {
    expect(parseFaults('blackhole')).toEqual(['blackhole']);
    expect(parseFaults('freeze, close,reset ')).toEqual(['freeze', 'close', 'reset']);
    expect(parseLoads('idle,write')).toEqual(['idle', 'write']);
  });

  it('reads how long an outage is and how much is lost, in one spelling', () => {
    expect(parseFaults('outage=1500ms,loss=05%,loss=0.5%')).toEqual([
      'outage=1.5s',
      'loss=5%',
      'loss=0.5%',
    ]);
    expect(healsAfterMs('outage=1.5s')).toBe(1500);
    expect(lossShare('loss=5%')).toBe(0.05);
    expect([healsAfterMs('loss=5%'), lossShare('blackhole')]).toEqual([undefined, undefined]);
    expect(healsAfterMs('pause=2s')).toBe(2000);
    expect(faultKind('outage=1.5s')).toBe('outage');
  });

  it('reads either observer', () => {
    expect(parseObserver('server')).toBe('server');
    expect(parseObserver('client')).toBe('client');
  });

  it.each([
    [
      () => parseFaults('fire'),
      "'fire' is not a fault: blackhole, to-peer, from-peer, freeze, pause=T, relay, outage=T, loss=P%, close, reset",
    ],
    [
      () => parseFaults('close,'),
      "'' is not a fault: blackhole, to-peer, from-peer, freeze, pause=T, relay, outage=T, loss=P%, close, reset",
    ],
    [
      () => parseFaults('toString'),
      "'toString' is not a fault: blackhole, to-peer, from-peer, freeze, pause=T, relay, outage=T, loss=P%, close, reset",
    ],
    [() => parseFaults('outage'), "'outage' needs a time, such as outage=2s"],
    [() => parseFaults('outage=2'), "'2' has no unit: did you mean 2s?"],
    [() => parseFaults('loss=101%'), "'loss=101%' is not a loss: 0.01% to 100%, such as loss=5%"],
    [() => parseFaults('loss=5'), "'loss=5' is not a loss: 0.01% to 100%, such as loss=5%"],
    [() => parseFaults('freeze,freeze'), "'freeze' is listed twice"],
    [() => parseLoads('busy'), "'busy' is not a load: idle, write, zero-window, connect"],
    [() => parseObserver('Server'), "'Server' is not an observer: server, client"],
  ])('refuses what is neither, naming it and what is accepted (%#)', (parse, message) => {
    const refusal = refusalOf(parse);
    expect(refusal.message).toBe(message);
    expect(refusal.code).toBe('BAD_USAGE');
  });
});
