/** A configuration file: needs yaml and valibot, import it only where one is about to be read. */
import { checkShape } from '../file-schema.js';
import { badFile, readYaml, type Path } from '../plain-yaml.js';
import { configSchema } from './config-schema.js';
import type { GuardConfig } from './service-config.js';
import { serviceFrom } from './service-shape.js';

export interface ConfigOptions {
  /** Addresses that are not on this host may be asked and called. */
  readonly allowRemote: boolean;
}

/**
 * @param file its name, for messages only
 * @throws TcpaliveError BAD_CONFIG, one line: `FILE:LINE:COLUMN: what is wrong; what is accepted`
 */
export function parseGuardConfig(text: string, file: string, options: ConfigOptions): GuardConfig {
  const yaml = readYaml(text, file, 'BAD_CONFIG');
  const refuse = (path: Path, part: 'key' | 'value', message: string) =>
    badFile(file, yaml.positionOf(path, part), message, 'BAD_CONFIG');
  const { services } = checkShape(configSchema, yaml, (at, message) =>
    badFile(file, at, message, 'BAD_CONFIG'),
  );
  const names = services.map(({ name }) => name);
  const twin = names.findIndex((name, at) => names.indexOf(name) !== at);
  if (twin >= 0) {
    const message = `'${names[twin] ?? ''}' twice; each service has a name of its own`;
    throw refuse(['services', twin, 'name'], 'value', message);
  }
  return {
    services: services.map((shape, at) =>
      serviceFrom(shape, {
        ...options,
        refuse: (path, message) => {
          const part = typeof path.at(-1) === 'number' ? 'value' : 'key';
          return refuse(['services', at, ...path], part, message);
        },
      }),
    ),
  };
}
