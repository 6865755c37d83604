import { execFileSync } from 'node:child_process';

/** The lab and the end-to-end tests run the built bin: build it from the sources under test. */
export function setup(): void {
  execFileSync(process.execPath, ['build.mjs'], { stdio: 'inherit' });
}
