import { readFile } from 'node:fs/promises';
import type { Scenario } from '../core/scenario.js';
import { TcpaliveError } from '../errors.js';
import { unreadableWords } from './unreadable.js';

/** Reads a scenario; the grammar and its parser are imported only now. @throws TcpaliveError BAD_SCENARIO */
export async function readScenario(file: string): Promise<Scenario> {
  const [text, { parseScenario }] = await Promise.all([
    readFile(file, 'utf8').catch((cause: unknown) => {
      const reason = unreadableWords(cause);
      throw new TcpaliveError('BAD_SCENARIO', `cannot read the scenario ${file}: ${reason}`, {
        cause,
      });
    }),
    import('../core/scenario.js'),
  ]);
  return parseScenario(text, file);
}
