#!/usr/bin/env node
/**
 * What Node runs: the pieces of the bin, each with what V8 made of it when it was built (build.mjs), so that
 * it need not be compiled again. Another V8 refuses that, or this one under other flags, and compiles; so it does
 * where there is none. Like the pieces themselves it is trusted to be what the build has written. No piece may hold
 * an `import()` of its own, which V8 forgets of kept code.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Script } from 'node:vm';

/** The file of cli.ts: build.mjs puts it in. */
declare const PROGRAM: string;

type Require = (id: string) => unknown;
/** As Node wraps CommonJS (https://nodejs.org/api/modules.html#the-module-wrapper). */
type Wrapper = (
  exports: object,
  require: Require,
  module: { readonly exports: object },
  file: string,
  folder: string,
) => void;

const folder = dirname(fileURLToPath(import.meta.url));
const requireOther = createRequire(import.meta.url);
const pieces = new Map<string, { readonly exports: object }>();

const requirePiece: Require = (id) =>
  id.startsWith('./') ? pieceFrom(join(folder, id)) : requireOther(id);

requirePiece(PROGRAM);

function pieceFrom(file: string): object {
  const known = pieces.get(file);
  if (known !== undefined) return known.exports;
  const piece = { exports: {} };
  // Before it runs: pieces may import each other.
  pieces.set(file, piece);
  const source = readFileSync(file, 'utf8');
  const script = new Script(
    `(function(exports,require,module,__filename,__dirname){${source}\n})`,
    {
      filename: file,
      cachedData: compiledCode(file),
    },
  );
  const run = script.runInThisContext() as Wrapper;
  run(piece.exports, requirePiece, piece, file, folder);
  return piece.exports;
}

/** V8 looks for whom it is, and at the length of the source: its name changes with it, and stands for the processor. */
function compiledCode(file: string): Buffer | undefined {
  try {
    return readFileSync(`${file}.${process.arch}-${process.versions.v8}.code`);
  } catch {
    return undefined;
  }
}
