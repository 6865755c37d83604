import { Command } from 'commander';
import type { LabRole } from '../lab/peer.js';
import type { Environment } from './environment.js';

/** What `compare` starts: one process of the lab, never typed by a person. */
export function labCommand(env: Environment): Command {
  return new Command('lab')
    .description('a process of the lab, started by compare')
    .argument('<role>')
    .argument('<parent>')
    .action(async (role: LabRole, parent: string) => {
      const { runLab } = await import('./run-lab.js');
      await runLab(env, role, parent);
    });
}
