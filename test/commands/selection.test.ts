import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import {
  addSelection,
  filterWords,
  shellWord,
  type SelectionFlags,
} from '../../src/commands/selection.js';

function typed(line: string): SelectionFlags {
  const command = addSelection(new Command());
  return command.parse(line.split(' '), { from: 'user' }).opts<SelectionFlags>();
}

describe('filterWords', () => {
  it('are what was typed, but the fate', () => {
    const line =
      '--local :443 --peer 10.0.0.0/8:5432 --port 80 --pid 12 --unit nginx --state close-wait,syn-sent --silent 10m';
    expect(filterWords(typed(`${line} --fate forever`)).join(' ')).toBe(line);
    expect(filterWords({})).toEqual([]);
  });

  it('are safe for a shell', () => {
    expect(filterWords(typed('--local [::1]:80 --peer *:443 --unit $(reboot)'))).toEqual([
      "--local '[::1]:80'",
      "--peer '*:443'",
      "--unit '$(reboot)'",
    ]);
  });
});

it.each([
  ['a b', "'a b'"],
  ["it's", String.raw`'it'\''s'`],
  ['', "''"],
  ['/run/netns/blue', '/run/netns/blue'],
  ['user@1000.service', 'user@1000.service'],
])('shellWord(%j)', (text, word) => {
  expect(shellWord(text)).toBe(word);
});
