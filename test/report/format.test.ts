import { describe, expect, it } from 'vitest';
import { TcpaliveError } from '../../src/errors.js';
import { formats, paint, parseFormat } from '../../src/report/format.js';
import { plainStyle } from './comparison-fixture.js';

describe('parseFormat', () => {
  it.each(formats)('accepts %s', (format) => {
    expect(parseFormat(format)).toBe(format);
  });

  it.each(['', 'JSON', 'xml', 'toString'])('refuses %j, naming what is accepted', (text) => {
    expect(() => parseFormat(text)).toThrow(
      new TcpaliveError(
        'BAD_USAGE',
        `'${text}' is not a format: table, markdown, csv, json, jsonl`,
      ),
    );
  });
});

describe('paint', () => {
  it('colours only when the style says so', () => {
    expect(paint({ ...plainStyle, color: true }).red('x')).toBe('\x1b[31mx\x1b[39m');
    expect(paint({ ...plainStyle, color: false }).red('x')).toBe('x');
  });
});
