/** What playing a scenario's client steps shows: an event a step, and what became of each connection. */
export interface ScriptEvent {
  /** RFC 3339. */
  readonly time: string;
  /** The connection's name in the scenario. */
  readonly connection: string;
  readonly what: ScriptStep;
}

export type ScriptStep =
  | { readonly kind: 'connected'; readonly local: string }
  | { readonly kind: 'sent' | 'came-back'; readonly bytes: number }
  | { readonly kind: 'cut' }
  | { readonly kind: 'closed' }
  | { readonly kind: 'ended'; readonly by: string };

/** A connection that was still there at the end. */
export interface ScriptLeftover {
  readonly connection: string;
  readonly state: string;
  readonly cut: boolean;
  readonly unacknowledgedSegments: number;
}

export interface ScriptResult {
  readonly open: readonly ScriptLeftover[];
  /** Connections that ended although nobody here cut or closed them. */
  readonly lost: number;
}
