/**
 * The scenario grammar: what a client does to a server, step by step, and what must then be true.
 * Needs yaml and valibot: import it only where a scenario is about to be read.
 */
import type { Comparison } from './comparator.js';
import { checkShape, isBefore } from './file-schema.js';
import { formatMode, type Mode } from './mode.js';
import type { Quantity, ScenarioExpectation } from './scenario-check.js';
import { scenarioSchema, type ScenarioShape } from './scenario-schema.js';
import { flatSteps, readSteps, type Step, type StepSource } from './scenario-steps.js';
import { badFile, readYaml, type Position, type YamlFile } from './plain-yaml.js';

export interface Scenario {
  /** One printable line. */
  readonly name: string;
  /** Empty where the file tells none. */
  readonly story: string;
  /** At least one, no two alike; each is played on a server of its own. */
  readonly modes: readonly Mode[];
  readonly server: ScenarioServer;
  readonly steps: readonly Step[];
  /** Whether any of them cuts. */
  readonly cuts: boolean;
  readonly expect: readonly ScenarioExpectation[];
}

interface ScenarioServer {
  /** How long it takes to answer a frame; 0: at once. */
  readonly replyDelayMs: number;
  /** How many descriptors it may hold, 32 to 4096; undefined: as many as it inherits. */
  readonly descriptors: number | undefined;
  /** Where the file has its `server:`; undefined: nowhere. */
  readonly at: Position | undefined;
}

export interface ServerPart {
  readonly key: 'server' | 'serverSend';
  readonly at: Position;
}

/**
 * @param file its name, for messages only
 * @throws TcpaliveError BAD_SCENARIO, one line: `FILE:LINE:COLUMN: what is wrong; what is accepted`
 */
export function parseScenario(text: string, file: string): Scenario {
  const yaml = readYaml(text, file);
  const shape = checkShape(scenarioSchema, yaml, (at, message) => badFile(file, at, message));
  const source: StepSource = {
    positionOf: (path) => yaml.positionOf(path, 'value'),
    refuse: (at, message) => badFile(file, at, message),
  };
  refuseTwinModes(shape, source);
  const steps = readSteps(shape.steps, ['steps'], source);
  return {
    name: shape.name,
    story: shape.story.trim(),
    modes: shape.modes,
    server: {
      replyDelayMs: shape.server?.replyDelay ?? 0,
      descriptors: shape.server?.descriptors,
      at: shape.server === undefined ? undefined : yaml.positionOf(['server'], 'key'),
    },
    steps,
    cuts: flatSteps(steps).some(({ kind }) => kind === 'cut'),
    expect: readExpectations(shape, yaml, source),
  };
}

/** The first thing in the file that takes a server of ours; undefined: any server will do. */
export function serverParts(scenario: Scenario): ServerPart | undefined {
  const section = scenario.server.at;
  const step = flatSteps(scenario.steps).find(({ kind }) => kind === 'serverSend');
  if (section !== undefined && (step === undefined || isBefore(section, step.at))) {
    return { key: 'server', at: section };
  }
  return step === undefined ? undefined : { key: 'serverSend', at: step.at };
}

function refuseTwinModes({ modes }: ScenarioShape, source: StepSource): void {
  const texts = modes.map(formatMode);
  for (const [index, text] of texts.entries()) {
    if (texts.indexOf(text) === index) continue;
    throw source.refuse(source.positionOf(['modes', index]), `'${text}' twice; each mode once`);
  }
}

/** One for each quantity, in the order of the file. */
function readExpectations(
  { expect = [], modes }: ScenarioShape,
  yaml: YamlFile,
  source: StepSource,
): readonly ScenarioExpectation[] {
  const played = modes.map(formatMode);
  return expect.flatMap(({ mode, quantities }, index) => {
    const only = mode === undefined ? undefined : formatMode(mode);
    if (only !== undefined && !played.includes(only)) {
      const at = source.positionOf(['expect', index, 'mode']);
      throw source.refuse(at, `'${only}' is not played here; one of ${played.join(', ')}`);
    }
    return (Object.entries(quantities) as [Quantity, Comparison][])
      .map(([quantity, comparison]) => ({
        at: yaml.positionOf(['expect', index, quantity], 'key'),
        expectation: { mode: only, quantity, ...comparison },
      }))
      .sort((one, other) => (isBefore(one.at, other.at) ? -1 : 1))
      .map(({ expectation }) => expectation);
  });
}
