/** `doctor` as a whole, in this process: what it says is this machine's own. */
import { describe, expect, it } from 'vitest';
import { buildProgram } from '../../src/commands/program.js';
import { capabilityNames, capabilityWords } from '../../src/core/capabilities.js';
import { diagnose, type DoctorResult } from '../../src/core/doctor.js';
import { namespaceRefusal } from '../../src/kernel/namespace.js';
import { openKernel } from '../../src/kernel/open-kernel.js';
import { until } from '../until.js';
import { fakeEnvironment, type FakeEnvironment, type FakeWorld } from './environment.js';

async function doctor(args: readonly string[] = [], world?: FakeWorld): Promise<FakeEnvironment> {
  const env = fakeEnvironment(world);
  await buildProgram(env).parseAsync(['doctor', ...args], { from: 'user' });
  return env;
}

describe('doctor', () => {
  it('lists every capability and every command', async () => {
    const { stdout, stderr, exitCode } = await doctor();
    const found = stdout.text.split('\n').map((line) => line.replace(/^(yes|no) +/, ''));
    for (const name of capabilityNames) {
      expect(found.filter((line) => line.startsWith(capabilityWords[name]))).toHaveLength(1);
    }
    for (const command of [
      'compare',
      'serve',
      'probe',
      'probe --drop-after',
      'protect',
      'doctor',
    ]) {
      expect(stdout.text).toMatch(new RegExp(`^(yes|no|partly) +${command}  `, 'm'));
    }
    expect([stderr.text, exitCode]).toEqual(['', undefined]);
  });

  it('says with --json what the kernel port found out', async () => {
    const result = JSON.parse((await doctor(['--json'])).stdout.text) as DoctorResult;
    const [kernel, refusal] = await Promise.all([openKernel(), namespaceRefusal()]);
    expect(result).toEqual({
      schema: 'tcpalive/doctor/1',
      host: {
        kernel: expect.stringMatching(/\d+\.\d+/) as unknown,
        node: process.versions.node,
        platform: process.platform,
        userId: process.getuid?.() ?? null,
        hz: kernel.ticksPerSecond() ?? null,
      },
      capabilities: { ...kernel.capabilities, namespace: refusal === undefined },
      namespaceRefusal: refusal ?? null,
      commands: diagnose(result),
    });
  });

  it('colours only where that is wanted, and never JSON', async () => {
    const terminal = { stdout: { columns: 100, rows: 40 } };
    const plain = (await doctor([], terminal)).stdout.text.replace(
      /\x1b\[\d+m/g, // eslint-disable-line no-control-regex
      '',
    );
    expect((await doctor()).stdout.text).toBe(plain);
    expect((await doctor(['--color', 'never'], terminal)).stdout.text).toBe(plain);
    expect((await doctor(['--json', '--color', 'always'])).stdout.text).not.toContain('\x1b');
  });

  it('gives back what it opened to find out, however often', async () => {
    const kernel = await openKernel();
    const open = () => kernel.openDescriptors(process.pid) ?? 0;
    await doctor();
    const before = open();
    await doctor();
    await doctor();
    await until(() => open() <= before, 4000);
  });
});
