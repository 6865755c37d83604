import { describe, expect, it } from 'vitest';
import { escapeLabel } from '../../src/report/openmetrics.js';
import { surveyOpenMetrics } from '../../src/report/survey-openmetrics.js';
import { connectionOf, listenerOf, processOf, surveyOf } from './survey-fixture.js';

describe('surveyOpenMetrics', () => {
  it('has a gauge for each figure, every fate always, and an end', () => {
    const connections = [
      connectionOf({ ask: { kind: 'silent' } }),
      connectionOf({ silentMs: 500, ask: { kind: 'answers' } }),
    ];
    const processes = [
      processOf(connections),
      processOf(connections, { pid: 9, name: 'other', unit: null, fds: null, fdLimit: null }),
    ];
    expect(surveyOpenMetrics(surveyOf(connections, { processes }))).toMatchInlineSnapshot(`
      "# TYPE tcpalive_connections gauge
      # HELP tcpalive_connections TCP connections by what will become of them.
      tcpalive_connections{fate="forever"} 2
      tcpalive_connections{fate="leaked"} 0
      tcpalive_connections{fate="dying"} 0
      tcpalive_connections{fate="slow"} 0
      tcpalive_connections{fate="unknown"} 0
      tcpalive_connections{fate="armed"} 0
      tcpalive_connections{fate="closing"} 0
      # TYPE tcpalive_connections_silent_seconds gauge
      # UNIT tcpalive_connections_silent_seconds seconds
      # HELP tcpalive_connections_silent_seconds Longest time since anything was received.
      tcpalive_connections_silent_seconds{fate="forever"} 11520
      # TYPE tcpalive_process_descriptors gauge
      # HELP tcpalive_process_descriptors File descriptors that the process has open.
      tcpalive_process_descriptors{pid="812",name="nginx",unit="nginx.service"} 330
      # TYPE tcpalive_process_descriptors_limit gauge
      # HELP tcpalive_process_descriptors_limit File descriptors that the process may have open.
      tcpalive_process_descriptors_limit{pid="812",name="nginx",unit="nginx.service"} 1024
      # TYPE tcpalive_process_connections gauge
      # HELP tcpalive_process_connections TCP connections of the process by what will become of them.
      tcpalive_process_connections{pid="812",name="nginx",unit="nginx.service",fate="forever"} 2
      tcpalive_process_connections{pid="812",name="nginx",unit="nginx.service",fate="leaked"} 0
      tcpalive_process_connections{pid="812",name="nginx",unit="nginx.service",fate="dying"} 0
      tcpalive_process_connections{pid="812",name="nginx",unit="nginx.service",fate="slow"} 0
      tcpalive_process_connections{pid="812",name="nginx",unit="nginx.service",fate="unknown"} 0
      tcpalive_process_connections{pid="812",name="nginx",unit="nginx.service",fate="armed"} 0
      tcpalive_process_connections{pid="812",name="nginx",unit="nginx.service",fate="closing"} 0
      tcpalive_process_connections{pid="9",name="other",unit="",fate="forever"} 0
      tcpalive_process_connections{pid="9",name="other",unit="",fate="leaked"} 0
      tcpalive_process_connections{pid="9",name="other",unit="",fate="dying"} 0
      tcpalive_process_connections{pid="9",name="other",unit="",fate="slow"} 0
      tcpalive_process_connections{pid="9",name="other",unit="",fate="unknown"} 0
      tcpalive_process_connections{pid="9",name="other",unit="",fate="armed"} 0
      tcpalive_process_connections{pid="9",name="other",unit="",fate="closing"} 0
      # TYPE tcpalive_listener_waiting gauge
      # HELP tcpalive_listener_waiting Connections that wait to be accepted.
      tcpalive_listener_waiting{address="0.0.0.0",port="443"} 0
      tcpalive_listener_waiting{address="::",port="22"} 0
      # TYPE tcpalive_listener_backlog gauge
      # HELP tcpalive_listener_backlog Connections that may wait to be accepted.
      tcpalive_listener_backlog{address="0.0.0.0",port="443"} 511
      tcpalive_listener_backlog{address="::",port="22"} 511
      # TYPE tcpalive_asked gauge
      # HELP tcpalive_asked TCP connections by what one keepalive probe brought.
      tcpalive_asked{answer="answers"} 1
      tcpalive_asked{answer="silent"} 1
      tcpalive_asked{answer="ended"} 0
      tcpalive_asked{answer="not-asked"} 0
      # EOF
      "
    `);
  });

  it('never has a label set twice: of listeners at one address the fullest shows', () => {
    const listeners = [
      listenerOf({ waiting: 3 }),
      listenerOf({ waiting: 511, namespace: 'net:[2]' }),
      listenerOf({ waiting: 5 }),
    ];
    const samples = surveyOpenMetrics(surveyOf([], { listeners }))
      .split('\n')
      .filter((line) => line.startsWith('tcpalive_listener_'));
    expect(samples).toEqual([
      'tcpalive_listener_waiting{address="0.0.0.0",port="443"} 511',
      'tcpalive_listener_backlog{address="0.0.0.0",port="443"} 511',
    ]);
  });
});

it('escapes what would end a label value', () => {
  expect(escapeLabel('a"b\\c')).toBe('a\\"b\\\\c');
  expect(escapeLabel('two\nlines \x1b[2J')).toBe('two\\\\x0alines \\\\x1b[2J');
});
