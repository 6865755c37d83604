import { readdirSync, readFileSync } from 'node:fs';
import type { VanishLog } from '../../src/core/vanish-log.js';

interface Recorded {
  /** What the server did, in words. */
  readonly what: string;
  readonly kernel: string;
  readonly log: VanishLog;
}

const folder = new URL('../../fixtures/vanish/', import.meta.url);

/** What a real kernel did to a real connection: fixtures/vanish, by name. */
export const recorded: ReadonlyMap<string, Recorded> = new Map(
  readdirSync(folder)
    .toSorted()
    .map((file) => [
      file.replace(/\.json$/, ''),
      JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as Recorded,
    ]),
);
