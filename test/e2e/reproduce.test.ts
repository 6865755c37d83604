/** What others measured and published, on this kernel: `npm run reproduce`. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { namespaceRefusal } from '../../src/kernel/namespace.js';
import { start } from './program.js';

const FOLDER = 'fixtures/reproduced';

/** A run of CI as root may not skip what it has. */
const mayNotSkip = process.env['CI'] !== undefined && process.getuid?.() === 0;
const refusal = await namespaceRefusal();

describe('npm run reproduce', () => {
  it.skipIf(refusal !== undefined && !mayNotSkip)(
    'the quick set agrees with the model, row by row (needs namespace)',
    { timeout: 150_000 },
    async () => {
      const command = [process.execPath, 'test/reproduce/reproduce.mjs'];
      const { code, stdout } = await start([], { command }).ended;
      expect(stdout).not.toMatch(/DISAGREES/);
      expect(stdout).toMatch(/^25 of 25 agree$/m);
      expect(code).toBe(0);
    },
  );

  it('all of it agreed where it was run, the quarter-hour rows included', () => {
    const files = readdirSync(FOLDER);
    expect(files.length).toBeGreaterThan(0);
    for (const file of files) {
      const text = readFileSync(join(FOLDER, file), 'utf8');
      expect(text).toMatch(/^Linux \d+\.\d+.*, \d{4}-\d\d-\d\d, all rows$/m);
      expect(text).toMatch(/^write-none .* agrees$/m);
      expect(text).toMatch(/^33 of 33 agree$/m);
    }
  });
});
