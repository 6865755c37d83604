import { TcpaliveError } from '../errors.js';

/** Above a week a timeout is a typing mistake, and Node's own timers end at 24.8 days. */
const LONGEST_MS = 7 * 24 * 3_600_000;

const UNITS_MS = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 } as const;

/**
 * `250ms`, `3s`, `1.5s`, `1m30s`, `2h` → milliseconds, more than 0 and at most 168h.
 * @throws TcpaliveError BAD_USAGE; a bare number is refused with what was probably meant.
 */
export function parseDuration(text: string): number {
  if (/^\d+(\.\d+)?$/.test(text)) {
    throw new TcpaliveError('BAD_USAGE', `'${text}' has no unit: did you mean ${text}s?`);
  }
  const groups = /^(?:([\d.]+)h)?(?:([\d.]+)m(?!s))?(?:([\d.]+)s)?(?:([\d.]+)ms)?$/.exec(text);
  if (text === '' || groups === null) {
    throw new TcpaliveError(
      'BAD_USAGE',
      `'${text}' is not a duration: write 250ms, 3s, 1m30s or 2h`,
    );
  }
  const [, hours, minutes, seconds, milliseconds] = groups;
  const ms =
    part(hours, UNITS_MS.h) +
    part(minutes, UNITS_MS.m) +
    part(seconds, UNITS_MS.s) +
    part(milliseconds, UNITS_MS.ms);
  if (!(ms > 0 && ms <= LONGEST_MS)) {
    throw new TcpaliveError('BAD_USAGE', `'${text}' is out of range: more than 0, at most 168h`);
  }
  return ms;
}

/** The shortest exact spelling that `parseDuration` reads back: 90000 → `1m30s`. */
export function formatDuration(ms: number): string {
  let rest = Math.round(ms * 1000) / 1000;
  let text = '';
  for (const [unit, size] of Object.entries(UNITS_MS)) {
    const amount = unit === 'ms' ? rest : Math.floor(rest / size);
    if (amount > 0) text += `${amount}${unit}`;
    rest = Math.round((rest - amount * size) * 1000) / 1000;
  }
  return text === '' ? '0s' : text;
}

function part(digits: string | undefined, unitMs: number): number {
  return digits === undefined ? 0 : Number(digits) * unitMs;
}
