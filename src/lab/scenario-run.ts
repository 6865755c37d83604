/** A scenario played at both ends in one mode: a server process and a client process of its own. */
import { LOAD_BYTES, type ConnectionId, type StationEvent } from './station.js';
import { beatsOnly, formatMode, type Mode } from '../core/mode.js';
import type { DropEngine } from '../core/result.js';
import { checkScenario, type ScenarioExpectation } from '../core/scenario-check.js';
import type { ScenarioRow } from '../core/scenario-result.js';
import type { Step } from '../core/scenario-steps.js';
import { predict } from '../core/predict.js';
import type { Situation } from '../core/situation.js';
import { groupEvidence } from '../core/verdict.js';
import type { Kernel } from '../kernel/kernel.js';
import { play, type Actor } from '../net/script.js';
import { evidenceOf } from './evidence.js';
import type { Peer, StartPeer } from './peer.js';
import { proveCut } from './proof.js';

/** The part of a scenario that travels to the lab: plain data. */
export interface ScenarioPlan {
  readonly name: string;
  readonly story: string;
  readonly modes: readonly Mode[];
  readonly server: { readonly replyDelayMs: number; readonly descriptors: number | null };
  readonly steps: readonly Step[];
  /** Whether any step cuts. */
  readonly cuts: boolean;
  readonly expect: readonly ScenarioExpectation[];
}

export interface ScenarioSetting {
  readonly plan: ScenarioPlan;
  readonly mode: Mode;
  readonly kernel: Kernel;
  /** Null where no step cuts. */
  readonly engine: DropEngine | null;
  readonly host: Pick<Situation, 'sysctls' | 'hz'>;
  readonly startPeer: StartPeer;
  readonly interruption: AbortSignal;
}

/** Short enough to see a descriptor that a refused connection takes for a moment. */
const COUNT_EVERY_MS = 25;

const HELLO_TIMEOUT_MS = 5000;

export class ScenarioRun {
  readonly #setting: ScenarioSetting;
  readonly #ids = new Map<string, ConnectionId>();
  readonly #cut = new Set<ConnectionId>();
  readonly #by: Record<string, number> = {};
  #opened = 0;
  #answered = 0;
  #refused = 0;
  #noticed = 0;
  #firstRefused: number | null = null;
  #peakDescriptors = 0;
  #provenCuts = 0;

  constructor(setting: ScenarioSetting) {
    this.#setting = setting;
  }

  async run(): Promise<ScenarioRow> {
    const { plan, mode, kernel, startPeer, interruption } = this.#setting;
    const [server, client] = await Promise.all([
      startPeer((event) => this.#take(event)),
      startPeer(),
    ]);
    const { port } = await server.station.listen({ mode, ...plan.server });
    const count = () => {
      const open = kernel.openDescriptors(server.pid) ?? 0;
      this.#peakDescriptors = Math.max(this.#peakDescriptors, open);
    };
    const counting = setInterval(count, COUNT_EVERY_MS);
    try {
      await play(plan.steps, this.#actor(server, client, port), interruption);
      count();
      return await this.#conclude(server);
    } finally {
      clearInterval(counting);
    }
  }

  /** How far it is, in one line. */
  progress(): string {
    const mode = formatMode(this.#setting.mode);
    return `${mode}: ${this.#opened} opened, ${this.#refused} refused, ${this.#noticed} noticed`;
  }

  #actor(server: Peer, client: Peer, port: number): Actor {
    const { mode, engine, plan } = this.#setting;
    const idOf = (name: string) => ({ ids: [this.#ids.get(name) ?? 0] });
    return {
      connect: async (name) => {
        const id = ++this.#opened;
        this.#ids.set(name, id);
        const { answered } = await client.station.connect({
          ids: [id],
          port,
          mode: beatsOnly(mode),
          overMs: 0,
          helloTimeoutMs: HELLO_TIMEOUT_MS + plan.server.replyDelayMs,
        });
        if (answered.length > 0) this.#answered++;
        else {
          this.#refused++;
          this.#firstRefused ??= id;
        }
      },
      send: (name, bytes) => client.station.send({ ...idOf(name), bytes }),
      serverSend: (name, bytes) => server.station.send({ ...idOf(name), bytes }),
      cut: async (name) => {
        if (engine === null) throw new RangeError('a cut needs an engine');
        const { ids } = idOf(name);
        const marks = await server.station.cut({ ids, engine });
        for (const { id } of marks) this.#cut.add(id);
        await client.station.cut({ ids, engine });
        // The proof: this frame must be swallowed.
        await client.station.send({ ids, bytes: LOAD_BYTES });
        const { proven } = await proveCut(
          (some) => server.station.look({ ids: some }),
          new Map(marks.map((mark) => [mark.id, mark])),
        );
        if (proven && marks.length > 0) this.#provenCuts++;
      },
      close: async (name) => {
        const { ids } = idOf(name);
        await client.station.end({ ids, how: 'close' });
        // What was cut can say no goodbye; of anything else the server must have heard it.
        if (ids.some((id) => !this.#cut.has(id))) await server.station.endings({ ids });
      },
    };
  }

  #take(event: StationEvent): void {
    if (event.kind !== 'ended' || !this.#cut.has(event.id)) return;
    this.#noticed++;
    this.#by[event.by] = (this.#by[event.by] ?? 0) + 1;
  }

  async #conclude(server: Peer): Promise<ScenarioRow> {
    const { plan, mode, kernel, engine, host, interruption } = this.#setting;
    const all = Array.from({ length: this.#opened }, (_, index) => index + 1);
    const snapshots = await server.station.look({ ids: all });
    const held = snapshots.flatMap((snapshot) => {
      const evidence = evidenceOf(kernel, snapshot);
      return evidence === undefined ? [] : [{ stale: this.#cut.has(snapshot.id), evidence }];
    });
    const stale = held.filter((each) => each.stale).map((each) => each.evidence);
    const inFlight = stale.some((each) => each.sendQueueBytes > 0);
    const dies = predict({
      ...host,
      mode,
      load: inFlight ? 'write' : 'idle',
      fault: 'blackhole',
      observer: 'server',
    });
    const facts = {
      opened: this.#opened,
      answered: this.#answered,
      refused: this.#refused,
      noticed: this.#noticed,
      established: held.filter((each) => each.evidence.state === 'ESTABLISHED').length,
      stale: stale.length,
      live: held.length - stale.length,
      peakDescriptors: this.#peakDescriptors,
      staleSockets: groupEvidence(stale, dies),
    };
    const cuts = this.#cut.size;
    return {
      mode: formatMode(mode),
      ...facts,
      by: this.#by,
      firstRefused: this.#firstRefused,
      descriptorLimit: plan.server.descriptors,
      drop: cuts === 0 || engine === null ? null : { engine, cuts, proven: this.#provenCuts },
      checks: interruption.aborted ? [] : checkScenario(plan.expect, mode, facts),
    };
  }
}
