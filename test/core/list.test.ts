import { describe, expect, it } from 'vitest';
import { parseList } from '../../src/core/list.js';
import { TcpaliveError } from '../../src/errors.js';
import { refusalOf } from '../refusal.js';

const upper = (item: string) => item.toUpperCase();

describe('parseList', () => {
  it.each([
    ['a', ['A']],
    ['a,b,c', ['A', 'B', 'C']],
    [' a , b', ['A', 'B']],
    ['a b', ['A B']],
  ])('reads %j, in its order', (text, items) => {
    expect(parseList(text, upper)).toEqual(items);
  });

  it.each([
    ['a,a', 'a'],
    ['b,a,c, a', 'a'],
    ['a,b,b,a', 'b'],
    [',', ''],
  ])('refuses %j, naming what is there twice', (text, twice) => {
    const { code, message } = refusalOf(() => parseList(text, upper));
    expect({ code, message }).toEqual({
      code: 'BAD_USAGE',
      message: `'${twice}' is listed twice`,
    });
  });

  it('leaves nothing to the parser of items when something is there twice', () => {
    const parsed: string[] = [];
    refusalOf(() => parseList('a,b,a', (item) => parsed.push(item)));
    expect(parsed).toEqual([]);
  });

  it.each([
    ['', ''],
    ['a,', ''],
    ['a,,b', ''],
    ['a,c', 'c'],
  ])('leaves it to the parser of items to refuse one of %j', (text, refused) => {
    const known = (item: string) => {
      if (item === 'a') return item;
      throw new TcpaliveError('BAD_USAGE', `not '${item}'`);
    };
    expect(refusalOf(() => parseList(text, known)).message).toBe(`not '${refused}'`);
  });
});
