import { describe, expect, it } from 'vitest';
import { requestOf, withFirstWord } from '../../src/core/speech.js';
import { fill } from '../../src/core/template.js';
import { preset } from './preset.js';

describe('a first word', () => {
  it('is the opening, where there is one', () => {
    const mqtt = preset('mqtt');
    expect(withFirstWord(mqtt)).toBe(mqtt);
  });

  it('is a beat and its answer, where there is none', () => {
    const http = preset('http');
    const { opening } = withFirstWord(http);
    expect(opening).toHaveLength(1);
    const [ask] = opening;
    expect(ask?.expect).toBe(http.protocol.beat.expect);
    expect(ask?.send && fill(ask.send, http.filling)).toEqual(requestOf(http));
  });
});
