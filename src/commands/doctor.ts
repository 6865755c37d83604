import { Command } from 'commander';
import type { Environment } from './environment.js';
import { colorOption, jsonOption } from './options.js';
import type { ColorChoice } from './style.js';

export interface DoctorFlags {
  readonly json?: boolean;
  readonly color: ColorChoice;
}

export function doctorCommand(env: Environment): Command {
  return new Command('doctor')
    .description('what can be done on this machine, with these rights, and how to change that')
    .addOption(jsonOption())
    .addOption(colorOption())
    .addHelpText('after', HELP)
    .action(async (flags: DoctorFlags) => {
      const { runDoctor } = await import('./run-doctor.js');
      await runDoctor(env, flags);
    });
}

const HELP = `
Everything is found by trying, on sockets of its own; nothing on the host is changed.

Examples:
  tcpalive doctor
  sudo tcpalive doctor --json
`;
