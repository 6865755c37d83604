import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readYaml } from '../../src/core/plain-yaml.js';
import { refusal } from './scenario-refusal.js';

describe('where things stand', () => {
  const yaml = readYaml('name: one\n# a comment\nsteps:\n  - { wait: 3s }\n  - close:\n', 'a.yaml');

  it('finds a value and its key', () => {
    expect(yaml.value).toEqual({ name: 'one', steps: [{ wait: '3s' }, { close: null }] });
    expect(yaml.positionOf(['steps', 0, 'wait'], 'value')).toEqual({ line: 4, column: 13 });
    expect(yaml.positionOf(['steps', 0, 'wait'], 'key')).toEqual({ line: 4, column: 7 });
    expect(yaml.positionOf(['steps', 1], 'value')).toEqual({ line: 5, column: 5 });
  });

  it('finds what is around a thing that is not there', () => {
    expect(yaml.positionOf(['steps', 0, 'cut'], 'key')).toEqual({ line: 4, column: 5 });
    expect(yaml.positionOf(['steps', 7], 'value')).toEqual({ line: 4, column: 3 });
    expect(yaml.positionOf([], 'value')).toEqual({ line: 1, column: 1 });
    expect(readYaml('', 'a.yaml').positionOf(['name'], 'key')).toEqual({ line: 1, column: 1 });
  });
});

describe('what is refused', () => {
  it('syntax errors', () => {
    expect(refusal('name: "one')).toMatchInlineSnapshot(
      `"a.yaml:1:11: not YAML: Missing closing "quote; write plain YAML: mappings, lists, texts and numbers"`,
    );
    expect(refusal('a: b: c')).toMatchInlineSnapshot(
      `"a.yaml:1:4: not YAML: Nested mappings are not allowed in compact mappings; write plain YAML: mappings, lists, texts and numbers"`,
    );
    expect(refusal('steps:\n\t- connect: phone')).toMatchInlineSnapshot(
      `"a.yaml:2:1: not YAML: Tabs are not allowed as indentation; write plain YAML: mappings, lists, texts and numbers"`,
    );
    expect(refusal('[1]: 2')).toMatchInlineSnapshot(
      `"a.yaml:1:1: a key that is no text; write plain YAML: mappings, lists, texts and numbers"`,
    );
  });

  it('comparisons without quotes, which YAML takes for folded text', () => {
    expect(refusal('refused: >0')).toMatchInlineSnapshot(
      `"a.yaml:1:11: not YAML: Block scalar header includes extra characters: >0; a comparison is written in quotes, such as '>0'"`,
    );
    expect(refusal('{ refused: >=6 }')).toMatchInlineSnapshot(
      `"a.yaml:1:12: not YAML: Plain value cannot start with block scalar indicator >; a comparison is written in quotes, such as '>0'"`,
    );
    expect(refusal('refused: > 6')).toMatchInlineSnapshot(
      `"a.yaml:1:12: not YAML: Not a YAML token: 6; a comparison is written in quotes, such as '>0'"`,
    );
  });

  it('aliases, anchors and tags', () => {
    expect(refusal('a: &lol [lol]\nb: [*lol, *lol]')).toMatchInlineSnapshot(
      `"a.yaml:1:9: an anchor, '&lol'; write it out where it is needed"`,
    );
    expect(refusal('a: *lol')).toMatchInlineSnapshot(
      `"a.yaml:1:4: an alias, '*lol'; write out what it stands for"`,
    );
    expect(refusal('a: !!binary aGk=')).toMatchInlineSnapshot(
      `"a.yaml:1:4: not YAML: Unresolved tag: tag:yaml.org,2002:binary; write plain YAML: mappings, lists, texts and numbers"`,
    );
    expect(refusal('a: !thing 1')).toMatchInlineSnapshot(
      `"a.yaml:1:4: not YAML: Unresolved tag: !thing; write plain YAML: mappings, lists, texts and numbers"`,
    );
    expect(refusal('%FOO bar\n---\na: 1')).toMatchInlineSnapshot(
      `"a.yaml:1:1: not YAML: Unknown directive %FOO; write plain YAML: mappings, lists, texts and numbers"`,
    );
  });

  it('the same key twice, and a second document', () => {
    expect(refusal('a: 1\nb: 2\na: 3')).toMatchInlineSnapshot(`"a.yaml:3:1: 'a' twice; keep one"`);
    expect(refusal('a: 1\n---\nb: 2')).toMatchInlineSnapshot(
      `"a.yaml:2:1: a second YAML document; a file holds one"`,
    );
  });

  it('what would exhaust the parser', () => {
    expect(refusal('['.repeat(1000))).toMatchInlineSnapshot(
      `"a.yaml:1:65: nested too deep to be read; at most 64 levels of YAML"`,
    );
    expect(refusal('- '.repeat(1000))).toMatchInlineSnapshot(
      `"a.yaml:1:128: nested too deep to be read; at most 64 levels of YAML"`,
    );
    expect(refusal('{a: '.repeat(1000))).toMatchInlineSnapshot(
      `"a.yaml:1:254: nested too deep to be read; at most 64 levels of YAML"`,
    );
    expect(refusal(`a: ${'x'.repeat(256 * 1024 - 2)}`)).toMatchInlineSnapshot(
      `"a.yaml:1:1: the file has 262145 bytes; at most 262144 (256 KiB)"`,
    );
    // Two bytes a letter.
    expect(refusal(`a: ${'ä'.repeat(128 * 1024)}`)).toMatchInlineSnapshot(
      `"a.yaml:1:1: the file has 262147 bytes; at most 262144 (256 KiB)"`,
    );
  });

  it('and never more than one printable line is said', () => {
    expect(refusal('a: "\u001b[31m', 'evil\nname.yaml')).toMatchInlineSnapshot(
      `"evil\\u{a}name.yaml:1:10: not YAML: Missing closing "quote; write plain YAML: mappings, lists, texts and numbers"`,
    );
    expect(refusal(`"${'k'.repeat(300)}": 1\n"${'k'.repeat(300)}": 2`)).toMatchInlineSnapshot(
      `"a.yaml:2:1: 'kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk…' twice; keep one"`,
    );
  });
});

it('reads as much as it allows', () => {
  const text = 'x'.repeat(256 * 1024 - 3);
  expect(readYaml(`a: ${text}`, 'a.yaml').value).toEqual({ a: text });
});

it('keeps to YAML 1.2, whatever the file says it is', () => {
  expect(readYaml('%YAML 1.1\n---\na: yes\nb: 1:30\n<<: { c: 3 }', 'a.yaml').value).toEqual({
    a: 'yes',
    b: '1:30',
    '<<': { c: 3 },
  });
});

it('reads back what is written', () => {
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 3 },
      fc.constantFrom(null, true, 0, 1.5, '', 'phone', '>0', 'a: b', '# no', '- x', 'ä\n\u0000'),
      fc.string(),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(fc.string(), tie('value'), { maxKeys: 3, noNullPrototype: true }),
    ),
  }));
  fc.assert(
    fc.property(value, (written) => {
      const text = JSON.stringify(written);
      expect(readYaml(text, 'a.yaml').value).toEqual(JSON.parse(text));
    }),
  );
});
