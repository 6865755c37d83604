import type { Remote } from '../../src/lab/channel.js';
import type { Station } from '../../src/lab/station.js';

/** A station of this process, asked as if it were another's: all that travels is plain data. */
export function asRemote(station: Station): Remote<Station> {
  return {
    listen: async (request) => travelled(await station.listen(travelled(request))),
    connect: async (request) => travelled(await station.connect(travelled(request))),
    endings: (request) => station.endings(travelled(request)),
    relay: async (request) => travelled(await station.relay(travelled(request))),
    listenDeaf: async (request) => travelled(await station.listenDeaf(travelled(request))),
    fill: (request) => station.fill(travelled(request)),
    clear: () => station.clear(),
    swallow: inTurn(() => station.swallow()),
    unheard: inTurn(() => station.unheard()),
    heal: inTurn((request) => station.heal(request)),
    lose: inTurn((request) => station.lose(request)),
    dial: inTurn((request) => station.dial(request)),
    stopReading: inTurn((request) => station.stopReading(request)),
    chatter: inTurn((request) => station.chatter(request)),
    hush: inTurn((request) => station.hush(request)),
    cut: inTurn((request) => station.cut(request)),
    send: inTurn((request) => station.send(request)),
    end: inTurn((request) => station.end(request)),
    look: inTurn((request) => station.look(request)),
  };
}

/** A call comes in a later turn, and so does its answer. */
function inTurn<Request, Answer>(
  method: (request: Request) => Answer,
): (request: Request) => Promise<Answer> {
  return async (request) => {
    await new Promise((resolve) => setImmediate(resolve));
    return travelled(method(travelled(request)));
  };
}

function travelled<T>(value: T): T {
  return value === undefined ? value : (JSON.parse(JSON.stringify(value)) as T);
}
