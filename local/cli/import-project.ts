import { z } from "zod";

const countsSchema = z.object({
  imported: z.number(),
  already: z.number(),
  left: z.number(),
  expired: z.number().default(0),
});
export type Counts = z.infer<typeof countsSchema>;

const linkedSchema = z.array(z.object({
  id: z.string(),
  outcome: z.enum(["imported", "already", "left", "missing"]),
}));

/** What an import asks of the project that it writes to. */
export interface ImportProject {
  /** The faults of these lines that only the database knows. */
  problems(lines: readonly unknown[]): Promise<{ line: number; problem: string }[]>;
  linkUsers(users: readonly unknown[]): Promise<z.infer<typeof linkedSchema>>;
  createUser(email: string): Promise<void>;
  importCredits(credits: readonly unknown[]): Promise<Counts>;
  importVideos(videos: readonly unknown[], copy: boolean): Promise<Counts>;
}

/** Connects to a project by its secret key. */
export function connectProject(url: string, secretKey: string, source: string): ImportProject {
  async function post(path: string, body: unknown): Promise<Response> {
    return await fetch(`${url}${path}`, {
      method: "POST",
      headers: { apikey: secretKey, authorization: `Bearer ${secretKey}`, "content-type": "application/json" },
      body: JSON.stringify(body),
    }).catch((cause) => {
      throw new Error(`No server answers at ${url}.`, { cause });
    });
  }

  async function call<Schema extends z.ZodType>(
    procedure: string,
    schema: Schema,
    parameters: Record<string, unknown>,
  ): Promise<z.infer<Schema>> {
    const response = await post(`/rest/v1/rpc/${procedure}`, { p_source: source, ...parameters });
    if (response.ok) return schema.parse(await response.json());
    if (response.status === 401 || response.status === 403) {
      throw new Error(`${url} refuses this key. The import needs the project's secret key, sb_secret_….`);
    }
    throw new Error(`${procedure} answered ${response.status}: ${(await response.text()).slice(0, 500)}`);
  }

  return {
    problems: (lines) =>
      call("import_problems", z.array(z.object({ line: z.number(), problem: z.string() })), { p_lines: lines }),
    linkUsers: (users) => call("import_users", linkedSchema, { p_users: users }),
    async createUser(email) {
      const response = await post("/auth/v1/admin/users", { email, email_confirm: true });
      const answer = await response.text();
      if (!response.ok) throw new Error(`Auth did not create ${email}: ${response.status} ${answer.slice(0, 300)}`);
    },
    importCredits: (credits) => call("import_credits", countsSchema, { p_credits: credits }),
    importVideos: (videos, copy) => call("import_videos", countsSchema, { p_videos: videos, p_copy: copy }),
  };
}
