import { Command } from 'commander';
import { diagnose, type DoctorFacts } from '../core/doctor.js';
import { hostFacts } from '../kernel/host-facts.js';
import { namespaceRefusal } from '../kernel/namespace.js';
import { openKernel } from '../kernel/open-kernel.js';
import { reportDoctor } from '../report/doctor.js';
import type { Environment } from './environment.js';
import { colorOption, jsonOption } from './options.js';
import { styleFor, type ColorChoice } from './style.js';

interface Options {
  readonly json?: boolean;
  readonly color: ColorChoice;
}

export function doctorCommand(env: Environment): Command {
  return new Command('doctor')
    .description('what can be done on this machine, with these rights, and how to change that')
    .addOption(jsonOption())
    .addOption(colorOption())
    .addHelpText('after', HELP)
    .action((options: Options) => run(env, options));
}

const HELP = `
Everything is found by trying, on sockets of its own; nothing on the host is changed.

Examples:
  tcpalive doctor
  sudo tcpalive doctor --json
`;

async function run(env: Environment, { json, color }: Options): Promise<void> {
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
