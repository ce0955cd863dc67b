import { z } from "zod";
import type { Journal, Operation } from "./journal.ts";
import { checkLeaving, type Upload, type User } from "../model/user.ts";
import type { Random } from "../runtime/random.ts";
import { Violation } from "../runtime/violation.ts";
import { HTML, JPEG } from "../checks/uploads.ts";
import type { World } from "../world/world.ts";

/** How long a signed upload address of Supabase is valid. */
const ADDRESS_MS = 2 * 3_600_000;

const givenSchema = z.object({ image_path: z.string(), upload_url: z.string() });

/** Uploads of images and of other files: at once, late, never, or after the user's account was deleted. */
export class UploadOperations {
  readonly #given: { user: User; upload: Upload }[] = [];

  constructor(private readonly world: World, private readonly random: Random, private readonly journal: Journal) {}

  any(user: User): Operation {
    const late = this.random.chance(0.3) ? this.random.recent(this.#given, 20) : undefined;
    return late === undefined ? this.ask(user) : this.put(late.user, late.upload);
  }

  ask(user: User): Operation {
    const isImage = this.random.chance(0.8);
    const atOnce = this.random.chance(0.8);
    return this.journal.operation(`upload u${user.index}`, async (moment) => {
      const answer = await this.world.endpoints.call("uploads", {
        userId: user.id,
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ content_type: "image/jpeg" }),
      });
      const done = moment();
      if (checkLeaving(user, true, answer.code, done)) return;
      if (answer.status === 429 || (answer.status >= 500 && done.disturbed)) return;
      if (answer.status !== 200) throw new Violation(`An upload was answered ${answer.status}`);
      const { image_path } = givenSchema.parse(answer.body);
      const upload = { path: image_path, since: done.startedAt, isImage, storedAt: Infinity };
      user.uploads.push(upload);
      this.#given.push({ user, upload });
      if (!atOnce) return;
      await this.#store(upload);
      upload.storedAt = moment().finished;
    });
  }

  /** Uploads to an address while it is valid, also after its row or its user was deleted. */
  put(user: User, upload: Upload): Operation {
    return this.journal.operation(`put u${user.index} ${upload.path}`, async (moment) => {
      if (this.world.clock.now() > upload.since + ADDRESS_MS) return;
      await this.#store(upload);
      upload.storedAt = Math.min(upload.storedAt, moment().finished);
    });
  }

  async #store({ path, isImage }: Upload): Promise<void> {
    const file = `inputs/${path}`;
    if (this.world.bucket.files.has(file)) return;
    await this.world.bucket.put(file, isImage ? 50_000 : 5_000_000, isImage ? JPEG : HTML);
  }
}
