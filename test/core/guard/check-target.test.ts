import { describe, expect, it } from 'vitest';
import {
  formatUrl,
  parseActionUrl,
  parseCheckTarget,
  refuseRemote,
} from '../../../src/core/guard/check-target.js';
import { refusalOf } from '../../refusal.js';

describe('what can be checked', () => {
  it('is an endpoint or a status address', () => {
    expect(parseCheckTarget('tcp://[::1]:7777')).toEqual({
      kind: 'tcp',
      remote: { address: '::1', port: 7777 },
    });
    expect(parseCheckTarget('HTTP://127.0.0.1:8080/status?all')).toEqual({
      kind: 'http',
      url: new URL('http://127.0.0.1:8080/status?all'),
    });
  });

  it.each(['127.0.0.1:7777', 'ftp://127.0.0.1', 'http://', 'http://127.0.0.1:99999/', 'file:///x'])(
    'is not %s',
    (text) => {
      expect(refusalOf(() => parseCheckTarget(text)).message).toBe(
        `'${text}' cannot be checked: tcp://127.0.0.1:7777 or http://127.0.0.1:8080/status`,
      );
    },
  );

  it('names what is wrong with an endpoint', () => {
    expect(refusalOf(() => parseCheckTarget('tcp://127.0.0.1:0')).message).toBe(
      "'0' is not a port: 1 to 65535",
    );
  });
});

describe('what can be called', () => {
  it.each([
    ['http://localhost/restart', 'GET'],
    [' GET http://localhost/restart ', 'GET'],
    ['POST  http://localhost/restart', 'POST'],
  ])('is %s', (text, method) => {
    expect(parseActionUrl(text)).toEqual({ method, url: new URL('http://localhost/restart') });
  });

  it.each(['DELETE http://localhost/', 'tcp://127.0.0.1:7777', 'POST', ''])('is not %s', (text) => {
    expect(refusalOf(() => parseActionUrl(text)).message).toMatch(/ cannot be called: /);
  });
});

describe('what is on this host', () => {
  it.each([
    'tcp://127.0.0.1:1',
    'tcp://127.255.0.9:1',
    'tcp://[::1]:1',
    'tcp://localhost:1',
    'http://[::1]/',
    'http://LOCALHOST./',
    'http://127.1/',
    'http://[::ffff:127.0.0.1]/',
  ])('may be asked: %s', (text) => {
    expect(() => refuseRemote(parseCheckTarget(text))).not.toThrow();
  });

  it.each([
    ['tcp://10.0.0.1:1', '10.0.0.1'],
    ['tcp://example.org:1', 'example.org'],
    ['tcp://[2001:db8::1]:1', '2001:db8::1'],
    ['http://0.0.0.0/', '0.0.0.0'],
    ['http://localhost.example.org/', 'localhost.example.org'],
    ['http://x.localhost/', 'x.localhost'],
    ['http://127.0.0.1.example.org/', '127.0.0.1.example.org'],
    ['http://127.0.0.1@example.org/', 'example.org'],
  ])('may not, being elsewhere: %s', (text, host) => {
    expect(refusalOf(() => refuseRemote(parseCheckTarget(text))).message).toBe(
      `${host} is not this host: --allow-remote lets it be asked`,
    );
  });

  it('is told from what is not for calls alike', () => {
    expect(() => refuseRemote(parseActionUrl('http://localhost/restart'))).not.toThrow();
    expect(refusalOf(() => refuseRemote(parseActionUrl('POST http://10.0.0.1/'))).code).toBe(
      'BAD_USAGE',
    );
  });
});

it('an address is shown without credentials, query and fragment', () => {
  expect(formatUrl(new URL('http://user:secret@127.0.0.1:80/restart?token=secret#x'))).toBe(
    'http://127.0.0.1/restart',
  );
});
