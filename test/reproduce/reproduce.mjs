// `npm run reproduce`: death times that others measured, replayed on this kernel. A row each: their
// setting, their figure, our prediction, our measurement, verdict. The quick set leaves out what takes
// longer than a minute; `--all` takes about 17 minutes. Needs a private network namespace, because
// some rows have kernel settings of their own.
import { readFileSync } from 'node:fs';
import { release } from 'node:os';
import { clearInterval, setInterval } from 'node:timers';
import { compare, parseMode, parseSysctl, TcpaliveError } from '../../dist/index.js';

const [, , ...flags] = process.argv;
const all = flags.includes('--all');
if (flags.some((flag) => flag !== '--all')) {
  console.error('npm run reproduce [-- --all]');
  process.exit(2);
}
const LIMIT_MS = all ? 1_000_000 : 60_000;
const NEVER_WATCHED_MS = all ? 300_000 : 30_000;
const CONNECTIONS = 5;

/** For their measuring program as for ours. */
const MEASURING_MS = 60;

const started = Date.now();
const rows = [...ours(), ...theirs()].filter((row) => all || !(row.seconds > 60));
console.error(`${rows.length} rows, about ${all ? '17 minutes' : 'a minute'}`);
const ticking = setInterval(tell, 1000);

try {
  const results = await Promise.all([...groups(rows)].map(measure));
  print(rows, new Map(results.flat()));
} catch (error) {
  if (!(error instanceof TcpaliveError)) throw error;
  console.error(`error: ${error.message} (${error.code})`);
  process.exitCode = error.exitCode;
} finally {
  clearInterval(ticking);
}

/** fixtures/oracle/latency.json: measured on Linux 6.18. */
function ours() {
  const { rows: oracle } = read('latency.json');
  return oracle.map((row) => ({ ...row, source: 'oracle', seconds: row.seconds }));
}

/** fixtures/oracle/article.json: printed by an article of 2019, on a kernel of about 5.2. */
function theirs() {
  const loads = {
    'SYN-SENT': 'connect',
    'ESTABLISHED idle': 'idle',
    'ESTABLISHED, data in flight': 'write',
    'zero window, peer gone': 'zero-window',
    'zero window, peer alive': 'zero-window',
  };
  return read('article.json')
    .rows.filter(({ state }) => state in loads)
    .map(({ id, state, options, article, measured, note }) => ({
      id: `article-${id}`,
      source: 'article',
      load: loads[state],
      peer: state.endsWith('alive') ? 'alive' : undefined,
      options,
      said: article.seconds === undefined ? article.text : article.seconds,
      seconds: measured.seconds,
      note,
    }));
}

function read(name) {
  return JSON.parse(
    readFileSync(new URL(`../../fixtures/oracle/${name}`, import.meta.url), 'utf8'),
  );
}

/** Rows under the same kernel settings run together: as long as the slowest. */
function groups(every) {
  const bySysctl = new Map();
  for (const row of every) {
    const key = JSON.stringify([row.sysctl ?? {}, row.seconds === null]);
    bySysctl.set(key, [...(bySysctl.get(key) ?? []), row]);
  }
  return bySysctl.values();
}

async function measure(group) {
  const [{ sysctl = {}, seconds }] = group;
  const { rows: measured } = await compare({
    rows: group.map(({ load, fault = 'blackhole', options }) => ({
      mode: parseMode(modeOf(options)),
      load,
      fault,
      waited: true,
    })),
    connections: CONNECTIONS,
    limitMs: seconds === null ? NEVER_WATCHED_MS : LIMIT_MS,
    sysctls: Object.entries(sysctl).map(([name, value]) => parseSysctl(`${name}=${value}`)),
  });
  return group.map((row, at) => [row.id, measured[at]]);
}

function modeOf({ keepalive, userTimeoutMs, heartbeat }) {
  const parts = [];
  if (keepalive) parts.push(`keepalive=${keepalive[0]}s:${keepalive[1]}s:${keepalive[2]}`);
  if (userTimeoutMs) parts.push(`user-timeout=${userTimeoutMs}ms`);
  if (heartbeat) parts.push(`heartbeat=${heartbeat[0]}s:${heartbeat[1]}s`);
  return parts.join('+') || 'none';
}

function print(every, measured) {
  const lines = every.map((row) => lineOf(row, measured.get(row.id)));
  const failed = lines.filter((line) => line.verdict !== 'agrees');
  const cells = [
    ['ROW', 'MODE', 'LOAD', 'FAULT', 'THEIRS', 'PREDICTED', 'MEASURED', 'VERDICT'],
    ...lines.map((line) => [
      line.id,
      line.mode,
      line.load,
      line.fault,
      line.theirs,
      line.predicted,
      line.measured,
      line.verdict + (line.note ? ` [${line.note}]` : ''),
    ]),
  ];
  const widths = cells[0].map((_, at) => Math.max(...cells.map((line) => line[at].length)));
  console.log(
    `Linux ${release()}, ${new Date().toISOString().slice(0, 10)}, ${all ? 'all rows' : 'quick set'}`,
  );
  for (const line of cells) {
    console.log(
      line
        .map((cell, at) => cell.padEnd(widths[at]))
        .join('  ')
        .trimEnd(),
    );
  }
  console.log('Times in seconds from the last received segment (idle) or from the drop.');
  console.log('Not replayed: SYN-RECV, a state of the listener and no connection of anybody yet.');
  console.log(`${lines.length - failed.length} of ${lines.length} agree`);
  process.exitCode = failed.length > 0 ? 1 : 0;
}

function lineOf(row, result) {
  const theirs = row.source === 'article' ? row.said : row.seconds;
  const isAlive = row.peer === 'alive';
  const base = {
    id: row.id,
    mode: result.mode,
    load: result.load,
    fault: isAlive ? 'none, alive' : result.fault,
    theirs: theirs === null ? 'never' : String(theirs),
  };
  return isAlive ? aliveLine(base, result) : { ...base, ...deadLine(row, theirs, result) };
}

/** A peer that lives and does not read: the row's healthy twins. */
function aliveLine(base, { mode, healthy }) {
  const killed = mode.includes('user-timeout');
  const agrees = healthy.falseAlarms === (killed ? healthy.connections : 0);
  return {
    ...base,
    predicted: killed ? 'killed' : 'never',
    measured: `${healthy.falseAlarms} of ${healthy.connections} killed`,
    verdict: agrees ? 'agrees' : 'DISAGREES',
  };
}

function deadLine(row, theirs, { predicted, measured, agrees }) {
  const figures = measured.fromLastActivityMs;
  const span = predicted.kind === 'interval' ? predicted.fromLastActivityMs : undefined;
  const inside =
    typeof theirs !== 'number' ||
    (span !== undefined && theirs * 1000 >= span.min && theirs * 1000 <= span.max + MEASURING_MS);
  return {
    predicted: span === undefined ? 'never' : `${seconds(span.min)}-${seconds(span.max)}`,
    measured:
      figures === null
        ? `none within ${Math.round(measured.waitedMs / 1000)}`
        : `${seconds(figures.min)}-${seconds(figures.max)}`,
    verdict: agrees === true ? 'agrees' : 'DISAGREES',
    note: inside
      ? undefined
      : `their figure is no figure of this kernel: ${row.note ?? 'another kernel or setting'}`,
  };
}

function seconds(ms) {
  return (ms / 1000).toFixed(2);
}

function tell() {
  const elapsed = Math.round((Date.now() - started) / 1000);
  const every = all ? 60 : 10;
  if (elapsed % every === 0) console.error(`${elapsed}s`);
}
