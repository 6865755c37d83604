/** Milliseconds as a person reads them in a table. */
import type { Span } from '../core/timer-wheel.js';
import type { Prediction } from '../core/predict.js';

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** Where `15m25s-15m48s` would take two columns more than any other span, and no one reads 48s as its end. */
const SHORT_FROM_SECONDS = 600;

/** `3.62s`, `15m39s`, `2h11m`. */
export function latencyWords(ms: number): string {
  if (ms < MINUTE_MS) return `${(ms / 1000).toFixed(2)}s`;
  return ms < HOUR_MS
    ? minutesAndSeconds(Math.round(ms / 1000))
    : hoursAndMinutes(Math.round(ms / MINUTE_MS));
}

/** Two measured figures as `latencyWords` would round each: `3.56-4.12s`. */
export function latencyRange(fromMs: number, toMs: number): string {
  const [from, to] = [latencyWords(fromMs), latencyWords(toMs)];
  return range(toMs < MINUTE_MS ? from.slice(0, -1) : from, to);
}

/**
 * `3.00-4.13s`, `1m0s-1m54s`, `15m25s-48s`, `2h11m-2h13m`. Rounded outwards, so that whatever lies
 * in the span also lies in what is shown.
 */
export function spanWords(span: Span): string {
  const { min, max } = span;
  const to = latestWords(span);
  if (max < MINUTE_MS) {
    const from = (Math.floor(min / 10) / 100).toFixed(2);
    return `${from}s` === to ? to : `${from}-${to}`;
  }
  if (max >= HOUR_MS) return range(hoursAndMinutes(Math.floor(min / MINUTE_MS)), to);
  const fromSeconds = Math.floor(min / 1000);
  const toSeconds = ceilTo(max, 1000);
  const from = minutesAndSeconds(fromSeconds);
  const sameMinute = Math.floor(fromSeconds / 60) === Math.floor(toSeconds / 60);
  const isShort = from !== to && sameMinute && fromSeconds >= SHORT_FROM_SECONDS;
  return isShort ? `${from}-${toSeconds % 60}s` : range(from, to);
}

/** The end of `spanWords`: `4.13s`, `15m48s`, `2h13m`. */
export function latestWords({ max }: Span): string {
  if (max < MINUTE_MS) return `${(Math.ceil(max / 10) / 100).toFixed(2)}s`;
  return max < HOUR_MS
    ? minutesAndSeconds(ceilTo(max, 1000))
    : hoursAndMinutes(ceilTo(max, MINUTE_MS));
}

export function predictionWords(prediction: Prediction): string {
  return prediction.kind === 'interval' ? spanWords(prediction.fromDropMs) : prediction.kind;
}

/** `12.3s`, `2m5s`: how long something took, where hundredths mean nothing. */
export function roughly(ms: number): string {
  return ms < MINUTE_MS ? `${Number((ms / 1000).toFixed(1))}s` : latencyWords(ms);
}

/** `12.3s`, `3h12m`, `17d4h`: what may have lasted for weeks. */
export function silenceWords(ms: number): string {
  if (ms < DAY_MS) return roughly(ms);
  const hours = Math.floor(ms / HOUR_MS);
  return `${Math.floor(hours / 24)}d${hours % 24}h`;
}

function minutesAndSeconds(seconds: number): string {
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`;
}

function hoursAndMinutes(minutes: number): string {
  return minutes < 60 ? `${minutes}m` : `${Math.floor(minutes / 60)}h${minutes % 60}m`;
}

function ceilTo(ms: number, unitMs: number): number {
  return Math.ceil(ms / unitMs);
}

function range(from: string, to: string): string {
  return from === to || `${from}s` === to ? to : `${from}-${to}`;
}
