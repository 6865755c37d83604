/** The story, played at both ends: what each scenario asserts must be what happened. */
import { readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ScenarioResult } from '../../src/core/scenario-result.js';
import { install, run, serve } from './program.js';

const FOLDER = 'fixtures/scenarios';
const files = readdirSync(FOLDER).filter((name) => name.endsWith('.yaml'));

describe('compare --scenario', () => {
  it('shows what every scenario says it shows', async () => {
    // Together: the longest takes half a minute, and each has processes of its own.
    const results = await Promise.all(
      files.map((name) => run(['compare', '--scenario', join(FOLDER, name), '--json'])),
    );
    const checks = results.flatMap(({ stdout }, index) =>
      (JSON.parse(stdout) as ScenarioResult).rows.flatMap((row) =>
        row.checks.map(({ text, pass, got }) => ({
          file: files[index],
          mode: row.mode,
          text,
          pass,
          got,
        })),
      ),
    );
    expect(checks.length).toBeGreaterThan(8);
    expect(checks.filter(({ pass }) => !pass)).toEqual([]);
    expect(results.map(({ code }) => code)).toEqual(files.map(() => 0));

    const descriptors = results[files.indexOf('sixty-four-descriptors.yaml')];
    const { rows } = JSON.parse(descriptors?.stdout ?? '') as ScenarioResult;
    expect(rows.map(({ mode, refused }) => [mode, refused > 0])).toEqual([
      ['none', true],
      ['keepalive=1s:1s:3', false],
      ['heartbeat=1s:3s', false],
    ]);
    for (const { peakDescriptors } of rows) {
      expect(peakDescriptors).toBeGreaterThan(40);
      expect(peakDescriptors).toBeLessThanOrEqual(64);
    }
  });

  it('fails where it expects what does not happen', async () => {
    const bin = install();
    const file = join(dirname(bin), 'wrong.yaml');
    writeFileSync(
      file,
      'name: Wrong\nstory: It expects a notice that nobody gives.\nsteps:\n' +
        '  - connect: phone\n  - cut: phone\n  - wait: 300ms\nexpect:\n  - { noticed: 1 }\n',
    );
    const { code, stdout } = await run(['compare', '--scenario', file], { bin });
    expect(code).toBe(1);
    expect(stdout).toMatch(/FAIL/);
  });
});

describe('probe --script', () => {
  it("plays the client's steps against a server", async () => {
    const { address } = await serve(['--mode', 'none']);
    const script = join(FOLDER, 'five-times-over.yaml');
    const { code, stdout, stderr } = await run([
      'probe',
      address,
      '--mode',
      'none',
      '--script',
      script,
    ]);
    expect(code).toBe(0);
    expect(stdout.match(/phone: cut at this end/g)).toHaveLength(5);
    expect(stderr).toMatch(/not checked: .* compare --scenario/);
  });

  it('refuses what is about the server, naming what plays it', async () => {
    const script = join(FOLDER, 'late-answer.yaml');
    const { code, stdout, stderr } = await run(['probe', '127.0.0.1:1', '--script', script]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/compare --scenario .*late-answer\.yaml/);
  });
});
