import { z } from "zod";
import type { Api, User } from "./api.ts";

const models = z.array(z.object({ id: z.string(), name: z.string() }));

/** A model of the catalogue. */
export type Model = z.infer<typeof models>[number];

/** The featured model, or any other that makes a video from a text alone. */
export async function pickModel(api: Api, user: User): Promise<Model> {
  const filter = "select=id,name&is_available=is.true&category=eq.text-to-video&order=is_featured.desc,name&limit=1";
  const [model] = await api.call(user, `/rest/v1/models?${filter}`, models);
  if (!model) {
    throw new Error("The catalogue has no model that makes a video from a text. Add one to the table `models`.");
  }
  return model;
}
