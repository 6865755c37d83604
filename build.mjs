// Bundles the bin and the public API with esbuild. `--if-missing` is for `npm start` after an
// `npm ci --ignore-scripts`: the ordinary `npm ci` has built already.
import { existsSync } from 'node:fs';
import { chmod } from 'node:fs/promises';
import { build } from 'esbuild';

const bin = 'dist/cli.js';
if (!(process.argv.includes('--if-missing') && existsSync(bin))) {
  await build({
    entryPoints: ['src/cli.ts', 'src/index.ts'],
    outdir: 'dist',
    bundle: true,
    // What only some commands need is a file of its own, read when it is imported.
    splitting: true,
    minifyWhitespace: true,
    minifySyntax: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    // A module that is imported lazily is evaluated lazily in the bundle too, but an external that it
    // imports would be loaded at once: only koffi, which is native, stays outside.
    external: ['koffi'],
    // commander and cli-table3 are CommonJS: their `require` of Node's own modules needs one.
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
    },
    logLevel: 'warning',
  });
  await chmod(bin, 0o755);
}
