import { describe, expect, it } from 'vitest';
import { isAnimated, styleFor, type ColorChoice } from '../../src/commands/style.js';
import { fakeEnvironment } from './environment.js';

const terminal = { columns: 132, rows: 40 };

interface World {
  readonly color?: ColorChoice;
  readonly onTerminal?: boolean;
  readonly variables?: Readonly<Record<string, string>>;
}

function styleIn({ color = 'auto', onTerminal = true, variables = {} }: World) {
  const env = fakeEnvironment({ variables, ...(onTerminal ? { stdout: terminal } : {}) });
  return styleFor(env, env.stdout, color);
}

describe('colour', () => {
  it.each<[string, World, boolean]>([
    ['on a terminal', {}, true],
    ['in a pipe', { onTerminal: false }, false],
    ['with NO_COLOR', { variables: { NO_COLOR: '1' } }, false],
    ['with NO_COLOR=0, which is not empty', { variables: { NO_COLOR: '0' } }, false],
    ['with an empty NO_COLOR, which says nothing', { variables: { NO_COLOR: '' } }, true],
    ['in a pipe with FORCE_COLOR', { onTerminal: false, variables: { FORCE_COLOR: '1' } }, true],
    [
      'in a pipe with an empty FORCE_COLOR',
      { onTerminal: false, variables: { FORCE_COLOR: '' } },
      true,
    ],
    ['with FORCE_COLOR=0', { variables: { FORCE_COLOR: '0' } }, false],
    ['with FORCE_COLOR=false', { variables: { FORCE_COLOR: 'false' } }, false],
    ['with NO_COLOR before FORCE_COLOR', { variables: { NO_COLOR: '1', FORCE_COLOR: '1' } }, false],
    ['with TERM=dumb', { variables: { TERM: 'dumb' } }, false],
    ['with FORCE_COLOR on TERM=dumb', { variables: { TERM: 'dumb', FORCE_COLOR: '1' } }, true],
    ['with --color never on a terminal', { color: 'never' }, false],
    [
      'with --color never before FORCE_COLOR',
      { color: 'never', variables: { FORCE_COLOR: '1' } },
      false,
    ],
    ['with --color always in a pipe', { color: 'always', onTerminal: false }, true],
    [
      'with --color always before NO_COLOR',
      { color: 'always', variables: { NO_COLOR: '1' } },
      true,
    ],
  ])('%s', (_, world, color) => {
    expect(styleIn(world).color).toBe(color);
  });
});

describe('characters', () => {
  it.each<[Readonly<Record<string, string>>, boolean]>([
    [{}, false],
    [{ LANG: 'C' }, false],
    [{ LANG: 'en_US.UTF-8' }, true],
    [{ LANG: 'en_US.utf8' }, true],
    [{ LANG: 'de_DE.ISO-8859-15' }, false],
    [{ LC_CTYPE: 'C.UTF-8', LANG: 'C' }, true],
    [{ LC_CTYPE: 'C', LANG: 'C.UTF-8' }, false],
    [{ LC_ALL: 'C', LC_CTYPE: 'C.UTF-8', LANG: 'C.UTF-8' }, false],
    [{ LC_ALL: 'C.UTF-8', LC_CTYPE: 'C', LANG: 'C' }, true],
    [{ LC_ALL: '', LC_CTYPE: '', LANG: 'C.UTF-8' }, true],
  ])('%j', (variables, unicode) => {
    expect(styleIn({ variables }).unicode).toBe(unicode);
  });
});

describe('width', () => {
  it("is the terminal's, and 100 columns where there is none", () => {
    expect(styleIn({}).width).toBe(132);
    expect(styleIn({ onTerminal: false }).width).toBe(100);
  });

  it('is of the output that was asked about', () => {
    const env = fakeEnvironment({ stderr: terminal });
    expect(styleFor(env, env.stderr, 'auto')).toMatchObject({ width: 132, color: true });
    expect(styleFor(env, env.stdout, 'auto')).toMatchObject({ width: 100, color: false });
  });
});

describe('isAnimated', () => {
  it.each<[string, World, boolean]>([
    ['a terminal', {}, true],
    ['a terminal without colour', { variables: { NO_COLOR: '1' } }, true],
    ['a dumb terminal', { variables: { TERM: 'dumb' } }, false],
    ['a pipe', { onTerminal: false }, false],
    ['a pipe with colour', { onTerminal: false, variables: { FORCE_COLOR: '1' } }, false],
  ])('%s', (_, { onTerminal = true, variables = {} }, animated) => {
    const env = fakeEnvironment({ variables, ...(onTerminal ? { stderr: terminal } : {}) });
    expect(isAnimated(env, env.stderr)).toBe(animated);
  });
});
