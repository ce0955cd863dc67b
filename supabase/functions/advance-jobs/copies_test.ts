import assert from "node:assert/strict";
import type { LeasedJob } from "../_shared/database/records.ts";
import { newJob } from "../_shared/jobs/test_support.ts";
import { Copies, COPIES_AT_ONCE } from "./copies.ts";

const LATER = () => performance.now() + 60_000;
const pause = () => Promise.resolve();

/** The copies that are due in a database. */
class DueCopies {
  /** How often it was asked for more. */
  asked = 0;
  constructor(public count: number) {}

  readonly lease = (count: number): Promise<LeasedJob[]> => {
    this.asked++;
    const leased = Math.min(count, this.count);
    this.count -= leased;
    return Promise.resolve(Array.from({ length: leased }, () => ({ ...newJob, action: "store" as const })));
  };
}

/** Copies, begun as a call of the worker begins them. */
async function beginCopies(due: DueCopies, options: { until?: number; copy(): Promise<void> }): Promise<Copies> {
  const copies = new Copies({ pause }, { until: LATER(), lease: due.lease, ...options });
  copies.begin(await due.lease(COPIES_AT_ONCE));
  return copies;
}

Deno.test("no more copies are made at once than their number, and the others follow", async () => {
  let [under, most, made] = [0, 0, 0];
  const due = new DueCopies(20);
  const copies = await beginCopies(due, {
    async copy() {
      most = Math.max(most, ++under);
      await new Promise((resolve) => setTimeout(resolve));
      under--;
      made++;
    },
  });
  assert.equal(await copies.finish(), false);
  assert.deepEqual([most, made], [COPIES_AT_ONCE, 20]);
});

Deno.test("a copy is leased when it begins: those that wait for a slow one are due for others", async () => {
  const due = new DueCopies(0);
  const slow = Promise.withResolvers<void>();
  const copies = await beginCopies(due, { copy: () => slow.promise });
  for (let job = 0; job < 20; job++) {
    due.count++;
    copies.due();
    await new Promise((resolve) => setTimeout(resolve));
  }
  assert.equal(due.count, 20 - COPIES_AT_ONCE);
  slow.resolve();
  assert.equal(await copies.finish(), false);
  assert.equal(due.count, 0);
});

Deno.test("a copy that becomes due while the database is asked is made in the same call", async () => {
  const due = new DueCopies(0);
  const asked = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<void>();
  let made = 0;
  const copies = new Copies({ pause }, {
    until: LATER(),
    async lease(count) {
      const leased = await due.lease(count);
      asked.resolve();
      await answer.promise;
      return leased;
    },
    copy: () => Promise.resolve(void made++),
  });
  copies.begin([]);
  // Said too early: somebody else was faster.
  copies.due();
  await asked.promise;
  due.count++;
  copies.due();
  answer.resolve();
  assert.equal(await copies.finish(), false);
  assert.deepEqual([made, due.count], [1, 0]);
});

Deno.test("one call stops after so much CPU, by the sizes of the files, and says that there are more", async () => {
  const due = new DueCopies(30);
  let made = 0;
  const copies: Copies = await beginCopies(due, {
    async copy() {
      made++;
      await new Promise((resolve) => setTimeout(resolve));
      copies.copied(50_000_000);
    },
  });
  assert.equal(await copies.finish(), true);
  assert.ok(made >= 13 && made < 13 + COPIES_AT_ONCE, `${made} copies of 50 MB`);
  assert.equal(due.count, 30 - made);
});

Deno.test("after the time of the call only what is leased already is copied", async () => {
  const due = new DueCopies(20);
  let made = 0;
  const copies = await beginCopies(due, { until: performance.now(), copy: () => Promise.resolve(void made++) });
  copies.due();
  assert.equal(await copies.finish(), true);
  assert.deepEqual([made, due.asked], [COPIES_AT_ONCE, 1]);
});
