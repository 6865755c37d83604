import { diagnose, type DoctorFacts } from '../core/doctor.js';
import { hostFacts } from '../kernel/host-facts.js';
import { namespaceRefusal } from '../kernel/namespace.js';
import { openKernel } from '../kernel/open-kernel.js';
import { reportDoctor } from '../report/doctor.js';
import type { DoctorFlags } from './doctor.js';
import type { Environment } from './environment.js';
import { styleFor } from './style.js';

export async function runDoctor(env: Environment, { json, color }: DoctorFlags): Promise<void> {
  const [kernel, refusal] = await Promise.all([openKernel(), namespaceRefusal()]);
  const { kernel: release, node, hz } = hostFacts(kernel);
  const facts: DoctorFacts = {
    host: {
      kernel: release,
      node,
      platform: process.platform,
      userId: process.getuid?.() ?? null,
      hz,
    },
    capabilities: { ...kernel.capabilities, namespace: refusal === undefined },
    namespaceRefusal: refusal ?? null,
  };
  const result = { schema: 'tcpalive/doctor/1' as const, ...facts, commands: diagnose(facts) };
  const format = json === true ? 'json' : 'table';
  env.stdout.write(reportDoctor(result, { format, style: styleFor(env, env.stdout, color) }));
}
