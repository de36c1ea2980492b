/** A state that parts of the page watch. */

type Effect<S> = (state: S, former: S | undefined) => void;

export class Store<S extends object> {
  private readonly effects: Effect<S>[] = [];

  constructor(private state: S) {}

  get value(): S {
    return this.state;
  }

  /** Takes new values for some fields and tells those who watch them. */
  set(changes: Partial<S>): void {
    const former = this.state;
    this.state = { ...former, ...changes };
    const { state } = this;
    // What an effect sets is told to all before the others hear of this change, so each gets the state as it is then.
    for (const effect of this.effects) effect(state, former);
  }

  /** Runs `effect` now, and again whenever one of these fields changes. */
  watch<K extends keyof S>(fields: readonly K[], effect: (state: S) => void): void {
    this.effects.push((state, former) => {
      if (fields.some((field) => !Object.is(state[field], former?.[field]))) effect(this.state);
    });
    effect(this.state);
  }
}
