import { TcpaliveError } from '../errors.js';
import { roundMs } from './distribution.js';

/** Above a week a timeout is a typing mistake, and Node's own timers end at 24.8 days. */
const LONGEST_MS = 7 * 24 * 3_600_000;

const UNITS_MS = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 } as const;

const DIGITS = String.raw`(\d+(?:\.\d+)?|\.\d+)`;
const GROUPS = new RegExp(`^(?:${DIGITS}h)?(?:${DIGITS}m(?!s))?(?:${DIGITS}s)?(?:${DIGITS}ms)?$`);

/**
 * `250ms`, `3s`, `1.5s`, `1m30s`, `2h` → milliseconds to the microsecond, more than 0
 * and at most 168h.
 * @throws TcpaliveError BAD_USAGE; a bare number is refused with what was probably meant.
 */
export function parseDuration(text: string): number {
  if (/^\d+(\.\d+)?$/.test(text)) {
    // With a unit it would be refused as well.
    if (Number(text) === 0) throw outOfRange(text);
    throw new TcpaliveError('BAD_USAGE', `'${text}' has no unit: did you mean ${text}s?`);
  }
  const groups = GROUPS.exec(text);
  if (text === '' || groups === null) {
    throw new TcpaliveError(
      'BAD_USAGE',
      `'${text}' is not a duration: write 250ms, 3s, 1m30s or 2h`,
    );
  }
  const [, hours, minutes, seconds, milliseconds] = groups;
  const ms = roundMs(
    part(hours, UNITS_MS.h) +
      part(minutes, UNITS_MS.m) +
      part(seconds, UNITS_MS.s) +
      part(milliseconds, UNITS_MS.ms),
  );
  if (!(ms > 0 && ms <= LONGEST_MS)) throw outOfRange(text);
  return ms;
}

function outOfRange(text: string): TcpaliveError {
  return new TcpaliveError('BAD_USAGE', `'${text}' is out of range: more than 0, at most 168h`);
}

/** The spelling that `parseDuration` reads back: 90000 → `1m30s`, 1500 → `1.5s`, 250 → `250ms`. */
export function formatDuration(ms: number): string {
  const hours = Math.floor(roundMs(ms) / UNITS_MS.h);
  const minutes = Math.floor((roundMs(ms) % UNITS_MS.h) / UNITS_MS.m);
  const rest = roundMs(roundMs(ms) % UNITS_MS.m);
  const text = (hours > 0 ? `${hours}h` : '') + (minutes > 0 ? `${minutes}m` : '');
  if (rest === 0) return text === '' ? '0s' : text;
  return text + (rest < UNITS_MS.s ? `${rest}ms` : `${Number((rest / UNITS_MS.s).toFixed(6))}s`);
}

function part(digits: string | undefined, unitMs: number): number {
  return digits === undefined ? 0 : Number(digits) * unitMs;
}
