import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { install } from './e2e/program.js';

/** Tells at its end of each piece of the bin whether V8 took what was kept of it. */
const TELL = `data:text/javascript,${encodeURIComponent(`
  import vm from 'node:vm';
  const taken = [];
  vm.Script = class extends vm.Script {
    constructor(source, options) {
      super(source, options);
      taken.push(options.cachedData === undefined ? 'none' : this.cachedDataRejected ? 'refused' : 'taken');
    }
  };
  process.on('exit', () => console.log(taken.join(' ')));
`)}`;

/** What has been kept of each piece: taken, refused or none. */
function kept(bin: string, flags: readonly string[] = []): readonly string[] {
  const args = [...flags, '--import', TELL, bin, 'compare', '--predict-only', '--modes', 'none'];
  const lines = execFileSync(process.execPath, args, { encoding: 'utf8' }).trimEnd().split('\n');
  expect(lines.join('\n')).toContain('none');
  return lines.at(-1)?.split(' ') ?? [];
}

function codeFiles(bin: string): readonly string[] {
  const folder = dirname(bin);
  const names = readdirSync(folder).filter((name) => name.endsWith('.code'));
  expect(names.length).toBeGreaterThan(2);
  return names.map((name) => join(folder, name));
}

it('runs what was compiled when it was built', () => {
  const pieces = kept(install());
  expect(pieces.length).toBeGreaterThan(1);
  expect(new Set(pieces)).toEqual(new Set(['taken']));
});

it('imports nothing by itself: V8 keeps no way to', () => {
  const bin = install();
  const texts = new Map<string, string>();
  const follow = (name: string) => {
    if (texts.has(name)) return;
    const text = readFileSync(join(dirname(bin), name), 'utf8');
    texts.set(name, text);
    // Earlier builds have left pieces, too.
    for (const [, next = ''] of text.matchAll(/["'`]\.\/([\w-]+\.cjs)["'`]/g)) follow(next);
  };
  follow('cli.cjs');
  expect(texts.size).toBeGreaterThan(5);
  const importing = [...texts].filter(([, text]) => /\bimport\s*\(/.test(text));
  expect(importing.map(([name]) => name)).toEqual([]);
});

it('compiles itself where nothing is kept', () => {
  const bin = install();
  for (const file of codeFiles(bin)) rmSync(file);
  expect(new Set(kept(bin))).toEqual(new Set(['none']));
});

it.each<[string, (file: string) => void]>([
  ['is something else', (file) => writeFileSync(file, Buffer.alloc(4096, 0xa5))],
  ['is cut short', (file) => truncateSync(file, 2048)],
])('compiles itself where what is kept %s', (_, spoil) => {
  const bin = install();
  for (const file of codeFiles(bin)) spoil(file);
  expect(new Set(kept(bin))).toEqual(new Set(['refused']));
});

it('compiles itself where V8 has other flags', () => {
  expect(new Set(kept(install(), ['--no-opt']))).toEqual(new Set(['refused']));
});
