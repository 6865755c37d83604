// Bundles the bin and the public API with esbuild. `--if-missing` is for `npm start` after an
// `npm ci --ignore-scripts`: the ordinary `npm ci` has built already.
import { existsSync } from 'node:fs';
import { chmod, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';

const bin = 'dist/cli.js';
if (!(process.argv.includes('--if-missing') && existsSync(bin))) {
  const { metafile } = await build({
    metafile: true,
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
  await removeStale(new Set(Object.keys(metafile.outputs)));
}

/** Pieces of earlier builds, unless what is running may still import them. */
async function removeStale(current) {
  const oldest = Date.now() - 3_600_000;
  for (const name of await readdir('dist')) {
    const path = join('dist', name);
    const isPiece = /-[A-Z0-9]{8}\.js$/.test(name) && !current.has(path);
    if (isPiece && (await stat(path)).mtimeMs < oldest) await rm(path);
  }
}
