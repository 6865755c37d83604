/** The filters that `ls` and `reap` share. */
import type { Command } from 'commander';
import { formatDuration, parseDuration } from '../core/duration.js';
import { parsePort } from '../core/endpoint.js';
import type { FateKind } from '../core/fate.js';
import { parseList } from '../core/list.js';
import {
  parseEndpointPattern,
  parseFate,
  parseState,
  type EndpointPattern,
  type Selection,
} from '../core/selection.js';
import { parsePid } from './options.js';

export interface SelectionFlags {
  readonly local?: EndpointPattern;
  readonly peer?: EndpointPattern;
  readonly port?: number;
  readonly pid?: number;
  readonly unit?: string;
  readonly state?: readonly string[];
  readonly fate?: readonly FateKind[];
  readonly silent?: number;
}

export function addSelection(command: Command): Command {
  return command
    .option('--local <addr:port>', 'its own end, such as :443', parseEndpointPattern)
    .option('--peer <cidr:port>', 'the other end, such as 10.0.0.0/8:5432', parseEndpointPattern)
    .option('--port <port>', 'of either end', parsePort)
    .option('--pid <pid>', 'held by that process', parsePid)
    .option('--unit <unit>', 'held by that systemd unit or container')
    .option('--state <list>', 'TCP states, such as close-wait', (text: string) =>
      parseList(text, parseState),
    )
    .option('--fate <list>', 'fates, such as forever,dying', (text: string) =>
      parseList(text, parseFate),
    )
    .option(
      '--silent <time>',
      'nothing received for at least that long, not even an answer to --ask',
      parseDuration,
    );
}

export function selectionFrom(flags: SelectionFlags): Selection {
  return {
    local: flags.local,
    peer: flags.peer,
    port: flags.port,
    pid: flags.pid,
    unit: flags.unit,
    states: flags.state,
    fates: flags.fate,
    silentMs: flags.silent,
  };
}

/** `--fate` apart, the flags as they are typed, each with its value as one word for a shell. */
export function filterWords(flags: SelectionFlags): readonly string[] {
  const { local, peer, port, pid, unit, state, silent } = flags;
  const values = {
    local: local?.text,
    peer: peer?.text,
    port,
    pid,
    unit,
    state: state?.join(',').toLowerCase(),
    silent: silent === undefined ? undefined : formatDuration(silent),
  };
  return Object.entries(values).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name} ${shellWord(`${value}`)}`],
  );
}

/** What a shell reads as one word, whatever is in it. */
export function shellWord(text: string): string {
  return /^[\w.,:/@%+=-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
