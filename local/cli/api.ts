import { z } from "zod";

/** An answer that is not a success. Its message holds the server's message. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  constructor(readonly status: number, readonly code: string | undefined, message: string) {
    super(message);
  }
}

/** A user who is signed in. */
export interface User {
  email: string;
  password: string;
  accessToken: string;
}

/** The answer to a sign-up that must be confirmed by email has no token. */
const session = z.object({ access_token: z.string().optional() });
const failure = z.object({
  error: z.string().optional(),
  code: z.union([z.string(), z.number()]).optional(),
  error_code: z.string().optional(),
  message: z.string().optional(),
  msg: z.string().optional(),
  issues: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
});

/** The project at a URL, as a client with its publishable key sees it. */
export interface Api {
  /** Signs a user in, or signs a new user up. */
  signIn(email: string, password: string): Promise<User>;
  /** Calls a path of the project as this user and reads the answer. */
  call<Schema extends z.ZodType>(
    user: User,
    path: string,
    schema: Schema,
    init?: RequestInit,
  ): Promise<z.infer<Schema>>;
}

/** Connects to a project, local or hosted. */
export function connectApi(url: string, publishableKey: string): Api {
  async function send<Schema extends z.ZodType>(
    path: string,
    schema: Schema,
    init: RequestInit,
    token?: string,
  ): Promise<z.infer<Schema>> {
    const headers = new Headers(init.headers);
    headers.set("apikey", publishableKey);
    headers.set("content-type", "application/json");
    if (token !== undefined) headers.set("authorization", `Bearer ${token}`);
    const response = await fetch(`${url}${path}`, { ...init, headers }).catch((cause) => {
      throw new Error(`No server answers at ${url}. Check that the project is running and that the address is right.`, {
        cause,
      });
    });
    const text = await response.text();
    if (response.ok) return schema.parse(JSON.parse(text));
    throw describe(response.status, path, text);
  }

  return {
    async signIn(email, password) {
      const credentials = { method: "POST", body: JSON.stringify({ email, password }) };
      const answer = await send("/auth/v1/token?grant_type=password", session, credentials).catch((error) => {
        if (error instanceof ApiError && error.status === 400) return send("/auth/v1/signup", session, credentials);
        throw error;
      });
      if (answer.access_token !== undefined) return { email, password, accessToken: answer.access_token };
      throw new Error(
        "This project requires new users to confirm their email. Turn that off (Authentication, Providers, Email), " +
          "or name a confirmed user with --email and --password.",
      );
    },
    call: (user, path, schema, init = {}) => send(path, schema, init, user.accessToken),
  };
}

function describe(status: number, path: string, text: string): ApiError {
  let answer: z.infer<typeof failure> = {};
  try {
    answer = failure.parse(JSON.parse(text));
  } catch {
    // The answer is not JSON: the status and the path must suffice.
  }
  const code = answer.error_code ?? answer.code?.toString();
  const message = answer.error ?? answer.message ?? answer.msg ?? text.slice(0, 200);
  const issues = (answer.issues ?? []).map(({ path, message }) => `\n  ${path}: ${message}`).join("");
  return new ApiError(status, code, `${path.split("?")[0]} answered ${status}: ${message}${issues}`);
}
