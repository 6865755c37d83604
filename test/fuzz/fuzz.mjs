// `npm run fuzz -- --minutes 10 [--seed N]`: streams at random through every framing, each round with a
// seed of its own, which is printed and brings the round back. Ends at the first that is decoded wrongly.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import fc from 'fast-check';
import { build } from 'rolldown';

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '1' }, seed: { type: 'string' } },
});
const minutes = Number(values.minutes);
const firstSeed = Number(values.seed ?? Date.now() % 2 ** 31);
if (!(minutes > 0) || !Number.isSafeInteger(firstSeed)) {
  console.error('npm run fuzz -- --minutes 10 [--seed N]');
  process.exit(2);
}
const ROUND = 2000;

const { properties } = await load('test/fuzz/framings.ts');
const until = Date.now() + minutes * 60_000;
let streams = 0;
for (let seed = firstSeed; Date.now() < until && process.exitCode === undefined; seed++) {
  for (const [name, property] of Object.entries(properties)) {
    const left = Math.max(1, until - Date.now());
    const limits = { interruptAfterTimeLimit: left, markInterruptAsFailure: false };
    const found = await fc.check(property, { seed, numRuns: ROUND, ...limits });
    streams += found.numRuns;
    if (!found.failed) continue;
    console.log(`seed ${seed}: not so: ${name}`);
    console.log(await fc.asyncDefaultReportMessage(found));
    process.exitCode = 1;
    break;
  }
  console.log(`seed ${seed}, ${streams} streams`);
}

/** A TypeScript module of ours. What it imports from packages is this program's own. */
async function load(path) {
  const dir = await mkdtemp(join(tmpdir(), 'tcpalive-fuzz-'));
  try {
    const file = join(dir, 'framings.mjs');
    const imported = import.meta.resolve('fast-check');
    await build({
      input: path,
      platform: 'node',
      external: [/^node:/, 'fast-check'],
      output: { file, format: 'esm', paths: { 'fast-check': imported } },
    });
    return await import(pathToFileURL(file).href);
  } finally {
    await rm(dir, { recursive: true });
  }
}
