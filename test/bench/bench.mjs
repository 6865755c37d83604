// `npm run bench`: figures, not tests. Ratios are against a peer measured in the same run, because
// machines are noisy; lower is better throughout.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const BIN = 'dist/cli.cjs';
const RUNS = 30;

startUp();
overshoot();

/** Start-up against a Node program that does nothing, taken in turns. */
function startUp() {
  const folder = mkdtempSync(join(tmpdir(), 'tcpalive-bench-'));
  const empty = join(folder, 'empty.mjs');
  writeFileSync(empty, '');
  const commands = [['--version'], ['compare', '--predict-only']];
  try {
    const nothing = [];
    const ours = commands.map(() => []);
    for (let run = 0; run < RUNS; run++) {
      nothing.push(timeMs([empty]));
      commands.forEach((command, at) => ours[at].push(timeMs([BIN, ...command])));
    }
    commands.forEach((command, at) => {
      const ratio = median(ours[at]) / median(nothing);
      console.log(
        `start-up: tcpalive ${command.join(' ')} ${median(ours[at]).toFixed(1)} ms, empty program ` +
          `${median(nothing).toFixed(1)} ms, ratio ${ratio.toFixed(2)} (goal: under 1.6; median of ${RUNS})`,
      );
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** How far beyond the earliest possible moment each mode's verdicts fall. */
function overshoot() {
  const { stdout } = spawnSync(process.execPath, [BIN, 'compare', '--json', '--limit', '5s'], {
    encoding: 'utf8',
    maxBuffer: 1 << 26,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const { rows, loopDelayMs } = JSON.parse(stdout);
  console.log(
    `overshoot beyond the earliest time by the phase-free figure, event loop at most ${loopDelayMs.max} ms late:`,
  );
  for (const { mode, load, predicted, measured } of rows) {
    const { fromLastActivityMs: span } = measured;
    if (span === null) continue;
    const earliest = predicted.fromLastActivityMs.min;
    const [middle, worst] = [span.median - earliest, span.max - earliest];
    const allowed = predicted.fromLastActivityMs.max - earliest;
    console.log(
      `  ${`${mode} ${load}`.padEnd(42)} median ${middle.toFixed(1).padStart(7)} ms   worst ` +
        `${worst.toFixed(1).padStart(7)} ms   (the kernel's timers may add ${allowed.toFixed(0)} ms)`,
    );
  }
}

function timeMs(args) {
  const start = process.hrtime.bigint();
  execFileSync(process.execPath, args, { stdio: 'ignore' });
  return Number(process.hrtime.bigint() - start) / 1e6;
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}
