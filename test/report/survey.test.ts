import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { Connection, Survey } from '../../src/core/survey.js';
import {
  groupFields,
  groupings,
  parseGrouping,
  parseSurveyFormat,
  rowFields,
  surveyFormats,
  type SurveyReportOptions,
  type SurveyScope,
} from '../../src/report/survey-options.js';
import { groupsOf } from '../../src/report/survey-groups.js';
import { reportSurvey } from '../../src/report/survey.js';
import { refusalOf } from '../refusal.js';
import { plainStyle } from './comparison-fixture.js';
import {
  armed,
  armedTimer,
  connectionOf,
  connectionsOf,
  dying,
  listenerOf,
  never,
  outage,
  processOf,
  surveyOf,
} from './survey-fixture.js';

const summaryAlone: SurveyReportOptions = {
  format: 'table',
  style: plainStyle,
  rows: 0,
  by: 'process',
  headers: true,
  scope: { filters: [], fates: [], netns: [], target: undefined, asked: false },
};

function report(survey: Survey = surveyOf(), changes: Partial<SurveyReportOptions> = {}): string {
  return [...reportSurvey(survey, { ...summaryAlone, ...changes })].join('');
}

function groupTable(text: string): string {
  return text.split('\n\n')[2] ?? '';
}

function rowTable(text: string): string {
  return text.split('\n\n')[3] ?? '';
}

function lines(text: string): readonly string[] {
  return text.trimEnd().split('\n');
}

/** What stands under the tables. */
function closing(survey: Survey, changes?: Partial<SurveyReportOptions>): readonly string[] {
  const all = lines(report(survey, changes));
  return all.slice(all.lastIndexOf('') + 1);
}

describe('the summary', () => {
  it('counts by fate and by process', () => {
    expect(report()).toMatchInlineSnapshot(`
      "318 connections at 2026-11-20 14:02:07 UTC, Linux 6.18.44

      FATE     CONNECTIONS  LONGEST-SILENCE  MEANING
      forever          312            3h12m  no timer: dead or merely quiet, cannot tell
      leaked             1            17d4h  a goodbye was said, and the program still holds it
      dying              1             1m1s  unanswered: given up soon, unless an answer comes
      armed              4            12.3s  noticed if the peer vanishes

      PROCESS     UNIT           PORTS              FDS  CONNECTIONS  FATES
      nginx[812]  nginx.service  80,443  940/1024 (91%)          313  forever 312, dying 1
      node[2301]  api.service    -        25/65536 (0%)            1  leaked 1
      sshd[640]   ssh.service    22         9/1024 (0%)            4  armed 4

      Looked at: host namespace only, 2 others not shown (--netns all): blue, redis[91].
      Next: tcpalive ls --ask  (settles which of 312 are dead, which merely quiet)
      "
    `);
  });

  it('groups by unit', () => {
    expect(groupTable(report(surveyOf(), { by: 'unit' }))).toMatchInlineSnapshot(`
      "UNIT           PROCESS     PORTS              FDS  CONNECTIONS  FATES
      nginx.service  nginx[812]  80,443  940/1024 (91%)          313  forever 312, dying 1
      api.service    node[2301]  -        25/65536 (0%)            1  leaked 1
      ssh.service    sshd[640]   22         9/1024 (0%)            4  armed 4"
    `);
  });

  it('groups by peer', () => {
    expect(groupTable(report(surveyOf(), { by: 'peer' }))).toMatchInlineSnapshot(`
      "PEER           PROCESS        UNIT              CONNECTIONS  FATES
      192.0.2.7      nginx[812] +1  nginx.service +1          316  forever 312, armed 4
      198.51.100.23  nginx[812]     nginx.service               1  dying 1
      10.0.0.9       node[2301]     api.service                 1  leaked 1"
    `);
  });

  it('groups by the port that a process listens on, though a filter has left its listener out', () => {
    const high = { local: { address: '10.0.0.5', port: 50_000 } };
    const connections = [connectionOf(high)];
    const grouped = (ports: readonly number[]) => {
      const processes = [processOf(connections, { ports })];
      const survey = surveyOf(connections, { listeners: [], processes });
      return groupsOf(survey, 'port').map(({ name }) => name);
    };
    expect([grouped([50_000]), grouped([])]).toEqual([['50000'], ['to 40001']]);
  });

  it('groups by port: the one that names the service, at either end', () => {
    expect(groupTable(report(surveyOf(), { by: 'port' }))).toMatchInlineSnapshot(`
      "PORT     PROCESS     UNIT                      FDS  CONNECTIONS  FATES
      443      nginx[812]  nginx.service  940/1024 (91%)          313  forever 312, dying 1
      to 5432  node[2301]  api.service     25/65536 (0%)            1  leaked 1
      22       sshd[640]   ssh.service       9/1024 (0%)            4  armed 4"
    `);
  });

  it('shows ten groups, those near their descriptor limit first', () => {
    const connections = Array.from({ length: 12 }, (_, at) =>
      connectionsOf(at + 1, { process: { pid: at + 1, name: 'worker', fd: 3 } }),
    ).flat();
    const processes = Array.from({ length: 12 }, (_, at) =>
      processOf(connections, { pid: at + 1, name: 'worker', fds: at === 3 ? 1000 : 9 }),
    );
    const [, first, second, ...more] = lines(
      groupTable(report(surveyOf(connections, { processes }))),
    );
    expect([first?.split(' ')[0], second?.split(' ')[0]]).toEqual(['worker[4]', 'worker[12]']);
    expect(more).toHaveLength(9);
    expect(more.at(-1)).toBe('... 2 more (--all)');
    const every = report(surveyOf(connections, { processes }), { rows: Infinity });
    expect(lines(groupTable(every))).toHaveLength(13);
  });

  it('shows the worst two of many fates, and many ports and owners as a number', () => {
    const connections = [
      ...connectionsOf(3),
      connectionOf({ fate: { kind: 'leaked' } }),
      connectionOf({ fate: dying }),
      ...connectionsOf(5, { fate: armed, process: { pid: 813, name: 'nginx', fd: 3 } }),
    ];
    const processes = [
      processOf(connections, { ports: [8443, 80, 443, 81, 82] }),
      processOf(connections, { pid: 813, ports: [80], fds: 500 }),
    ];
    expect(groupTable(report(surveyOf(connections, { processes }), { by: 'unit' })))
      .toMatchInlineSnapshot(`
      "UNIT           PROCESS        PORTS                  FDS  CONNECTIONS  FATES
      nginx.service  nginx[813] +1  80,81,82+2  500/1024 (48%)           10  forever 3, leaked 1, 6 more"
    `);
  });

  it('warns of a listener without room', () => {
    const full = (port: number, waiting: number, backlog: number) =>
      listenerOf({ local: { address: '::', port }, waiting, backlog });
    const listeners = [full(443, 511, 511), full(80, 0, 0), full(81, 1, 0), full(82, 510, 511)];
    const warned = report(surveyOf(outage, { listeners })).match(/^Warning: .*$/gm);
    expect(warned).toEqual([
      'Warning: [::]:443 of nginx[812] has 511 waiting to be accepted, room for 511: new ones are lost',
      'Warning: [::]:81 of nginx[812] has 1 waiting to be accepted, room for 0: new ones are lost',
    ]);
    const many = Array.from({ length: 4 }, (_, at) => full(at + 1, 9, 1));
    expect(report(surveyOf(outage, { listeners: many }))).toContain(
      '\nWarning: 1 more listener without room\n',
    );
  });

  it('says kindly that there is nothing', () => {
    expect(report(surveyOf([], { processes: [] }), { rows: 20 })).toMatchInlineSnapshot(`
      "0 connections at 2026-11-20 14:02:07 UTC, Linux 6.18.44

      There is no connection.

      Looked at: host namespace only, 2 others not shown (--netns all): blue, redis[91].
      "
    `);
  });
});

describe('rows', () => {
  const few = surveyOf(outage.slice(310));

  it('are the worst first, and make room for what matters within 100 columns', () => {
    const text = report(few, { rows: 6 });
    expect(rowTable(text)).toMatchInlineSnapshot(`
      "LOCAL           PEER                 PROCESS     SILENT  FATE     ENDS-BY
      10.0.0.5:443    192.0.2.7:40311      nginx[812]   3h12m  forever  never, busy 15m49s
      10.0.0.5:443    192.0.2.7:40312      nginx[812]   3h12m  forever  never, busy 15m49s
      10.0.0.5:51514  10.0.0.9:5432        node[2301]   17d4h  leaked   never
      10.0.0.5:443    198.51.100.23:51002  nginx[812]    1m1s  dying    4.13s
      10.0.0.5:22     192.0.2.7:40001      sshd[640]    12.3s  armed    idle 2m0s, busy 15m49s
      10.0.0.5:22     192.0.2.7:40002      sshd[640]    12.3s  armed    idle 2m0s, busy 15m49s
      ... 2 more (--all)"
    `);
    for (const line of lines(text)) expect(line.length).toBeLessThanOrEqual(100);
  });

  it('have every column where there is room', () => {
    const style = { ...plainStyle, width: 140 };
    expect(rowTable(report(few, { rows: Infinity, style }))).toMatchInlineSnapshot(`
      "LOCAL           PEER                 STATE        PROCESS     SILENT  TIMER             FATE     ENDS
      10.0.0.5:443    192.0.2.7:40311      ESTABLISHED  nginx[812]   3h12m  -                 forever  never, busy 15m24s-49s
      10.0.0.5:443    192.0.2.7:40312      ESTABLISHED  nginx[812]   3h12m  -                 forever  never, busy 15m24s-49s
      10.0.0.5:51514  10.0.0.9:5432        CLOSE-WAIT   node[2301]   17d4h  -                 leaked   never
      10.0.0.5:443    198.51.100.23:51002  ESTABLISHED  nginx[812]    1m1s  retransmit 12.3s  dying    3.00-4.13s
      10.0.0.5:22     192.0.2.7:40001      ESTABLISHED  sshd[640]    12.3s  keepalive 45.2s   armed    idle 1m50s-2m0s, busy 15m24s-49s
      10.0.0.5:22     192.0.2.7:40002      ESTABLISHED  sshd[640]    12.3s  keepalive 45.2s   armed    idle 1m50s-2m0s, busy 15m24s-49s
      10.0.0.5:22     192.0.2.7:40003      ESTABLISHED  sshd[640]    12.3s  keepalive 45.2s   armed    idle 1m50s-2m0s, busy 15m24s-49s
      10.0.0.5:22     192.0.2.7:40004      ESTABLISHED  sshd[640]    12.3s  keepalive 45.2s   armed    idle 1m50s-2m0s, busy 15m24s-49s"
    `);
  });

  it('fit 80 columns, as the other tables do, where addresses are no longer than these', () => {
    const style = { ...plainStyle, width: 80 };
    const asked = surveyOf([
      ...outage.slice(310),
      connectionOf({
        local: { address: '192.168.100.200', port: 51_514 },
        ask: { kind: 'silent' },
      }),
    ]);
    const text = report(few, { rows: 4, style });
    expect(text.split('\n\n').slice(1, 4).join('\n\n')).toMatchInlineSnapshot(`
      "FATE     COUNT  SILENT  MEANING
      forever      2   3h12m  no timer: dead or merely quiet, cannot tell
      leaked       1   17d4h  a goodbye was said, and the program still holds it
      dying        1    1m1s  unanswered: given up soon, unless an answer comes
      armed        4   12.3s  noticed if the peer vanishes

      PROCESS     UNIT           PORTS        FDS  COUNT  FATES
      nginx[812]  nginx.service  80,443  940/1024      3  forever 2, dying 1
      node[2301]  api.service    -       25/65536      1  leaked 1
      sshd[640]   ssh.service    22        9/1024      4  armed 4

      LOCAL           PEER                 PROCESS     SILENT  FATE     IDLE/BUSY
      10.0.0.5:443    192.0.2.7:40311      nginx[812]   3h12m  forever  never/15m49s
      10.0.0.5:443    192.0.2.7:40312      nginx[812]   3h12m  forever  never/15m49s
      10.0.0.5:51514  10.0.0.9:5432        node[2301]   17d4h  leaked   never
      10.0.0.5:443    198.51.100.23:51002  nginx[812]    1m1s  dying    4.13s
      ... 4 more (--all)"
    `);
    for (const survey of [few, asked]) {
      const tables = report(survey, { rows: 20, style }).split('\n\n').slice(1, 4);
      for (const line of lines(tables.join('\n'))) expect(line.length).toBeLessThanOrEqual(80);
    }
    expect(rowTable(report(asked, { rows: 2, style }))).toMatchInlineSnapshot(`
      "LOCAL         PEER             PROCESS     SILENT  FATE     ASKED  IDLE/BUSY
      10.0.0.5:443  192.0.2.7:40311  nginx[812]   3h12m  forever  -      never/15m49s
      10.0.0.5:443  192.0.2.7:40312  nginx[812]   3h12m  forever  -      never/15m49s
      ... 7 more (--all)"
    `);
  });

  it('say in which namespace, where several are shown', () => {
    const namespaces = [
      { id: 'net:[4026531840]', name: 'host', shown: true },
      { id: 'net:[4026532201]', name: 'blue', shown: true },
    ];
    const blue = 'net:[4026532201]';
    const connections = [
      connectionOf(),
      connectionOf({ namespace: blue, process: { pid: 2301, name: 'node', fd: 3 } }),
    ];
    const survey = surveyOf(connections, {
      namespaces,
      listeners: [listenerOf(), listenerOf({ namespace: blue })],
    });
    const text = report(survey, { rows: 20, style: { ...plainStyle, width: 120 } });
    expect(groupTable(text)).toMatchInlineSnapshot(`
      "NAMESPACE  PROCESS     UNIT           PORTS              FDS  CONNECTIONS  FATES
      host +1    nginx[812]  nginx.service  80,443  940/1024 (91%)            1  forever 1
      blue       node[2301]  api.service    -        25/65536 (0%)            1  forever 1"
    `);
    expect(rowTable(text)).toMatchInlineSnapshot(`
      "NAMESPACE  LOCAL         PEER             STATE        PROCESS     SILENT  TIMER  FATE     ENDS
      host       10.0.0.5:443  192.0.2.7:40001  ESTABLISHED  nginx[812]   3h12m  -      forever  never, busy 15m24s-49s
      blue       10.0.0.5:443  192.0.2.7:40001  ESTABLISHED  node[2301]   3h12m  -      forever  never, busy 15m24s-49s"
    `);
    expect(groupTable(report(survey, { by: 'peer' }))).toMatchInlineSnapshot(`
      "NAMESPACE  PEER       PROCESS        UNIT              CONNECTIONS  FATES
      host +1    192.0.2.7  nginx[812] +1  nginx.service +1            2  forever 2"
    `);
    expect(report(survey, { rows: 20, format: 'markdown' })).toContain('| blue | 10.0.0.5:443 |');
  });

  it('say what a ? assumes, and unknown as unknown', () => {
    const assumed = {
      kind: 'assumed',
      ms: { min: 924_600, max: 948_100 },
      assuming: 'no user timeout',
    } as const;
    const unread = { kind: 'unknown', reason: 'not permitted' } as const;
    const nothing = connectionOf({
      process: null,
      unit: null,
      silentMs: null,
      timer: { kind: 'unknown', expiresInMs: null },
      keepalive: unread,
      userTimeoutMs: null,
      fate: unread,
      cookie: null,
    });
    const connections = [
      connectionOf({ fate: { kind: 'forever', busy: assumed } }),
      connectionOf({ fate: { kind: 'slow', ends: never } }),
      nothing,
      connectionOf({ fate: { kind: 'armed', idle: unread, busy: assumed } }),
      connectionOf({ state: 'TIME-WAIT', fate: { kind: 'closing', ends: assumed } }),
    ];
    expect(report(surveyOf(connections, { processes: [] }), { rows: 20 })).toMatchInlineSnapshot(`
      "5 connections at 2026-11-20 14:02:07 UTC, Linux 6.18.44

      FATE     CONNECTIONS  LONGEST-SILENCE  MEANING
      forever            1            3h12m  no timer: dead or merely quiet, cannot tell
      slow               1            3h12m  the peer has no room, and answers
      unknown            1                -  not enough could be read
      armed              1            3h12m  noticed if the peer vanishes
      closing            1            3h12m  let go of: the kernel finishes

      PROCESS     PORTS  FDS  CONNECTIONS  FATES
      nginx[812]  -        -            4  forever 1, slow 1, 2 more
      -           -        -            1  unknown 1

      LOCAL         PEER             STATE        PROCESS     SILENT  FATE     ENDS-BY
      10.0.0.5:443  192.0.2.7:40001  ESTABLISHED  nginx[812]   3h12m  forever  never, busy 15m49s?
      10.0.0.5:443  192.0.2.7:40001  ESTABLISHED  nginx[812]   3h12m  slow     never
      10.0.0.5:443  192.0.2.7:40001  ESTABLISHED  -                -  unknown  unknown
      10.0.0.5:443  192.0.2.7:40001  ESTABLISHED  nginx[812]   3h12m  armed    idle unknown, busy 15m49s?
      10.0.0.5:443  192.0.2.7:40001  TIME-WAIT    nginx[812]   3h12m  closing  15m49s?

      ?: assuming no user timeout, which could not be read.
      Looked at: host namespace only, 2 others not shown (--netns all): blue, redis[91].
      1 connection waits for a peer that has no room for more, for as long as it answers.
      Next: tcpalive ls --ask  (settles whether it is dead or merely quiet)
      "
    `);
  });

  it('say how many there are beside those shown', () => {
    expect(report(surveyOf(), { rows: 10 })).toContain('\n... 308 more (--all)\n');
    expect(report(surveyOf(), { rows: Infinity })).not.toContain('more');
  });

  it('come in pieces that can be written at once', () => {
    const connections = connectionsOf(50_000);
    const pieces = [...reportSurvey(surveyOf(connections), { ...summaryAlone, rows: Infinity })];
    expect(pieces.length).toBeLessThan(100);
    for (const piece of pieces) expect(piece.length).toBeLessThan(1024 * 1024);
    expect(lines(pieces.join('')).length).toBeGreaterThan(50_000);
  });
});

describe('without headers', () => {
  it('there are groups alone, all of them', () => {
    expect(report(surveyOf(), { headers: false })).toMatchInlineSnapshot(`
      "nginx[812]  nginx[812]  nginx.service  80,443  940  1024   313  312  0  1  0  0  0  0  0  host
      node[2301]  node[2301]  api.service    -       25   65536  1    0    1  0  0  0  0  0  0  host
      sshd[640]   sshd[640]   ssh.service    22      9    1024   4    0    0  0  0  0  4  0  0  host
      "
    `);
  });

  it('there are rows alone, always with the same columns', () => {
    const some = { headers: false, rows: 2 };
    expect(report(surveyOf(), some)).toMatchInlineSnapshot(`
      "10.0.0.5:443  192.0.2.7:40001  ESTABLISHED  nginx[812]  nginx.service  3h12m  -  forever  -  never/busy:15m49s  host
      10.0.0.5:443  192.0.2.7:40002  ESTABLISHED  nginx[812]  nginx.service  3h12m  -  forever  -  never/busy:15m49s  host
      "
    `);
    expect(report(surveyOf([]), some)).toBe('');
  });

  const fieldsOf = (text: string) => lines(text).map((line) => line.split(/ +/));

  it('are as many as --help names, whatever there is and however wide', () => {
    const unknown = { kind: 'unknown', reason: 'not permitted' } as const;
    const every = [
      ...outage.slice(310),
      connectionOf({ ask: { kind: 'silent' }, unit: null }),
      connectionOf({ process: { pid: 7, name: 'tmux: server\n', fd: 3 }, unit: 'a b' }),
      connectionOf({ process: { pid: 7, name: 'x'.repeat(60), fd: 3 }, unit: '' }),
      connectionOf({ process: null, silentMs: null, fate: unknown }),
      connectionOf({ timer: { kind: 'keepalive', expiresInMs: 32_760_000 } }),
      connectionOf({ fate: { kind: 'armed', idle: unknown, busy: never } }),
      connectionOf({ namespace: 'net:[4026532201]' }),
    ];
    for (const rows of [5, Infinity]) {
      for (const width of [20, 100, 300]) {
        const style = { ...plainStyle, width };
        const text = report(surveyOf(every), { headers: false, rows, style });
        for (const fields of fieldsOf(text)) expect(fields).toHaveLength(rowFields.length);
      }
    }
    const text = report(surveyOf(every), { headers: false, rows: Infinity });
    expect(text).toMatch(/ keepalive:9h6m +forever /);
    expect(text).toContain(' tmux:_server\\x0a[7] ');
    expect(text).toContain(` ${'x'.repeat(60)}[7] `);
    expect(text).toMatch(/ idle:unknown\/busy:never +host$/m);
    expect(text).toMatch(/ silent +never\/busy:15m49s +host$/m);
    expect(text).toMatch(/ blue$/m);
  });

  it.each(groupings)('of groups by %s too', (by) => {
    const survey = surveyOf([...outage, connectionOf({ process: null, unit: null })]);
    for (const each of [survey, { ...survey, processes: [] }]) {
      const text = report(each, { headers: false, by });
      for (const fields of fieldsOf(text)) expect(fields).toHaveLength(groupFields.length);
    }
  });
});

describe('once asked', () => {
  const asked = surveyOf([
    ...connectionsOf(700, { ask: { kind: 'silent' } }),
    ...connectionsOf(300, { ask: { kind: 'answers' }, silentMs: 120 }),
  ]);

  it('counts who answered, and says what silence may be', () => {
    expect(report(asked, { rows: 2 })).toMatchInlineSnapshot(`
      "1000 connections at 2026-11-20 14:02:07 UTC, Linux 6.18.44

      FATE     CONNECTIONS  LONGEST-SILENCE  MEANING
      forever         1000            3h12m  no timer; asked: 700 silent, 300 answered
      Silent is not yet dead: a sleeping radio needs a longer wait (--ask=30s), and a middlebox that
      forgot the connection swallows the question, or answers with a reset, which ends it. Times of
      silence are those before the ask.

      PROCESS     UNIT           PORTS              FDS  CONNECTIONS  FATES
      nginx[812]  nginx.service  80,443  940/1024 (91%)         1000  forever 1000 (700 silent)

      LOCAL         PEER             STATE        PROCESS     SILENT  FATE     ASKED   ENDS-BY
      10.0.0.5:443  192.0.2.7:40001  ESTABLISHED  nginx[812]   3h12m  forever  silent  never, busy 15m49s
      10.0.0.5:443  192.0.2.7:40002  ESTABLISHED  nginx[812]   3h12m  forever  silent  never, busy 15m49s
      ... 998 more (--all)

      Looked at: host namespace only, 2 others not shown (--netns all): blue, redis[91].
      Next: tcpalive reap --ask --port 443  (closes what stays silent; a dry run until --yes)
      Next: tcpalive protect --port 443 --keepalive 60s:10s:6  (a dry run until --yes)
      "
    `);
  });

  it('does not explain silence where all answered', () => {
    const all = surveyOf(connectionsOf(3, { ask: { kind: 'answers' } }));
    expect(report(all)).toContain('no timer; asked: 0 silent, 3 answered\n');
    expect(report(all)).not.toContain('radio');
    expect(report(all)).toContain('\nTimes of silence are those before the ask.\n');
    expect(report(surveyOf())).not.toContain('before the ask');
  });
});

describe('at the end', () => {
  it('says what was looked at, and what was not', () => {
    const seen = (...shown: readonly boolean[]) =>
      shown.map((each, at) => ({ id: `net:[${at}]`, name: `ns${at}`, shown: each }));
    const [first] = closing(surveyOf(outage, { namespaces: seen(true) }));
    expect(first).toBe('Looked at: ns0 namespace.');
    const [all] = closing(surveyOf(outage, { namespaces: seen(true, true, true, true, true) }));
    expect(all).toBe('Looked at: ns0 namespace, ns1 namespace, ns2 namespace, 2 more.');
    const [one] = closing(surveyOf(outage, { namespaces: seen(true, false) }));
    expect(one).toBe('Looked at: ns0 namespace only, 1 other not shown (--netns all): ns1.');
    const [many] = closing(
      surveyOf(outage, { namespaces: seen(true, false, false, false, false) }),
    );
    expect(many).toBe('Looked at: ns0 namespace only, 4 others not shown (--netns all).');
  });

  it('says plainly what is missing', () => {
    const survey = surveyOf(outage, {
      complete: false,
      partial: true,
      notes: ['3 processes of other users: their names need root'],
    });
    expect(lines(report(survey))[0]).toBe(
      'interrupted: what was read so far, 318 connections at 2026-11-20 14:02:07 UTC, Linux 6.18.44',
    );
    expect(closing(survey).slice(0, 3)).toEqual([
      'Note: 3 processes of other users: their names need root',
      'Note: the table of sockets changed while it was read: one may be missing, or shown twice',
      'Looked at: host namespace only, 2 others not shown (--netns all): blue, redis[91].',
    ]);
  });

  it('says of a file what could not be read of it, and no word of the kernel', () => {
    const survey = surveyOf(outage, {
      partial: true,
      notes: ['2 lines could not be read'],
      host: { kernel: null, hz: null },
      namespaces: [{ id: 'file', name: 'ss.txt', shown: true }],
    });
    expect(lines(report(survey))[0]).toBe('318 connections at 2026-11-20 14:02:07 UTC');
    expect(closing(survey)).toEqual([
      'Note: 2 lines could not be read',
      'Looked at: ss.txt.',
      'Next, there: tcpalive ls --ask  (settles which of 312 are dead, which merely quiet)',
    ]);
  });

  const unknown = { kind: 'unknown', reason: 'not permitted' } as const;
  const nextOf = (...connections: readonly Connection[]) => nextIn({}, ...connections);
  const nextIn = (
    { rows = 0, ...scope }: Partial<SurveyScope> & { readonly rows?: number },
    ...connections: readonly Connection[]
  ) =>
    closing(surveyOf(connections), { rows, scope: { ...summaryAlone.scope, ...scope } }).filter(
      (line) => !line.startsWith('Looked'),
    );

  const twoHours = { kind: 'within', ms: { min: 7_875_000, max: 7_950_000 } } as const;
  const slow = { kind: 'slow', ends: never } as const;

  it('is silent about it where it is not the end yet', () => {
    expect(report(surveyOf(), { next: false })).not.toContain('Next');
  });

  it('repeats what narrowed the survey', () => {
    const scope = {
      filters: ["--peer '*:443'", '--silent 10m'],
      netns: ['--netns all'],
      asked: false,
    };
    expect([
      ...nextIn(scope, connectionOf()),
      ...nextIn(scope, connectionOf({ ask: { kind: 'silent' } })),
      ...nextIn(scope, connectionOf({ fate: { kind: 'leaked' } })),
      ...nextIn(scope, connectionOf({ fate: dying })),
      ...nextIn({ target: '--unit nginx' }, connectionOf({ ask: { kind: 'answers' } })),
    ]).toMatchInlineSnapshot(`
      [
        "Next: tcpalive ls --ask --peer '*:443' --silent 10m --netns all  (settles whether it is dead or merely quiet)",
        "Next: tcpalive reap --ask --peer '*:443' --silent 10m  (closes what stays silent; a dry run until --yes)",
        "Next: tcpalive protect --port 443 --keepalive 60s:10s:6  (a dry run until --yes)",
        "Next: tcpalive ls --fate leaked --all --peer '*:443' --silent 10m --netns all  (only its program can close them)",
        "Next: tcpalive reap --fate dying --peer '*:443' --silent 10m  (frees them before their time; a dry run until --yes)",
        "Next: tcpalive protect --unit nginx --keepalive 60s:10s:6  (a dry run until --yes)",
      ]
    `);
  });

  it('asks nobody who cannot be asked', () => {
    const others = { process: null, optionsUnread: 'it may not be looked into: root can' };
    const queued = { process: null, optionsUnread: 'no process has accepted it yet' };
    const worn = connectionOf({ ask: { kind: 'not-asked', reason: 'worn out' } });
    expect({
      others: nextOf(connectionOf(others), connectionOf(queued)),
      some: nextOf(connectionOf(others), connectionOf()),
      queued: nextOf(connectionOf(queued)),
      all: nextIn({ asked: true }, worn, connectionOf({ ask: { kind: 'answers' } })),
      allButOthers: nextIn({ asked: true }, worn, connectionOf(others)),
    }).toMatchInlineSnapshot(`
      {
        "all": [
          "Next: tcpalive protect --port 443 --keepalive 60s:10s:6  (a dry run until --yes)",
        ],
        "allButOthers": [
          "Next: sudo tcpalive ls --ask  (settles whether it is dead or merely quiet)",
        ],
        "others": [
          "Next: sudo tcpalive ls --ask  (settles whether it is dead or merely quiet)",
        ],
        "queued": [
          "Next: tcpalive protect --port 443 --keepalive 60s:10s:6  (a dry run until --yes)",
        ],
        "some": [
          "Next: tcpalive ls --ask  (settles which of 2 are dead, which merely quiet)",
        ],
      }
    `);
  });

  it('does not end what another ask is waiting for', () => {
    const asking = { kind: 'known', idleSeconds: 1, intervalSeconds: 32_767, count: 127 } as const;
    const asked = connectionOf({ fate: dying, keepalive: asking });
    expect(nextOf(asked)).toEqual(['An ask is under way: look again when it is over.']);
    expect(nextOf(asked, connectionOf({ fate: dying }))[0]).toContain('reap --fate dying');
  });

  it('asks again whom nothing could reach, before it is said what to do about them', () => {
    const unheard = connectionOf({ ask: { kind: 'no-way-out', reason: 'eth0 has no carrier' } });
    const scope = { filters: ['--port 443'], asked: true };
    expect(nextIn(scope, connectionOf({ ask: { kind: 'answers' } }), unheard)).toEqual([
      'Next: tcpalive ls --ask --port 443  (again, once something can leave this host for them)',
    ]);
  });

  it('does not name the command that was just typed', () => {
    const leaked = connectionOf({ fate: { kind: 'leaked' } });
    expect(nextIn({ rows: 1 }, leaked)).toEqual(['What is leaked only its program can close.']);
    expect(nextIn({ rows: 1 }, connectionOf({ fate: slow }))).toEqual([
      '1 connection waits for a peer that has no room for more, for as long as it answers.',
    ]);
  });

  it('protects a client by its process, and enters the namespace that it is in', () => {
    const client = {
      local: { address: '10.0.0.5', port: 51_514 },
      peer: { address: '10.0.0.9', port: 5432 },
    };
    const answered = { ask: { kind: 'answers' } } as const;
    expect([
      ...nextOf(connectionOf({ ...client, ...answered })),
      ...nextOf(connectionOf({ ...client, ...answered, process: null })),
      ...nextOf(connectionOf({ ...answered, namespace: 'net:[4026532201]' })),
    ]).toMatchInlineSnapshot(`
      [
        "Next: tcpalive protect 812 --keepalive 60s:10s:6  (a dry run until --yes)",
        "Next: tcpalive protect --port 5432 --keepalive 60s:10s:6  (a dry run until --yes)",
        "Next: sudo nsenter -n -t 812 tcpalive protect --port 443 --keepalive 60s:10s:6  (a dry run until --yes)",
      ]
    `);
  });

  it('names the next useful command', () => {
    expect({
      forever: nextOf(connectionOf()),
      answered: nextOf(connectionOf({ ask: { kind: 'answers' } })),
      silent: nextOf(connectionOf({ ask: { kind: 'silent' } }), connectionOf()),
      leaked: nextOf(connectionOf({ fate: { kind: 'leaked' } }), connectionOf({ fate: dying })),
      dying: nextOf(connectionOf({ fate: dying }), connectionOf({ fate: armed })),
      unknown: nextOf(connectionOf({ fate: unknown })),
      armed: nextOf(connectionOf({ fate: armed })),
      unread: nextOf(connectionOf({ fate: { kind: 'armed', idle: unknown, busy: unknown } })),
      late: nextOf(connectionOf({ fate: { kind: 'armed', idle: twoHours, busy: twoHours } })),
      closing: nextOf(connectionOf({ fate: { kind: 'closing', ends: never } })),
      slow: nextOf(...connectionsOf(2, { fate: slow }), connectionOf({ fate: armed })),
    }).toMatchInlineSnapshot(`
      {
        "answered": [
          "Next: tcpalive protect --port 443 --keepalive 60s:10s:6  (a dry run until --yes)",
        ],
        "armed": [
          "Nothing lingers for ever: a peer that vanishes is noticed within 2m0s when idle, within 15m49s when",
          "busy.",
        ],
        "closing": [
          "Nothing lingers: what is closing, the kernel finishes.",
        ],
        "dying": [
          "Next: tcpalive reap --fate dying  (frees them before their time; a dry run until --yes)",
        ],
        "forever": [
          "Next: tcpalive ls --ask  (settles whether it is dead or merely quiet)",
        ],
        "late": [
          "Nothing lingers for ever: a peer that vanishes is noticed within 2h13m when idle, within 2h13m when",
          "busy.",
          "Next: tcpalive protect --port 443 --keepalive 60s:10s:6  (notices sooner; a dry run until --yes)",
        ],
        "leaked": [
          "Next: tcpalive ls --fate leaked --all  (only its program can close them)",
        ],
        "silent": [
          "Next: tcpalive reap --ask --port 443  (closes what stays silent; a dry run until --yes)",
          "Next: tcpalive protect --port 443 --keepalive 60s:10s:6  (a dry run until --yes)",
        ],
        "slow": [
          "2 connections wait for a peer that has no room for more, for as long as it answers.",
          "Next: tcpalive ls --fate slow --all  (whose peers do not read)",
        ],
        "unknown": [
          "Next: tcpalive doctor  (1 connection: not enough could be read; what these rights allow)",
        ],
        "unread": [
          "Nothing lingers for ever; when a peer that vanishes is noticed could not be read of all.",
        ],
      }
    `);
  });
});

it('colours what deserves a look, and says the same without colour', () => {
  const survey = surveyOf(outage, { listeners: [listenerOf({ waiting: 600 })] });
  const colored = report(survey, { rows: Infinity, style: { ...plainStyle, color: true } });
  for (const painted of ['\x1b[33mforever', '\x1b[31mdying', '\x1b[31m940/1024 (91%)']) {
    expect(colored).toContain(painted);
  }
  expect(colored).toContain('\x1b[31mWarning');
  const shown = (text: string) =>
    lines(stripVTControlCharacters(text)).map((line) => line.trimEnd());
  expect(shown(colored)).toEqual(shown(report(survey, { rows: Infinity })));
});

it('writes Markdown that GitHub renders as tables', () => {
  const survey = surveyOf(outage.slice(311, 314), { notes: ['a | b <c>'] });
  expect(report(survey, { format: 'markdown', rows: 1 })).toMatchInlineSnapshot(`
    "3 connections at 2026-11-20 14:02:07 UTC, Linux 6.18.44

    | FATE | CONNECTIONS | LONGEST-SILENCE | MEANING |
    | --- | ---: | ---: | --- |
    | forever | 1 | 3h12m | no timer: dead or merely quiet, cannot tell |
    | leaked | 1 | 17d4h | a goodbye was said, and the program still holds it |
    | dying | 1 | 1m1s | unanswered: given up soon, unless an answer comes |

    | PROCESS | UNIT | PORTS | FDS | CONNECTIONS | FATES |
    | --- | --- | --- | ---: | ---: | --- |
    | nginx[812] | nginx.service | 80,443 | 940/1024 (91%) | 2 | forever 1, dying 1 |
    | node[2301] | api.service | - | 25/65536 (0%) | 1 | leaked 1 |

    | LOCAL | PEER | STATE | PROCESS | SILENT | TIMER | FATE | ENDS |
    | --- | --- | --- | --- | ---: | --- | --- | --- |
    | 10.0.0.5:443 | 192.0.2.7:40312 | ESTABLISHED | nginx[812] | 3h12m | - | forever | never, busy 15m24s-49s |

    Note: a \\| b \\<c>

    Looked at: host namespace only, 2 others not shown (--netns all): blue, redis[91].
    "
  `);
});

it('writes CSV, a line a connection with units in the header', () => {
  const survey = surveyOf([
    connectionOf({ process: { pid: 1, name: 'a "b", c', fd: 3 } }),
    ...connectionsOf(1, {
      timer: armedTimer,
      keepalive: { kind: 'known', idleSeconds: 60, intervalSeconds: 10, count: 6 },
      fate: armed,
    }),
    connectionOf({
      ...{ process: null, unit: null, silentMs: null, userTimeoutMs: null, cookie: null },
      keepalive: { kind: 'unknown', reason: 'not permitted' },
      fate: { kind: 'unknown', reason: 'not permitted' },
    }),
  ]);
  const text = report(survey, { format: 'csv' });
  expect(text.replaceAll('\r\n', '\n')).toMatchInlineSnapshot(`
    "local_address,local_port,peer_address,peer_port,state,pid,process,fd,unit,silent_ms,timer,timer_expires_ms,retransmissions,send_queue_bytes,receive_queue_bytes,keepalive,keepalive_idle_s,keepalive_interval_s,keepalive_count,user_timeout_ms,fate,ends,ends_min_ms,ends_max_ms,idle,idle_min_ms,idle_max_ms,busy,busy_min_ms,busy_max_ms,ask,user_id,cookie,namespace,unknown_because
    10.0.0.5,443,192.0.2.7,40001,ESTABLISHED,1,"a ""b"", c",3,nginx.service,11520000,none,,0,0,0,off,,,,0,forever,,,,,,,within,924600,948100,not-asked,33,1a2b,net:[4026531840],
    10.0.0.5,443,192.0.2.7,40001,ESTABLISHED,,,,,,none,,0,0,0,unknown,,,,,unknown,,,,,,,,,,not-asked,33,,net:[4026531840],not permitted
    10.0.0.5,443,192.0.2.7,40001,ESTABLISHED,812,nginx,9,nginx.service,11520000,keepalive,45200,0,0,0,known,60,10,6,0,armed,,,,within,110000,119900,within,924600,948100,not-asked,33,40001,net:[4026531840],
    "
  `);
  expect(report(survey, { format: 'csv', headers: false })).toBe(
    text.slice(text.indexOf('\r\n') + 2),
  );
});

it.each(surveyFormats)('%s ends with a newline and lets no control character through', (format) => {
  const evil = '\x1b]0;owned\x07\n\u202e\x9b\ud800';
  const process = { pid: 812, name: evil, fd: 3 };
  const unknown = { kind: 'unknown', reason: evil } as const;
  const connections = [
    connectionOf({ process, unit: evil, keepalive: unknown, fate: unknown, state: evil }),
    connectionOf({ process, fate: { kind: 'slow', ends: unknown } }),
    connectionOf({
      fate: { kind: 'dying', ends: { kind: 'assumed', ms: { min: 0, max: 1 }, assuming: evil } },
    }),
  ];
  const survey = surveyOf(connections, {
    notes: [evil],
    host: { kernel: evil, hz: null },
    namespaces: [{ id: 'file', name: evil, shown: true }],
    processes: [processOf(connections, { name: evil, unit: evil })],
    listeners: [listenerOf({ process, waiting: 600 })],
  });
  for (const by of groupings) {
    const text = report(survey, { format, by, rows: Infinity });
    expect(text).toMatch(/[^\r\n]\r?\n$/);
    expect(text.replace(/\r?\n/g, '')).not.toMatch(/[\p{Cc}\p{Bidi_Control}\p{Cs}]/u);
  }
});

it.each(surveyFormats)('reads the name of the format %s', (format) => {
  expect(parseSurveyFormat(format)).toBe(format);
});

it('refuses what it does not know', () => {
  expect(refusalOf(() => parseSurveyFormat('xml'))).toMatchObject({
    code: 'BAD_USAGE',
    message: "'xml' is not a format: table, markdown, csv, json, jsonl, openmetrics",
  });
  expect(groupings.map(parseGrouping)).toEqual(groupings);
  expect(refusalOf(() => parseGrouping('user')).message).toBe(
    "'user' is not what connections are grouped by: process, unit, peer, port",
  );
});
