import { describe, expect, it } from 'vitest';
import {
  inheritedListeners,
  notForUs,
  unanswered,
  variablesForSuccessor,
} from '../../src/core/inherited.js';

const process = { pid: 200, ppid: 100 };

describe('inherited listeners', () => {
  it('from the previous version, which is the parent', () => {
    const variables = variablesForSuccessor({ PATH: '/bin' }, 100, 2);
    expect(variables['PATH']).toBe('/bin');
    expect(inheritedListeners(variables, process)).toEqual({
      descriptors: [3, 4],
      from: 'predecessor',
    });
  });

  it("not from a grandparent's previous version: the variables are only inherited", () => {
    const variables = variablesForSuccessor({}, 99, 1);
    expect(inheritedListeners(variables, process)).toBeUndefined();
  });

  it('from a supervisor, which names this process', () => {
    expect(inheritedListeners({ LISTEN_PID: '200', LISTEN_FDS: '1' }, process)).toEqual({
      descriptors: [3],
      from: 'supervisor',
    });
  });

  it.each([
    { LISTEN_PID: '201', LISTEN_FDS: '1' },
    { LISTEN_PID: '200', LISTEN_FDS: '0' },
    { LISTEN_PID: '200', LISTEN_FDS: '1e9' },
    { LISTEN_PID: '200', LISTEN_FDS: '999999999' },
    { LISTEN_PID: '200' },
    { LISTEN_FDS: '1' },
    {},
  ])('none with %j', (variables) => {
    expect(inheritedListeners(variables, process)).toBeUndefined();
  });

  it("a supervisor's are not handed on: the next version is another process", () => {
    expect(variablesForSuccessor({ LISTEN_PID: '200', LISTEN_FDS: '1' }, 200, 1)).toEqual({
      TCPALIVE_PREDECESSOR: '200',
      TCPALIVE_PREDECESSOR_FDS: '1',
    });
  });
});

describe('what is not for us', () => {
  it.each([
    [{ LISTEN_PID: '201', LISTEN_FDS: '1' }, 'LISTEN_PID 201 is another process'],
    [{ LISTEN_FDS: '1' }, 'LISTEN_FDS 1 names no process in LISTEN_PID'],
    [{ LISTEN_PID: '200', LISTEN_FDS: '-1' }, 'LISTEN_FDS -1 is no number of sockets'],
    [
      { LISTEN_PID: '200', LISTEN_FDS: '999999999' },
      'LISTEN_FDS 999999999 is no number of sockets',
    ],
    [{ LISTEN_PID: '200', LISTEN_FDS: '1' }, undefined],
    [{ LISTEN_PID: '200' }, undefined],
    [{}, undefined],
  ])('%j: %s', (variables, words) => {
    expect(notForUs(variables, process.pid)).toBe(words);
  });
});

describe('what is announced and not taken', () => {
  it.each([
    [[3], 1, undefined],
    [[3, 4], 2, undefined],
    [
      [3, 4],
      1,
      'of the 2 sockets in LISTEN_FDS 1 can be used, the second only for --status: whoever connects to another gets no answer',
    ],
    [
      [3, 4, 5],
      2,
      'of the 3 sockets in LISTEN_FDS 2 can be used: whoever connects to another gets no answer',
    ],
  ])('%j, of which %i are taken: %s', (descriptors, taken, words) => {
    expect(unanswered({ descriptors, from: 'supervisor' }, taken)).toBe(words);
  });
});
