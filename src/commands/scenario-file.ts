import { readFile } from 'node:fs/promises';
import type { Scenario } from '../core/scenario.js';
import { TcpaliveError } from '../errors.js';

/** Reads a scenario; the grammar and its parser are imported only now. @throws TcpaliveError BAD_SCENARIO */
export async function readScenario(file: string): Promise<Scenario> {
  const [text, { parseScenario }] = await Promise.all([
    readFile(file, 'utf8').catch((cause: unknown) => {
      const { code, message } = cause as NodeJS.ErrnoException;
      const reasons: Readonly<Record<string, string>> = {
        ENOENT: 'no such file',
        EISDIR: 'it is a directory',
        EACCES: 'this user may not read it',
      };
      const reason = reasons[code ?? ''] ?? message;
      throw new TcpaliveError('BAD_SCENARIO', `cannot read the scenario ${file}: ${reason}`, {
        cause,
      });
    }),
    import('../core/scenario.js'),
  ]);
  return parseScenario(text, file);
}
