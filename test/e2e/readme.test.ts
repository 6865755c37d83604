/** The README's examples, typed as they stand there: they must run, and print what it says. */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { killMarked, MARK } from './marked.js';
import { freePort } from '../free-port.js';
import { start, type Run } from './program.js';

interface Example {
  readonly command: string;
  readonly output: readonly string[];
}

/** npm's own commands are what runs this test; the comparison has a test of its own. */
const ELSEWHERE = /^npm ci|^npx tcpalive compare$/;

const readme = readFileSync('README.md', 'utf8');
const blocks = [...readme.matchAll(/^```console\n([^]*?)^```$/gm)].map(([, text = '']) => text);

describe("the README's examples", () => {
  it('are found', () => {
    expect(blocks.length).toBeGreaterThanOrEqual(6);
    expect(blocks.flatMap(examplesOf).map(({ command }) => command)).toContain(
      'npm ci && npm test',
    );
  });

  it.each(
    blocks.filter((block) => examplesOf(block).some(({ command }) => !ELSEWHERE.test(command))),
  )('%s', async (block) => {
    // A server that is replaced leaves one that nobody here has started.
    const mark = randomUUID();
    onTestFinished(() => killMarked(mark));
    for (const { command, output } of examplesOf(await onFreePorts(block))) {
      const server = /^tcpalive (.*) &$/.exec(command)?.[1];
      if (server === undefined) {
        const { code, stdout, stderr } = await typed(command);
        expect({ code, stderr: /error/.exec(stderr) }).toEqual({ code: 0, stderr: null });
        expect(withoutFigures(stdout)).toEqual(
          output.length === 0 ? expect.anything() : withoutFigures(output.join('\n') + '\n'),
        );
      } else {
        // Quiet, nobody could tell when it has connected.
        const args = server.split(' ').filter((word) => word !== '--quiet');
        const running = start(args, {
          variables: { [MARK]: mark, PATH: `${onPath()}:${process.env['PATH'] ?? ''}` },
        });
        await running.sees(/listening|beat 1/);
      }
    }
  });
});

/** A folder in which `tcpalive` is the bin, as `npm link` has it: one example starts it by its name. */
function onPath(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tcpalive-readme-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const script = `#!/bin/sh\nexec '${process.execPath}' '${resolve('dist/cli.cjs')}' "$@"\n`;
  writeFileSync(join(folder, 'tcpalive'), script, { mode: 0o755 });
  return folder;
}

/** What the last run left on its ports would be seen too. */
async function onFreePorts(block: string): Promise<string> {
  let text = block;
  for (const port of new Set(block.match(/\b78\d\d\b/g))) {
    text = text.replaceAll(port, `${await freePort()}`);
  }
  return text;
}

/** `$ command`, then the lines that it prints. */
function examplesOf(block: string): readonly Example[] {
  return block
    .split(/^\$ /m)
    .filter((text) => text !== '')
    .map((text) => {
      const [command = '', ...output] = text.trimEnd().split('\n');
      return { command, output };
    });
}

/** By a shell: the examples use its quotes. */
function typed(command: string): Promise<Run> {
  const ours = command.replace(/^tcpalive /, `${process.execPath} dist/cli.cjs `);
  return start([], { command: ['bash', '-c', ours] }).ended;
}

/**
 * Times, addresses and measured figures differ from run to run, and what there is beside the examples
 * from host to host; every word must not.
 */
function withoutFigures(text: string): string {
  return (
    text
      .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z|\b\d\d:\d\d:\d\d\.\d{3}/g, 'TIME')
      .replaceAll(/127\.0\.0\.1:\d+/g, 'ADDRESS')
      .replaceAll(/min-ttl|(socket|goodbye)-filter/g, 'ENGINE')
      // Whose engine swallows goodbyes hears none.
      .replaceAll(/ \(RST\)/g, '')
      .replaceAll('then RST', 'then it was given up')
      // Of many namespaces it is folded.
      .replaceAll(/^Note: .*\n|^Looked at: [^]*?\.\n/gm, '')
      .replaceAll(/Linux \S+/g, 'LINUX')
      .replaceAll('MainThread', 'node')
      .replaceAll('sudo tcpalive ls', 'tcpalive ls')
      .replaceAll(/\d+(\.\d+)?/g, 'N')
      .replaceAll(/\b(segment|retransmission)s?\b/g, '$1s')
      .replaceAll(/ {2,}/g, '  ')
      .replaceAll(/^PROCESS {2}UNIT/gm, 'PROCESS')
      .replaceAll(UNIT_CELL, '$1  ')
  );
}

/** Between who it is and its ports, which have no letters. */
const UNIT_CELL = /^(\S+\[N\]) {2}\S*[a-z]\S* {2}/gm;
