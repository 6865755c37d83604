/** The next useful command, by what is there. */
import { fateWords } from '../core/fate.js';
import type { Connection, Survey } from '../core/survey.js';
import { countWords } from './count-words.js';
import { servicePort } from './survey-groups.js';
import { askedCounts, countOf, type FateSummary } from './survey-summary.js';
import { latestWords } from './time-words.js';

interface NextCommand {
  readonly command: string;
  readonly why: string;
}

/** One line each, `Next: COMMAND  (why)`; or why none is needed. */
export function nextLines(survey: Survey, summaries: readonly FateSummary[]): readonly string[] {
  if (survey.connections.length === 0) return [];
  const commands = nextCommands(survey, summaries);
  if (commands.length === 0) return [allIsWell(survey.connections)];
  const isFile = survey.namespaces.some(({ id }) => id === 'file');
  const next = isFile ? 'Next, there:' : 'Next:';
  return commands.map(({ command, why }) => `${next} ${command}  (${why})`);
}

function nextCommands(survey: Survey, summaries: readonly FateSummary[]): readonly NextCommand[] {
  const { silent } = askedCounts(summaries);
  const forever = countOf(summaries, 'forever');
  const unasked = survey.connections.filter(isUnasked).length;
  if (silent > 0) {
    const reap = {
      command: `tcpalive reap --ask --port ${busiestPort(survey, isSilent)}`,
      why: 'closes what stays silent; a dry run until --yes',
    };
    return [reap, protect(survey, isSilent)];
  }
  if (unasked > 0) {
    const why =
      unasked === 1
        ? 'settles whether it is dead or merely quiet'
        : `settles which of ${unasked} are dead, which merely quiet`;
    return [{ command: 'tcpalive ls --ask', why }];
  }
  if (forever > 0) return [protect(survey, ({ fate }) => fate.kind === 'forever')];
  if (countOf(summaries, 'leaked') > 0) {
    return [{ command: 'tcpalive ls --fate leaked --all', why: 'only its program can close them' }];
  }
  if (countOf(summaries, 'dying') > 0) {
    const why = 'frees them before their time; a dry run until --yes';
    return [{ command: 'tcpalive reap --fate dying', why }];
  }
  const unknown = countOf(summaries, 'unknown');
  if (unknown === 0) return [];
  const why = `${countWords(unknown, 'connection')}: ${fateWords.unknown}; what these rights allow`;
  return [{ command: 'tcpalive doctor', why }];
}

function protect(survey: Survey, wanted: (connection: Connection) => boolean): NextCommand {
  return {
    command: `tcpalive protect --port ${busiestPort(survey, wanted)} --keepalive 60s:10s:6`,
    why: 'a dry run until --yes',
  };
}

function busiestPort(survey: Survey, wanted: (connection: Connection) => boolean): number {
  const portOf = servicePort(survey);
  const counts = new Map<number, number>();
  for (const connection of survey.connections.filter(wanted)) {
    const { port } = portOf(connection);
    counts.set(port, (counts.get(port) ?? 0) + 1);
  }
  return [...counts].reduce((a, b) => (b[1] > a[1] ? b : a), [0, 0])[0];
}

function isSilent({ ask }: Connection): boolean {
  return ask.kind === 'silent';
}

function isUnasked({ fate, ask }: Connection): boolean {
  return fate.kind === 'forever' && ask.kind === 'not-asked';
}

/** With how late the last of them would be noticed, where that is known of all. */
function allIsWell(connections: readonly Connection[]): string {
  const moments = connections.flatMap(({ fate }) =>
    fate.kind === 'armed' ? [fate.idle, fate.busy] : [],
  );
  if (moments.length === 0) return 'All is well: nothing lingers.';
  let latestMs = 0;
  for (const moment of moments) {
    latestMs = Math.max(latestMs, moment.kind === 'within' ? moment.ms.max : Infinity);
  }
  const when =
    latestMs === Infinity ? '' : ` within ${latestWords({ min: latestMs, max: latestMs })}`;
  return `All is well: nothing lingers, and a peer that vanishes is noticed${when}.`;
}
