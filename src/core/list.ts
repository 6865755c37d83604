import { TcpaliveError } from '../errors.js';

/** `a,b`: comma-separated, at least one, none twice. @throws TcpaliveError BAD_USAGE */
export function parseList<T>(text: string, parse: (item: string) => T): readonly T[] {
  const items = text.split(',').map((item) => item.trim());
  const twice = items.find((item, at) => items.indexOf(item) !== at);
  if (twice !== undefined) throw new TcpaliveError('BAD_USAGE', `'${twice}' is listed twice`);
  return items.map(parse);
}
