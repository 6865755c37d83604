import { expect, it } from 'vitest';
import { takeSurvey } from '../../src/host/survey.js';
import type { Kernel } from '../../src/kernel/kernel.js';
import { portableKernel } from '../../src/kernel/portable.js';
import { dying, tableOf } from './fake-table.js';

function kernelThatTook(withinMs: number): Kernel {
  return {
    ...portableKernel,
    networkNamespace: () => ({ id: 'net:[1]', path: '/proc/self/ns/net' }),
    ...tableOf([dying], { withinMs }),
  };
}

async function spanOf(kernel: Kernel) {
  const { connections } = await takeSurvey(kernel, { selection: {}, owners: false });
  const fate = connections[0]?.fate;
  if (fate?.kind !== 'dying' || !('ms' in fate.ends)) throw new Error('not dying');
  return fate.ends.ms;
}

it('counts a death from when the kernel was asked, not from when it had told all', async () => {
  const atOnce = await spanOf(kernelThatTook(0));
  expect(await spanOf(kernelThatTook(39.2))).toEqual({ min: atOnce.min, max: atOnce.max + 40 });
});
