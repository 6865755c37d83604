// A module of ours as the bench can import it: bundled into node_modules/.cache, where koffi is found.
import { fileURLToPath } from 'node:url';
import { build } from 'rolldown';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** @returns the bundle's path. */
export async function bundle(module) {
  const file = `${ROOT}node_modules/.cache/tcpalive-bench/${module.replaceAll('/', '-')}.mjs`;
  await build({
    input: `${ROOT}src/${module}.ts`,
    platform: 'node',
    external: ['koffi'],
    output: { file, format: 'esm', codeSplitting: false },
  });
  return file;
}
