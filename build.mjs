// Bundles the bin and the public API, and keeps what V8 makes of the bin. `--if-missing` is for `npm start` after an
// `npm ci --ignore-scripts`: the ordinary `npm ci` has built already.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'rolldown';

const bin = 'dist/cli.cjs';

// koffi is native.
const common = { platform: 'node', external: ['koffi'], transform: { target: 'node20' } };
const minify = { compress: true, mangle: false, codegen: { removeWhitespace: true } };

/** Commands that read much of what there is, and change nothing: together they use every large piece. */
const USUAL = [['ls', '--json', '--all'], ['compare', '--predict-only'], ['doctor']];
const LONGEST_USUAL_MS = 30_000;
/** At its end keeps the functions that were called, as V8 compiled them, beside the pieces of the bin. */
const KEEP_CODE = `data:text/javascript,${encodeURIComponent(`
  import { existsSync, renameSync, writeFileSync } from 'node:fs';
  import vm from 'node:vm';
  const pieces = [];
  vm.Script = class extends vm.Script {
    constructor(source, options) {
      super(source, options);
      pieces.push({ script: this, file: options.filename });
    }
  };
  process.on('exit', () => {
    for (const { script, file } of pieces) {
      const code = [file, process.arch + '-' + process.versions.v8, 'code'].join('.');
      if (existsSync(code)) continue;
      const mine = [code, process.pid, 'new'].join('.');
      writeFileSync(mine, script.createCachedData());
      renameSync(mine, code);
    }
  });
`)}`;

if (!(process.argv.includes('--if-missing') && existsSync(bin))) {
  const written = await build([
    {
      ...common,
      input: { program: 'src/cli.ts' },
      output: {
        dir: 'dist',
        // Node reads CommonJS sooner than ES modules (`npm run bench`).
        format: 'cjs',
        entryFileNames: '[name]-[hash].cjs',
        chunkFileNames: '[name]-[hash].cjs',
        minify,
        // A file costs more than what is in it: not a file for each command, but one for what every
        // start reads, one for what measures, one for what looks at this host, and apart the forecast, the
        // grammar of scenarios, and the kernel, which reads its table of sockets while the rest is loaded.
        codeSplitting: {
          groups: [
            { name: 'program', test: /src\/cli\.ts$/, priority: 4 },
            { name: 'forecast', test: /commands\/run-forecast\.ts$/, priority: 3 },
            { name: 'kernel', test: /kernel\/linux\//, priority: 3 },
            { name: 'host', test: /commands\/run-(ls|protect|reap)\.ts$/, priority: 2 },
            { name: 'measure', test: /commands\/run-/, priority: 1 },
          ],
        },
      },
    },
    {
      ...common,
      input: { index: 'src/index.ts' },
      output: { dir: 'dist', format: 'esm', codeSplitting: false, minify },
    },
    {
      // In somebody else's program: as little as possible.
      ...common,
      input: { guardian: 'src/guard/register.ts' },
      output: { dir: 'dist', format: 'esm', codeSplitting: false, minify },
    },
  ]);
  const files = written.flatMap(({ output }) => output.map((file) => file.fileName));
  const program = files.find((name) => name.startsWith('program-'));
  await build({
    ...common,
    input: { cli: 'src/start.ts' },
    transform: { ...common.transform, define: { PROGRAM: JSON.stringify(`./${program}`) } },
    output: { dir: 'dist', format: 'cjs', entryFileNames: '[name].cjs', minify },
  });
  await chmod(bin, 0o755);
  await removeStale(new Set(files));
  await keepCode();
}

/** Anew: what is there may be for other flags of V8, which refuses it then. */
async function keepCode() {
  for (const name of await readdir('dist')) {
    if (/\.code(\.|$)/.test(name)) await rm(join('dist', name), { force: true });
  }
  const env = { ...process.env };
  delete env.NODE_OPTIONS;
  for (const args of USUAL) {
    const command = ['--import', KEEP_CODE, bin, ...args];
    spawnSync(process.execPath, command, { stdio: 'ignore', env, timeout: LONGEST_USUAL_MS });
  }
}

/** Pieces of earlier builds, unless what is running may still import them. */
async function removeStale(current) {
  const oldest = Date.now() - 3_600_000;
  for (const name of await readdir('dist')) {
    const path = join('dist', name);
    if (!/-[\w-]{8}\.c?js$/.test(name) || current.has(name)) continue;
    // Another build may have been first.
    const since = await stat(path).catch(() => undefined);
    if (since !== undefined && since.mtimeMs < oldest) await rm(path, { force: true });
  }
}
