import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pageCouldSend } from '../../src/core/web-page.js';

const OWN = 'Gateway.example';

describe('what a web page could have sent', () => {
  it.each([
    '127.0.0.1:7778',
    '127.0.0.1',
    '192.0.2.7:80',
    '[::1]:7778',
    '[::1]',
    'localhost:7778',
    'LOCALHOST',
    'gateway.example:7778',
  ])('not with our header and the host %s', (host) => {
    expect(pageCouldSend({ host, tcpalive: '1' }, OWN)).toBe(false);
    expect(pageCouldSend({ host, tcpalive: '' }, OWN)).toBe(false);
  });

  it.each(['127.0.0.1:7778', 'localhost', undefined])(
    'without our header and with the host %s: a form, or a fetch without cors',
    (host) => {
      expect(pageCouldSend({ host }, OWN)).toBe(true);
    },
  );

  it.each([
    'rebound.example:7778',
    'rebound.example',
    '127.0.0.1.rebound.example',
    'x.localhost',
    'localhost.',
    'localhost:7778:1',
    'user@localhost',
    '[::1',
    '::1',
    '0x7f.1',
    '127.1',
    '[rebound.example]',
    ':7778',
    '',
    undefined,
  ])('with our header and the host %j: by a name that somebody else may have given us', (host) => {
    expect(pageCouldSend({ host, tcpalive: '1' }, OWN)).toBe(true);
  });

  it('with any name that is not ours, at any port', () => {
    fc.assert(
      fc.property(fc.domain(), fc.nat(65_535), (name, port) => {
        expect(pageCouldSend({ host: `${name}:${port}`, tcpalive: '1' }, OWN)).toBe(true);
      }),
    );
  });
});
