import { describe, expect, it } from 'vitest';
import { forecast } from '../../src/core/forecast.js';
import { parseModes } from '../../src/core/mode.js';
import { rowsOf } from '../../src/core/row.js';
import { forecastStacks } from '../../src/core/stacks.js';
import { sysctlDefaults } from '../../src/core/sysctl.js';
import { reportForecast } from '../../src/report/forecast.js';
import { reportStacks } from '../../src/report/stacks.js';

const host = {
  kernel: '6.18.44',
  node: '20.20.2',
  hz: 250,
  congestionControl: null,
  sysctl: sysctlDefaults,
};

const predicted = forecast(
  rowsOf(parseModes('none,keepalive=2h:75s:9,user-timeout=30s'), ['idle', 'write'], ['blackhole']),
  'server',
  host,
);

describe("the model's table", () => {
  it('says that nothing was measured', () => {
    const text = reportForecast(predicted, { format: 'table', explain: false, width: 100 });
    expect(`\n${text}`).toMatchInlineSnapshot(`
      "
      predicted only, kernel 6.18.44, HZ=250, blackhole both ways
      MODE                   LOAD   PREDICTED      TOLERATES  PACKETS/H
      none                   idle   never         any outage          0
      none                   write  15m28s-49s        13m29s          0
      keepalive=7200s:75s:9  idle   11m-2h14m          10m0s          1
      keepalive=7200s:75s:9  write  15m28s-49s        13m29s          1
      user-timeout=30s       idle   never         any outage          0
      user-timeout=30s       write  30.40-31.54s      26.11s          0
      Predicted, not measured: times from the drop, at any phase. TOLERATES: the longest outage without alarm.
      "
    `);
  });

  it('explains each row', () => {
    const rows = predicted.rows.filter(
      ({ mode, load }) => mode === 'user-timeout=30s' && load === 'write',
    );
    const text = reportForecast(
      { ...predicted, rows },
      { format: 'table', explain: true, width: 100 },
    );
    expect(`\n${text}`).toMatchInlineSnapshot(`
      "
      predicted only, kernel 6.18.44, HZ=250, blackhole both ways
      MODE              LOAD   PREDICTED     TOLERATES  PACKETS/H
      user-timeout=30s  write  30.40-31.54s     26.11s          0

      user-timeout=30s, write, blackhole
        rule       user timeout after the first retransmission of the unanswered write
        verdict    from the unanswered write: 30.40-31.54s
        schedule   retransmission at 0.20s, 0.40s, 0.81s, 1.63s, 3.26s, 6.52s, 13.05s, 26.11s; given up
                   at 30.40-31.54s after the unanswered write
        tolerates  an outage of 26.11s at any phase without an alarm
      Predicted, not measured: times from the drop, at any phase. TOLERATES: the longest outage without alarm.
      "
    `);
  });

  it('is JSON that says what it is', () => {
    const text = reportForecast(predicted, { format: 'json', explain: false, width: 100 });
    expect(JSON.parse(text)).toMatchObject({ schema: 'tcpalive/predict/1', rows: { length: 6 } });
  });
});

describe('untuned stacks', () => {
  it('are a table of when they notice, and who forgets them first', () => {
    const text = reportStacks(forecastStacks(host), {
      format: 'table',
      explain: false,
      width: 100,
    });
    expect(`\n${text}`).toMatchInlineSnapshot(`
      "
      STACK                IDLE    BUSY       QUIET  FORGOTTEN FIRST BY
      any socket, Linux    never   15m48s  for ever  AWS ALB, 8 more
      SO_KEEPALIVE alone   2h14m   15m48s        2h  AWS ALB, 6 more
      Node.js net          never   15m48s  for ever  AWS ALB, 8 more
      Go net, 1.23 on      2m33s   15m48s       15s  -
      Redis server         10m25s  15m48s        5m  AWS ALB, 1 more
      PostgreSQL server    2h14m   15m48s        2h  AWS ALB, 6 more
      nginx                never   15m48s  for ever  AWS ALB, 8 more
      HAProxy              never   15m48s  for ever  AWS ALB, 8 more
      RabbitMQ, both ends  1m0s    1m0s         30s  -
      gRPC client          never   15m48s  for ever  AWS ALB, 8 more
      gRPC server          2h0m    21.28s        2h  AWS ALB, 6 more
      MySQL server         2h14m   15m48s        2h  AWS ALB, 6 more
      libkeepalive         2h14m   15m48s        2h  AWS ALB, 6 more
      As it comes, on Linux with this host's sysctls: when a vanished peer is noticed at the latest, idle and
      with an unanswered write. Timeouts of the protocol above, such as HTTP keep-alive, come beside it.
      QUIET: the longest pause between two packets; a box on the path that forgets sooner ends it first:
      AWS ALB 1m, Azure LB 4m, AWS NLB 5m50s, AWS NAT 5m50s, GCP VPC 10m, IPVS 15m, GCP NAT 20m,
      home gateway 2h4m, conntrack 120h
      "
    `);
  });

  it('name their sources', () => {
    const text = reportStacks(forecastStacks(host), { format: 'table', explain: true, width: 100 });
    expect(text).toMatch(/Redis server: keepalive=300s:100s:3 \(redis\.conf/);
    expect(text).toMatch(/IPVS: ipvsadm/);
  });
});
