import { Command, Option } from 'commander';
import type { Environment } from './environment.js';
import { colorOption, wholeNumber } from './options.js';
import type { OutputFlags } from './serve-output.js';

/** What `serve --workers` starts: one worker, never typed by a person. */
export function serveWorkerCommand(env: Environment): Command {
  return new Command('serve-worker')
    .description('a worker, started by serve')
    .argument('<number>', 'its own', wholeNumber(1, 1024))
    .argument('<parent>')
    .option('--events <file>')
    .option('-q, --quiet')
    .addOption(new Option('--json'))
    .addOption(colorOption())
    .action(async (number: number, parent: string, flags: OutputFlags) => {
      const { runServeWorker } = await import('./run-serve-worker.js');
      await runServeWorker(env, { number, parent: Number(parent) }, flags);
    });
}
