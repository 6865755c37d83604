/** Keeps the arrows of the house: who may import whom, who may look at a clock, what must be read. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { errorCodes } from '../src/errors.js';

/** A layer is a folder of src/, or a file that lies directly in it. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  errors: [],
  core: ['errors'],
  kernel: ['core', 'errors'],
  report: ['core', 'errors'],
  net: ['kernel', 'core', 'errors'],
  lab: ['net', 'kernel', 'core', 'errors'],
  audit: ['net', 'kernel', 'core', 'errors'],
  guard: ['net', 'kernel', 'core', 'errors'],
  host: ['kernel', 'core', 'errors'],
  commands: ['lab', 'audit', 'guard', 'host', 'net', 'report', 'kernel', 'core', 'errors'],
  cli: ['commands', 'lab', 'audit', 'guard', 'host', 'net', 'report', 'kernel', 'core', 'errors'],
  start: [],
  index: ['lab', 'audit', 'guard', 'host', 'net', 'report', 'kernel', 'core', 'errors'],
};

interface Module {
  readonly path: string;
  readonly layer: string;
  /** Files of ours, type imports and `import()` included. */
  readonly imports: readonly string[];
  readonly packages: readonly string[];
  /** Every name that is used and is no member's: `process`, and with its member `process.exit`. */
  readonly names: ReadonlySet<string>;
  readonly onlyReExports: boolean;
}

const root = fileURLToPath(new URL('..', import.meta.url));
const modules = filesUnder('src').map(readModule);

describe('the arrows', () => {
  it('every file lies in a layer that has a place in the house', () => {
    const strangers = modules.filter(({ layer }) => mayImport[layer] === undefined);
    expect(strangers.map(({ path }) => path)).toEqual([]);
  });

  it('nobody imports against the layer rule', () => {
    expect(
      offences(({ layer, imports }) =>
        imports.filter((path) => {
          const to = layerOf(path);
          return to !== layer && mayImport[layer]?.includes(to) !== true;
        }),
      ),
    ).toEqual([]);
  });

  it('only the kernel port knows that there is a Linux', () => {
    expect(
      offences(({ layer, imports }) =>
        layer === 'kernel' ? [] : imports.filter((path) => path.startsWith('src/kernel/linux/')),
      ),
    ).toEqual([]);
  });

  it("only the C library's file knows koffi", () => {
    expect(
      offences(({ path, packages }) =>
        path === 'src/kernel/linux/libc.ts' ? [] : packages.filter((name) => name === 'koffi'),
      ),
    ).toEqual([]);
  });

  it('the public API only re-exports', () => {
    const index = modules.filter(({ layer }) => layer === 'index');
    expect(index.filter(({ onlyReExports }) => !onlyReExports)).toEqual([]);
  });

  it('every file is reached from the bin or the public API', () => {
    const reached = new Set<string>();
    const entries = ['src/start.ts', 'src/cli.ts', 'src/index.ts', 'src/guard/register.ts'].filter(
      (path) => modules.some((module) => module.path === path),
    );
    const queue = [...entries];
    for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
      if (reached.has(path)) continue;
      reached.add(path);
      queue.push(...(modules.find((module) => module.path === path)?.imports ?? []));
    }
    const orphans = modules.filter(({ path }) => !reached.has(path)).map(({ path }) => path);
    expect(entries.length === 0 ? [] : orphans).toEqual([]);
  });
});

describe('clocks and the process', () => {
  it('the core knows no clock, no timer, no process and nothing of Node', () => {
    const forbidden = ['performance', 'process', 'setTimeout', 'setInterval', 'setImmediate'];
    expect(
      offences(({ layer, names, packages }) =>
        layer === 'core'
          ? [
              ...[...forbidden, 'Date.now'].filter((name) => names.has(name)),
              ...packages.filter((name) => name.startsWith('node:')),
            ]
          : [],
      ),
    ).toEqual([]);
  });

  it('one file reads the monotonic clock', () => {
    expect(
      offences(({ path, names }) =>
        path !== 'src/kernel/clock.ts' && names.has('process.hrtime') ? ['process.hrtime'] : [],
      ),
    ).toEqual([]);
  });

  it('only the command line prints, exits and reads its arguments', () => {
    const ours = ['process.stdout', 'process.stderr', 'process.exit', 'process.argv'];
    expect(
      offences(({ layer, names, packages }) =>
        layer === 'cli' || layer === 'commands'
          ? []
          : [
              ...ours.filter((name) => names.has(name)),
              ...packages.filter((name) => name === 'node:process'),
            ],
      ),
    ).toEqual([]);
  });
});

describe('what must be read', () => {
  it('every fixture is named in a test, itself or its folder', () => {
    const tests = filesUnder('test')
      .filter((path) => path !== 'test/tidy.test.ts')
      .map((path) => readFileSync(join(root, path), 'utf8'));
    const fixtures = filesUnder('fixtures');
    const unread = fixtures.filter(
      (path) => !selfAndFolders(path).some((each) => tests.some((text) => text.includes(each))),
    );
    expect(fixtures).not.toEqual([]);
    expect(unread).toEqual([]);
  });

  it('the README names every error code', () => {
    const path = join(root, 'README.md');
    const readme = existsSync(path) ? readFileSync(path, 'utf8') : '';
    expect(Object.keys(errorCodes).filter((code) => !readme.includes(code))).toEqual([]);
  });
});

/** `path: what`, for all that `find` finds in any module. */
function offences(find: (module: Module) => readonly string[]): readonly string[] {
  return modules.flatMap((module) => find(module).map((what) => `${module.path}: ${what}`));
}

/** `fixtures/kernel/x.hex` and `fixtures/kernel`, but not `fixtures`: that would name everything. */
function selfAndFolders(path: string): readonly string[] {
  const folder = dirname(path);
  return folder === 'fixtures' ? [path] : [path, ...selfAndFolders(folder)];
}

/** Paths from the repository's root, sorted. */
function filesUnder(folder: string): readonly string[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .toSorted();
}

function layerOf(path: string): string {
  const [, layer = ''] = path.split('/');
  return layer.replace(/\.ts$/, '');
}

function readModule(path: string): Module {
  const text = readFileSync(join(root, path), 'utf8');
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const specifiers: string[] = [];
  const names = new Set<string>();
  visit(source);
  return {
    path,
    layer: layerOf(path),
    imports: specifiers.filter(isOurs).map((specifier) => fileOf(path, specifier)),
    packages: specifiers.filter((specifier) => !isOurs(specifier)),
    names,
    onlyReExports: source.statements.every(
      (statement) => ts.isExportDeclaration(statement) && statement.moduleSpecifier !== undefined,
    ),
  };

  function visit(node: ts.Node): void {
    const specifier = specifierOf(node);
    if (specifier !== undefined && ts.isStringLiteral(specifier)) specifiers.push(specifier.text);
    if (ts.isIdentifier(node) && !isMemberName(node)) {
      names.add(node.text);
      for (const member of membersTaken(node)) names.add(`${node.text}.${member}`);
    }
    ts.forEachChild(node, visit);
  }
}

function specifierOf(node: ts.Node): ts.Node | undefined {
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return node.moduleSpecifier;
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
    return node.arguments[0];
  }
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
    return node.argument.literal;
  }
  return undefined;
}

/** `exit` in `process.exit` or in `{ exit: 1 }`: a name within something else. */
function isMemberName(node: ts.Identifier): boolean {
  return 'name' in node.parent && node.parent.name === node;
}

/** `process.exit` and `const { exit } = process` alike. */
function membersTaken({ parent }: ts.Identifier): readonly string[] {
  if (ts.isPropertyAccessExpression(parent)) return [parent.name.text];
  if (!ts.isVariableDeclaration(parent) || !ts.isObjectBindingPattern(parent.name)) return [];
  return parent.name.elements.map(({ propertyName, name }) => (propertyName ?? name).getText());
}

function isOurs(specifier: string): boolean {
  return specifier.startsWith('.');
}

function fileOf(importer: string, specifier: string): string {
  return normalize(join(dirname(importer), specifier)).replace(/\.js$/, '.ts');
}
