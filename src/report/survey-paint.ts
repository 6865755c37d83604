/** What deserves a look, in colour; the words say the same without. */
import { paint, type Style } from './format.js';
import { descriptorUse, NEAR_LIMIT, type Group } from './survey-groups.js';

/** Paints the word of a fate, however it is padded. */
export function fatePainter(style: Style): (cell: string) => string {
  const { yellow, red } = paint(style);
  const colors = new Map([
    ['forever', yellow],
    ['leaked', yellow],
    ['dying', red],
  ]);
  return (cell) => colors.get(cell.trimEnd())?.(cell) ?? cell;
}

export function paintDescriptors(
  cell: string,
  { processes: [fullest] }: Group,
  style: Style,
): string {
  const isNear = fullest !== undefined && descriptorUse(fullest) >= NEAR_LIMIT;
  return isNear ? paint(style).red(cell) : cell;
}
