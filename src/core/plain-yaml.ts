/**
 * YAML text → plain values, and where each of them stands in the file. Knows nothing of scenarios, protocols
 * and configurations but that their files are small, shallow and plain: anchors, aliases and unknown tags are refused.
 */
import {
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  Lexer,
  LineCounter,
  parseDocument,
  Parser,
  visit,
  type Document,
  type YAMLError,
} from 'yaml';
import { TcpaliveError } from '../errors.js';

/** Both from 1; columns in UTF-16 units. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

export type Path = readonly PropertyKey[];

/** With what a file is refused, by what it is about. */
export type FileCode = 'BAD_SCENARIO' | 'BAD_PROTOCOL' | 'BAD_CONFIG';

export interface YamlFile {
  /** Mappings, lists, texts, numbers, booleans and nulls. */
  readonly value: unknown;
  /** Where the value at `path` stands, or its key; what is around it where there is no such thing. */
  positionOf(path: Path, part: 'key' | 'value'): Position;
}

const LARGEST_BYTES = 256 * 1024;

/** A scenario needs about 15. yaml's composer recurses and its stack ends near 800. */
const DEEPEST = 64;

const LONGEST_QUOTE = 60;
/** Of YAML's own messages, which may hold a piece of the file as well. */
const LONGEST_MESSAGE = 200;

const PLAIN = 'write plain YAML: mappings, lists, texts and numbers';

/** Control and invisible characters, line ends and lone surrogates. */
export const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;

/** One printable line, `FILE:LINE:COLUMN: MESSAGE`, whatever is in the file or its name. */
export function badFile(
  file: string,
  at: Position,
  message: string,
  code: FileCode = 'BAD_SCENARIO',
): TcpaliveError {
  const text = `${file}:${at.line}:${at.column}: ${message}`;
  return new TcpaliveError(code, text.replace(new RegExp(UNPRINTABLE, 'gu'), escapeOne));
}

/** A piece of the file in a message: in quotes, and not all of it. */
export function quoted(text: string): string {
  return text.length > LONGEST_QUOTE ? `'${text.slice(0, LONGEST_QUOTE)}…'` : `'${text}'`;
}

/** @throws TcpaliveError of that code */
export function readYaml(text: string, file: string, code?: FileCode): YamlFile {
  const lines = new LineCounter();
  const at = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { line, column: col };
  };
  const refuse = (offset: number, message: string): TcpaliveError =>
    badFile(file, at(offset), message, code);

  lines.addNewLine(0);
  const bytes = new TextEncoder().encode(text).length;
  if (bytes > LARGEST_BYTES) {
    throw refuse(0, `the file has ${bytes} bytes; at most ${LARGEST_BYTES} (256 KiB)`);
  }
  refuseDeep(text, lines, refuse);
  const document = parseDocument(text, {
    schema: 'core',
    merge: false,
    resolveKnownTags: false,
    stringKeys: true,
    // Quadratic in the number of keys: refuseUnplain looks for twins.
    uniqueKeys: false,
    prettyErrors: false,
  });
  const [trouble] = [...document.errors, ...document.warnings];
  if (trouble !== undefined) {
    throw refuse(trouble.pos[0], inOurWords(trouble, text));
  }
  refuseUnplain(document, refuse);
  return {
    value: document.toJS({ maxAliasCount: 0 }) as unknown,
    positionOf: (path, part) => at(offsetOf(document, path, part)),
  };
}

type Refuse = (offset: number, message: string) => TcpaliveError;

/** The parser keeps a stack of its own, the composer behind it recurses: look before it does. */
function refuseDeep(text: string, lines: LineCounter, refuse: Refuse): void {
  const parser = new Parser(lines.addNewLine);
  for (const lexeme of new Lexer().lex(text)) {
    Array.from(parser.next(lexeme));
    if (parser.stack.length > DEEPEST) {
      throw refuse(parser.offset, `nested too deep to be read; at most ${DEEPEST} levels of YAML`);
    }
  }
  Array.from(parser.end());
}

/** YAML's own words, but where they are about its API or a comparison without quotes. */
function inOurWords({ code, message, pos: [offset] }: YAMLError, text: string): string {
  if (code === 'MULTIPLE_DOCS') return 'a second YAML document; a file holds one';
  if (code === 'NON_STRING_KEY') return `a key that is no text; ${PLAIN}`;
  // `>` begins a folded text: the error stands at it or just behind it.
  const nearby = text.slice(Math.max(0, offset - 2), offset + 1);
  const remedy = nearby.includes('>') ? "a comparison is written in quotes, such as '>0'" : PLAIN;
  return `not YAML: ${message.slice(0, LONGEST_MESSAGE)}; ${remedy}`;
}

function refuseUnplain(document: Document.Parsed, refuse: Refuse): void {
  visit(document, {
    Node(_key, node) {
      const offset = node.range?.[0] ?? 0;
      if (isAlias(node))
        throw refuse(
          offset,
          `an alias, ${quoted(`*${node.source}`)}; write out what it stands for`,
        );
      if (node.anchor !== undefined) {
        throw refuse(
          offset,
          `an anchor, ${quoted(`&${node.anchor}`)}; write it out where it is needed`,
        );
      }
      if (isMap(node))
        refuseTwins(
          node.items.map((pair) => pair.key),
          refuse,
        );
    },
  });
}

function refuseTwins(keys: readonly unknown[], refuse: Refuse): void {
  const seen = new Set<string>();
  for (const key of keys) {
    const name = isScalar(key) ? String(key.value) : '';
    if (seen.has(name)) throw refuse(start(key) ?? 0, `${quoted(name)} twice; keep one`);
    seen.add(name);
  }
}

function offsetOf(document: Document.Parsed, path: Path, part: 'key' | 'value'): number {
  let node: unknown = document.contents;
  let offset = start(node) ?? 0;
  for (const [depth, name] of path.entries()) {
    if (isSeq(node)) {
      node = node.items[Number(name)];
      offset = start(node) ?? offset;
    } else if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === name);
      offset = start(pair?.key) ?? offset;
      if (part === 'key' && depth === path.length - 1) return offset;
      node = pair?.value;
      offset = start(node) ?? offset;
    }
  }
  return offset;
}

function start(node: unknown): number | undefined {
  return isNode(node) ? node.range?.[0] : undefined;
}

function escapeOne(character: string): string {
  return `\\u{${character.codePointAt(0)?.toString(16) ?? ''}}`;
}
