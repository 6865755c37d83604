import { describe, expect, it } from 'vitest';
import { stateName } from '../../src/kernel/linux/tcp-info.js';
import { refusal } from './scenario-refusal.js';

const steps = 'steps: [connect: phone]';

/** What is said about one step in a file that is fine otherwise. */
function stepRefusal(step: string): string {
  return refusal(`name: A test\nsteps:\n  - connect: phone\n  - ${step}\n`);
}

function expectationRefusal(expectation: string): string {
  return refusal(`name: A test\n${steps}\nexpect:\n  - ${expectation}\n`);
}

describe('a file', () => {
  it('is a mapping', () => {
    expect(refusal('')).toMatchInlineSnapshot(
      `"a.yaml:1:1: an empty value is not a scenario; a mapping with name, story, modes, server, steps, expect"`,
    );
    expect(refusal('# nothing yet')).toMatchInlineSnapshot(
      `"a.yaml:1:1: an empty value is not a scenario; a mapping with name, story, modes, server, steps, expect"`,
    );
    expect(refusal('[connect: phone]')).toMatchInlineSnapshot(
      `"a.yaml:1:1: a list is not a scenario; a mapping with name, story, modes, server, steps, expect"`,
    );
    expect(refusal('Hello')).toMatchInlineSnapshot(
      `"a.yaml:1:1: 'Hello' is not a scenario; a mapping with name, story, modes, server, steps, expect"`,
    );
  });

  it('has a name of one line', () => {
    expect(refusal(steps)).toMatchInlineSnapshot(
      `"a.yaml:1:1: a scenario without 'name'; accepted: name, story, modes, server, steps, expect"`,
    );
    expect(refusal(`name: 42\n${steps}`)).toMatchInlineSnapshot(
      `"a.yaml:1:7: 42 is not a name; text of one printable line, at most 100 characters"`,
    );
    expect(refusal(`name: ''\n${steps}`)).toMatchInlineSnapshot(
      `"a.yaml:1:7: '' is not a name; text of one printable line, at most 100 characters"`,
    );
    expect(refusal(`name: "a\\nb"\n${steps}`)).toMatchInlineSnapshot(
      `"a.yaml:1:7: 'a\\u{a}b' is not a name; text of one printable line, at most 100 characters"`,
    );
    expect(refusal(`name: ${'a'.repeat(101)}\n${steps}`)).toMatchInlineSnapshot(
      `"a.yaml:1:7: 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa…' is not a name; text of one printable line, at most 100 characters"`,
    );
    expect(refusal(`name: A test\nstory: "\\e[31m"\n${steps}`)).toMatchInlineSnapshot(
      `"a.yaml:2:8: '\\u{1b}[31m' is not a story; text of at most 4000 printable characters"`,
    );
  });

  it('has the keys it has', () => {
    expect(refusal(`name: A test\n${steps}\n__proto__: 1`)).toMatchInlineSnapshot(
      `"a.yaml:3:1: '__proto__' is not a key of a scenario; accepted: name, story, modes, server, steps, expect"`,
    );
    expect(refusal(`name: A test\n${steps}\ntoString: 1`)).toMatchInlineSnapshot(
      `"a.yaml:3:1: 'toString' is not a key of a scenario; accepted: name, story, modes, server, steps, expect"`,
    );
    // The key that is wrong, not the one that is missing for it.
    expect(refusal(`name: A test\nstep: []`)).toMatchInlineSnapshot(
      `"a.yaml:2:1: 'step' is not a key of a scenario, did you mean steps?; accepted: name, story, modes, server, steps, expect"`,
    );
  });

  it('lists its modes', () => {
    const modes = (text: string) => refusal(`name: A test\nmodes: ${text}\n${steps}`);
    expect(modes('none')).toMatchInlineSnapshot(
      `"a.yaml:2:8: 'none' where modes are expected; a list of modes, at least one"`,
    );
    expect(modes('[]')).toMatchInlineSnapshot(
      `"a.yaml:2:8: an empty list; a list of modes, at least one"`,
    );
    expect(modes('[none, heartbeet]')).toMatchInlineSnapshot(
      `"a.yaml:2:15: 'heartbeet' is not a mode: none, keepalive=IDLE:INTERVAL:COUNT, keepalive=system, user-timeout=T, heartbeat=INTERVAL:TIMEOUT, idle-timeout=T or rto-max=T, combined with +"`,
    );
    expect(modes('[none, null]')).toMatchInlineSnapshot(
      `"a.yaml:2:15: an empty value is not a mode; write none, keepalive=1s:1s:3 or heartbeat=1s:3s"`,
    );
    expect(modes(`[heartbeat=${'1'.repeat(120)}s]`)).toMatchInlineSnapshot(
      `"a.yaml:2:9: 'heartbeat=11111111111111111111111111111111111111111111111111…' is not a mode; write none, keepalive=1s:1s:3 or heartbeat=1s:3s"`,
    );
    expect(modes(`[${Array(17).fill('none').join()}]`)).toMatchInlineSnapshot(
      `"a.yaml:2:8: 17 modes; at most 16"`,
    );
  });

  it('says what the server is like', () => {
    const server = (text: string) => refusal(`name: A test\nserver: ${text}\n${steps}`);
    expect(server('64')).toMatchInlineSnapshot(
      `"a.yaml:2:9: 64 is not a server section; a mapping with replyDelay, descriptors"`,
    );
    expect(server('[]')).toMatchInlineSnapshot(
      `"a.yaml:2:9: a list is not a server section; a mapping with replyDelay, descriptors"`,
    );
    expect(server('{ descriptors: 31 }')).toMatchInlineSnapshot(
      `"a.yaml:2:24: descriptors cannot be 31; a whole number, 32 to 4096"`,
    );
    expect(server('{ descriptors: 4097 }')).toMatchInlineSnapshot(
      `"a.yaml:2:24: descriptors cannot be 4097; a whole number, 32 to 4096"`,
    );
    expect(server('{ descriptors: 64.5 }')).toMatchInlineSnapshot(
      `"a.yaml:2:24: descriptors cannot be 64.5; a whole number, 32 to 4096"`,
    );
    expect(server('{ descriptors: many }')).toMatchInlineSnapshot(
      `"a.yaml:2:24: descriptors cannot be 'many'; a whole number, 32 to 4096"`,
    );
    expect(server('{ replyDelay: 2 }')).toMatchInlineSnapshot(
      `"a.yaml:2:23: '2' has no unit: did you mean 2s?"`,
    );
    expect(server('{ replyDelay: 0s }')).toMatchInlineSnapshot(
      `"a.yaml:2:23: '0s' is out of range: more than 0, at most 168h"`,
    );
    expect(server('{ replydelay: 2s }')).toMatchInlineSnapshot(
      `"a.yaml:2:11: 'replydelay' is not a key of a server section, did you mean replyDelay?; accepted: replyDelay, descriptors"`,
    );
  });
});

describe('a step', () => {
  it('has one verb', () => {
    expect(stepRefusal('connect')).toMatchInlineSnapshot(
      `"a.yaml:4:5: 'connect' is not a step; one of connect, send, wait, cut, close, serverSend, repeat, every"`,
    );
    expect(stepRefusal('{}')).toMatchInlineSnapshot(
      `"a.yaml:4:5: an empty mapping is not a verb; one of connect, send, wait, cut, close, serverSend, repeat, every"`,
    );
    expect(stepRefusal('for: 3s')).toMatchInlineSnapshot(
      `"a.yaml:4:5: 'for' is not a verb; one of connect, send, wait, cut, close, serverSend, repeat, every"`,
    );
    expect(stepRefusal('{ wait: 3s, cut: phone }')).toMatchInlineSnapshot(
      `"a.yaml:4:5: two verbs in one step, wait and cut; write '- cut:' below it"`,
    );
    expect(stepRefusal('{ wait: 3s, for: 3s }')).toMatchInlineSnapshot(
      `"a.yaml:4:17: 'for' is not a key of a wait step; accepted: wait"`,
    );
  });

  it('names a connection', () => {
    expect(stepRefusal('cut:')).toMatchInlineSnapshot(
      `"a.yaml:4:9: an empty value is not the name of a connection; text such as phone, 1 to 64 letters, digits, dots, dashes and underscores"`,
    );
    expect(stepRefusal('cut: 1')).toMatchInlineSnapshot(
      `"a.yaml:4:10: 1 is not the name of a connection; text such as phone, 1 to 64 letters, digits, dots, dashes and underscores"`,
    );
    expect(stepRefusal('cut: true')).toMatchInlineSnapshot(
      `"a.yaml:4:10: true is not the name of a connection; text such as phone, 1 to 64 letters, digits, dots, dashes and underscores"`,
    );
    expect(stepRefusal('cut: my phone')).toMatchInlineSnapshot(
      `"a.yaml:4:10: 'my phone' is not the name of a connection; text such as phone, 1 to 64 letters, digits, dots, dashes and underscores"`,
    );
    expect(stepRefusal('cut: [phone]')).toMatchInlineSnapshot(
      `"a.yaml:4:10: a list is not the name of a connection; text such as phone, 1 to 64 letters, digits, dots, dashes and underscores"`,
    );
    expect(stepRefusal('close: { connection: phone }')).toMatchInlineSnapshot(
      `"a.yaml:4:12: a mapping is not the name of a connection; text such as phone, 1 to 64 letters, digits, dots, dashes and underscores"`,
    );
  });

  it('sends frames that have a payload', () => {
    expect(stepRefusal('send:')).toMatchInlineSnapshot(
      `"a.yaml:4:10: an empty value is not the name of a connection; text such as phone, 1 to 64 letters, digits, dots, dashes and underscores"`,
    );
    expect(stepRefusal('send: { bytes: 9 }')).toMatchInlineSnapshot(
      `"a.yaml:4:11: a frame to send without 'connection'; accepted: connection, bytes"`,
    );
    expect(stepRefusal('send: { connection: phone, bytes: 0 }')).toMatchInlineSnapshot(
      `"a.yaml:4:39: bytes cannot be 0; a whole number, 1 to 65535"`,
    );
    expect(stepRefusal('send: { connection: phone, bytes: 65536 }')).toMatchInlineSnapshot(
      `"a.yaml:4:39: bytes cannot be 65536; a whole number, 1 to 65535"`,
    );
    expect(stepRefusal('send: { connection: phone, size: 9 }')).toMatchInlineSnapshot(
      `"a.yaml:4:32: 'size' is not a key of a frame to send; accepted: connection, bytes"`,
    );
    expect(stepRefusal('serverSend: { connection: phone, bytes: .inf }')).toMatchInlineSnapshot(
      `"a.yaml:4:45: bytes cannot be Infinity; a whole number, 1 to 65535"`,
    );
  });

  it('waits a duration', () => {
    expect(stepRefusal('wait: 3')).toMatchInlineSnapshot(
      `"a.yaml:4:11: '3' has no unit: did you mean 3s?"`,
    );
    expect(stepRefusal('wait: soon')).toMatchInlineSnapshot(
      `"a.yaml:4:11: 'soon' is not a duration: write 250ms, 3s, 1m30s or 2h"`,
    );
    expect(stepRefusal('wait:')).toMatchInlineSnapshot(
      `"a.yaml:4:10: an empty value is not a duration; write 250ms, 3s, 1m30s or 2h"`,
    );
  });

  it('repeats something', () => {
    expect(stepRefusal('repeat: 5')).toMatchInlineSnapshot(
      `"a.yaml:4:5: a repeat step without 'steps'; accepted: repeat, steps"`,
    );
    expect(stepRefusal('{ repeat: 0, steps: [connect: a] }')).toMatchInlineSnapshot(
      `"a.yaml:4:15: repeat cannot be 0; a whole number, 1 to 10000"`,
    );
    expect(stepRefusal('{ repeat: 5, steps: [] }')).toMatchInlineSnapshot(
      `"a.yaml:4:25: an empty list; a list of steps, at least one"`,
    );
    expect(stepRefusal('{ repeat: 5, steps: { connect: a } }')).toMatchInlineSnapshot(
      `"a.yaml:4:25: a mapping where steps are expected; a list of steps, at least one"`,
    );
    expect(stepRefusal('{ repeat: 5, steps: [conect: a] }')).toMatchInlineSnapshot(
      `"a.yaml:4:26: 'conect' is not a verb; one of connect, send, wait, cut, close, serverSend, repeat, every"`,
    );
    expect(stepRefusal('{ every: 1s, steps: [connect: a] }')).toMatchInlineSnapshot(
      `"a.yaml:4:5: an every step without 'for'; accepted: every, for, steps"`,
    );
    expect(stepRefusal('{ every: 1s, repeat: 5, steps: [connect: a] }')).toMatchInlineSnapshot(
      `"a.yaml:4:5: two verbs in one step, every and repeat; write '- repeat:' below it"`,
    );
  });
});

describe('an expectation', () => {
  it('is about something that is known', () => {
    expect(expectationRefusal('6')).toMatchInlineSnapshot(
      `"a.yaml:4:5: 6 is not an expectation; a mapping with mode, opened, answered, refused, noticed, established, stale, live, peakDescriptors, state, timer, sendQueueBytes, retransmissions"`,
    );
    expect(expectationRefusal('{ mode: none }')).toMatchInlineSnapshot(
      `"a.yaml:4:5: an expectation of nothing; such as established: 6"`,
    );
    expect(expectationRefusal('alive: 6')).toMatchInlineSnapshot(
      `"a.yaml:4:5: 'alive' is not a key of an expectation, did you mean live?; accepted: mode, opened, answered, refused, noticed, established, stale, live, peakDescriptors, state, timer, sendQueueBytes, retransmissions"`,
    );
    expect(refusal(`name: A test\n${steps}\nexpect: []`)).toMatchInlineSnapshot(
      `"a.yaml:3:9: an empty list; a list of expectations, at least one"`,
    );
  });

  it('counts, or names a state or a timer', () => {
    expect(expectationRefusal('established: -1')).toMatchInlineSnapshot(
      `"a.yaml:4:18: '-1' is not a count: a whole number, or a comparison such as '>0' or '<=64'"`,
    );
    expect(expectationRefusal('established: 6.5')).toMatchInlineSnapshot(
      `"a.yaml:4:18: '6.5' is not a count: a whole number, or a comparison such as '>0' or '<=64'"`,
    );
    expect(expectationRefusal("established: '~6'")).toMatchInlineSnapshot(
      `"a.yaml:4:18: '~6' is not a count: a whole number, or a comparison such as '>0' or '<=64'"`,
    );
    expect(expectationRefusal('established: [6]')).toMatchInlineSnapshot(
      `"a.yaml:4:18: a list is not a count; write a whole number, or '>0' or '<=64'"`,
    );
    expect(expectationRefusal('timer: 1')).toMatchInlineSnapshot(
      `"a.yaml:4:12: 1 is not a timer; one of none, retransmit, keepalive, zero-window"`,
    );
    expect(expectationRefusal('state: established')).toMatchInlineSnapshot(
      `"a.yaml:4:12: 'established' is not a state; one of ESTABLISHED, SYN-RECV, FIN-WAIT-1, FIN-WAIT-2, CLOSE-WAIT, LAST-ACK, CLOSING, TIME-WAIT, CLOSE"`,
    );
  });

  it("has the kernel's own names for states", () => {
    const known = Array.from({ length: 12 }, (_, state) => stateName(state));
    const accepted = /one of (.*)$/.exec(expectationRefusal('state: OPEN'))?.[1]?.split(', ') ?? [];
    expect(accepted).toContain('ESTABLISHED');
    expect(known).toEqual(expect.arrayContaining(accepted));
  });
});
