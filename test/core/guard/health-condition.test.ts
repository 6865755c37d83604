import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseHealthCondition, troubleIn } from '../../../src/core/guard/health-condition.js';
import { TcpaliveError } from '../../../src/errors.js';
import { refusalOf } from '../../refusal.js';

const STATUS = JSON.stringify({
  state: 'Running',
  up: true,
  since: null,
  queue: { length: 99, 'last-id': '7' },
  workers: [{ state: 'idle' }, { state: 'hung' }],
});

describe('what a status must say', () => {
  it.each([
    'state=Running',
    'state = Running',
    'up=true',
    'since=null',
    'queue.length=99',
    'queue.length=99.0',
    'queue.length<100',
    'queue.length>=99',
    'queue.last-id=7',
    'workers[1].state=hung',
    'workers.0.state=idle',
    'text:"up":true',
  ])('%s holds', (text) => {
    expect(trouble({ healthy: [text] })).toBeUndefined();
    expect(trouble({ unhealthy: [text] })).toMatch(/^'/);
  });

  it.each([
    ['state=Stopped', `not 'state=Stopped': it is "Running"`],
    ['state=running', `not 'state=running': it is "Running"`],
    ['state.length=7', `not 'state.length=7': there is no such field`],
    ['queue=99', `not 'queue=99': it is a mapping`],
    ['workers=hung', `not 'workers=hung': it is a list`],
    ['queue.length<99', `not 'queue.length<99': it is 99`],
    ['queue.last-id>6', `not 'queue.last-id>6': it is "7"`],
    ['queue.length=0x63 or so', `not 'queue.length=0x63 or so': it is 99`],
    ['workers[2].state=idle', `not 'workers[2].state=idle': there is no such field`],
    ['constructor.name=Object', `not 'constructor.name=Object': there is no such field`],
    ['text:Stopped', `not 'text:Stopped': the answer does not say so`],
  ])('%s does not: %s', (text, reason) => {
    expect(trouble({ healthy: [text] })).toBe(reason);
    expect(trouble({ unhealthy: [text] })).toBeUndefined();
  });

  it('is all of what is healthy, and nothing of what is not', () => {
    const healthy = ['state=Running', 'up=true'];
    expect(trouble({ healthy, unhealthy: ['queue.length>100'] })).toBeUndefined();
    expect(trouble({ healthy: [...healthy, 'up=false'] })).toBe(`not 'up=false': it is true`);
    expect(trouble({ healthy, unhealthy: ['up=false', 'state=Running'] })).toBe(
      `'state=Running': it is "Running"`,
    );
    expect(trouble({})).toBeUndefined();
  });

  it('is no JSON: whoever asks for a field is not answered, whoever asks for a text is', () => {
    const page = '<html>state: Running</html>';
    const reason = `the answer is no JSON, and 'state=Running' asks for a field of it`;
    expect(trouble({ healthy: ['state=Running'] }, page)).toBe(reason);
    expect(trouble({ unhealthy: ['state=Running'] }, page)).toBe(reason);
    expect(trouble({ healthy: ['text:state: Running'] }, page)).toBeUndefined();
  });

  it('is repeated in part only', () => {
    const long = JSON.stringify({ state: 'x'.repeat(10_000) });
    const reason = trouble({ healthy: ['state=Running'] }, long);
    expect(reason).toBe(`not 'state=Running': it is "${'x'.repeat(59)}…`);
  });
});

describe('a condition', () => {
  it.each([
    'Running',
    '',
    'state=',
    '=Running',
    'a==b',
    'a..b=1',
    '[x]=1',
    'a[=1',
    '.a=1',
    'text:',
  ])("'%s' is none", (text) => {
    const { code, message } = refusalOf(() => parseHealthCondition(text));
    expect(code).toBe('BAD_USAGE');
    expect(message).toBe(
      `'${text}' is not a condition: FIELD=VALUE such as state=Running or workers[0].up=true, ` +
        'FIELD<NUMBER, or text:WORDS',
    );
  });

  it('compares numbers only with numbers', () => {
    expect(refusalOf(() => parseHealthCondition('queue.length<many')).message).toBe(
      "'many' in 'queue.length<many' is not a number: < compares numbers, = any value",
    );
  });

  it('is short', () => {
    const longest = `state=${'x'.repeat(194)}`;
    expect(parseHealthCondition(longest).text).toBe(longest);
    expect(refusalOf(() => parseHealthCondition(`${longest}x`)).message).toBe(
      'a condition of 201 characters: at most 200',
    );
  });

  it('from anybody, of whatever is answered, is refused or held against it in short words', () => {
    const texts = fc.oneof(
      fc.string(),
      fc.stringMatching(/^[a-z.[\]0-9]{0,12}(=|<|<=|>|text:)[ -~]{0,12}$/),
    );
    const bodies = fc.oneof(fc.json(), fc.string());
    fc.assert(
      fc.property(texts, bodies, (text, body) => {
        let condition;
        try {
          condition = parseHealthCondition(text);
        } catch (error) {
          expect(error).toBeInstanceOf(TcpaliveError);
          return;
        }
        const asHealthy = troubleIn(body, { healthy: [condition], unhealthy: [] });
        const asUnhealthy = troubleIn(body, { healthy: [], unhealthy: [condition] });
        expect((asHealthy ?? '').length).toBeLessThan(200 + 100);
        // Exactly one of them complains, but of what cannot be asked both do.
        const askable = condition.kind === 'text' || isJson(body);
        expect([asHealthy, asUnhealthy].filter((each) => each === undefined).length).toBe(
          askable ? 1 : 0,
        );
      }),
    );
  });
});

function trouble(
  { healthy = [], unhealthy = [] }: { readonly healthy?: string[]; readonly unhealthy?: string[] },
  body = STATUS,
): string | undefined {
  return troubleIn(body, {
    healthy: healthy.map(parseHealthCondition),
    unhealthy: unhealthy.map(parseHealthCondition),
  });
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
