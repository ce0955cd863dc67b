interface Change<Value> {
  value: Value;
  /** The event number from which it is known to hold. */
  done: number;
}

/** A value that clients change while others read it. What a reader may have seen follows from when the changes ended. */
export class Changing<Value> {
  #changes: Change<Value>[];

  constructor(first: Value) {
    this.#changes = [{ value: first, done: 0 }];
  }

  /** A change begins: from now on the value may be this one. */
  begin(value: Value): { end(done: number): void; cancel(): void } {
    const change = { value, done: Infinity };
    this.#changes.push(change);
    return {
      end: (done) => change.done = done,
      cancel: () => this.#changes = this.#changes.filter((one) => one !== change),
    };
  }

  /** Whether no change is under way. */
  get isSettled(): boolean {
    return this.#changes.every(({ done }) => done < Infinity);
  }

  /** The value as the last change that ended left it. */
  get last(): Value {
    const ended = this.#changes.filter(({ done }) => done < Infinity).toSorted((one, other) => one.done - other.done);
    const last = ended.at(-1);
    if (last === undefined) throw new Error("It never had a value");
    return last.value;
  }

  /** The value during all of a request that began with this event and ends now; undefined where it may have changed. */
  certainSince(started: number): Value | undefined {
    const before = this.#changes.filter(({ done }) => done < started).toSorted((one, other) => one.done - other.done);
    const isChanging = this.#changes.some(({ done }) => done >= started);
    return isChanging ? undefined : before.at(-1)?.value;
  }
}
