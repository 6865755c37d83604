import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { connectOptions } from '../../src/commands/connect-options.js';
import { refused } from '../net/refused.js';
import { certificates } from '../net/tls-server.js';

const remote = { address: 'example.org', port: 443 };
const plain = { remote, connectTimeoutMs: 10_000, family: undefined, tls: undefined };

describe('connectOptions', () => {
  it('are plain TCP until TLS is asked for', async () => {
    const flags = { connectTimeout: 10_000 };
    expect(await connectOptions(remote, flags)).toEqual(plain);
    const tls = { servername: undefined, ca: undefined, insecure: false };
    expect(await connectOptions(remote, { ...flags, ipv6: true, tls: true })).toEqual({
      ...{ ...plain, family: 6, tls },
    });
  });

  it('hold every certificate of the file, and nothing else of it', async () => {
    const { ca, selfSigned } = certificates();
    const bundle = `# ours\n${ca}\n# theirs\n${selfSigned.key}${selfSigned.cert}`;
    const { tls } = await withCa(bundle);
    expect(tls?.ca).toBe(`${ca.trim()}\n${selfSigned.cert.trim()}`);
  });

  it('refuse a certificate that cannot be understood, by its number', async () => {
    const broken = certificates().ca.replace(/^MII/m, 'AAA');
    const refusal = await refused(withCa(`${certificates().ca}${broken}`));
    expect(refusal.code).toBe('BAD_USAGE');
    expect(refusal.message).toMatch(/^--ca: certificate 2 in \S+ cannot be understood$/);
  });
});

function withCa(text: string): ReturnType<typeof connectOptions> {
  const folder = mkdtempSync(join(tmpdir(), 'tcpalive-ca-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const ca = join(folder, 'ca.pem');
  writeFileSync(ca, text);
  return connectOptions(remote, { connectTimeout: 10_000, tls: true, ca });
}
