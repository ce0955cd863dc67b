import type { Operation } from "./journal.ts";
import type { User } from "../model/user.ts";
import type { VideoOperations } from "./video-operations.ts";
import type { Random } from "../runtime/random.ts";
import { newVariant } from "./generation-requests.ts";
import type { CanvasOperations } from "./canvas-operations.ts";
import type { Node } from "../model/canvas.ts";
import type { OpenvOperations } from "./openv-operations.ts";
import type { TransitionOperations } from "./transition-operations.ts";

/** All requests that are charged once for a key, or for ten seconds without one, and their repeats. */
export class KeyedRequests {
  /** Each entry makes the request again. */
  readonly repeats: (() => Operation)[] = [];

  constructor(
    private readonly operations: VideoOperations,
    private readonly transitions: TransitionOperations,
    private readonly openvs: OpenvOperations,
    private readonly nodes: CanvasOperations,
    private readonly random: Random,
  ) {}

  any(user: User): Operation {
    switch (this.random.weighted({ request: 16, transition: 4, batch: 1, openv: 4 })) {
      case "request":
        return this.request(user);
      case "transition":
        return this.transition(user);
      case "batch":
        return this.batch(user);
      case "openv":
        return this.openv(user);
    }
  }

  request(user: User): Operation {
    const key = this.operations.newKey(user);
    this.repeats.push(() => {
      if (this.random.chance(0.2) && key.variants.length < 3) {
        key.variants.push(
          newVariant(this.random, { keyName: key.name, number: key.variants.length, uploads: user.uploads }),
        );
      }
      return this.operations.generate(user, key, this.#variant(key.variants));
    });
    return this.operations.generate(user, key, this.random.pick(key.variants));
  }

  transition(user: User): Operation {
    const key = this.transitions.newKey(user);
    this.repeats.push(() => {
      if (key.text !== null && this.random.chance(0.12) && key.variants.length < 3) {
        this.transitions.addVariant(user, key);
      }
      return this.transitions.create(user, key, this.#variant(key.variants));
    });
    return this.transitions.create(user, key, this.random.pick(key.variants));
  }

  openv(user: User): Operation {
    const key = this.openvs.newKey(user);
    this.repeats.push(() => {
      if (key.text !== null && this.random.chance(0.12) && key.variants.length < 3) this.openvs.addVariant(key);
      return this.openvs.create(user, key, this.#variant(key.variants));
    });
    return this.openvs.create(user, key, this.random.pick(key.variants));
  }

  video(node: Node, user: User): Operation {
    const request = this.nodes.newRequest(node, user);
    const { key } = request;
    this.repeats.push(() => {
      if (key.text !== null && this.random.chance(0.12) && key.variants.length < 3) this.nodes.addVariant(request);
      return this.nodes.generate(request, this.#variant(key.variants));
    });
    return this.nodes.generate(request, this.random.pick(key.variants));
  }

  batch(user: User): Operation {
    const key = this.transitions.newBatch(user);
    this.repeats.push(() => {
      if (key.text !== null && this.random.chance(0.12) && key.variants.length < 3) {
        this.transitions.changeBatch(user, key);
      }
      return this.transitions.batch(user, key, key.variants.indexOf(this.#variant(key.variants)));
    });
    return this.transitions.batch(user, key, 0);
  }

  /** Mostly the first variant: the key is bound to it. */
  #variant<Variant>(variants: readonly Variant[]): Variant {
    const [first] = variants;
    return first !== undefined && this.random.chance(0.75) ? first : this.random.pick(variants);
  }
}
