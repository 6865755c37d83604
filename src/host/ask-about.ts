/** `--ask`: first what an interrupted ask left behind, then the asking, and a survey that knows. */
import { readdirSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { Connection, Survey } from '../core/survey.js';
import type { Kernel } from '../kernel/kernel.js';
import { ask, type AskRequest } from './ask.js';
import { stateFolder } from './journal.js';
import { openUndo, readUndo, restore } from './undo.js';

export interface AskAboutRequest extends Pick<AskRequest, 'waitMs' | 'interruption' | 'only'> {
  readonly variables: Readonly<Record<string, string | undefined>>;
  /** Progress, and what was found left behind: a line of text. */
  readonly tell: (line: string) => void;
}

/** The same survey, each connection that has no timer with what it answered. */
export async function askAbout(
  kernel: Kernel,
  survey: Survey,
  { variables, tell, ...request }: AskAboutRequest,
): Promise<Survey> {
  const folder = stateFolder(variables);
  putBackLeftovers(kernel, folder, tell);
  const record = join(folder, `${PREFIX}${process.pid}-${Date.now()}.jsonl`);
  const undo = openUndo(record);
  let answers;
  try {
    const onAsked = (asked: number, of: number) => tell(`asked ${asked} of ${of}`);
    answers = await ask(kernel, survey.connections, { ...request, undo, onAsked });
  } finally {
    undo.close();
  }
  // Everything is as it was: nothing is left to put back.
  unlinkSync(record);
  const asked = (connection: Connection) => answers.get(connection) ?? connection.ask;
  return {
    ...survey,
    complete: survey.complete && !request.interruption.aborted,
    connections: survey.connections.map((each) => ({ ...each, ask: asked(each) })),
  };
}

const PREFIX = 'ask-';

/** Of an ask that was killed: its number is in the name of its record. */
function putBackLeftovers(kernel: Kernel, folder: string, tell: (line: string) => void): void {
  for (const name of recordsIn(folder)) {
    const pid = Number(name.slice(PREFIX.length).split('-')[0]);
    if (kernel.processFacts(pid) !== undefined) continue;
    const path = join(folder, name);
    const { restored } = restore(kernel, readUndo(path));
    unlinkSync(path);
    tell(`put back the options of ${restored} connections that an interrupted ask had left`);
  }
}

function recordsIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder).filter((name) => /^ask-\d+-\d+\.jsonl$/.test(name));
  } catch {
    // Nobody has ever asked.
    return [];
  }
}
