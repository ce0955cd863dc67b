import assert from "node:assert/strict";
import { VerifiedTokens } from "./verified-tokens.ts";

function prepare() {
  const time = { now: 1_000_000 };
  return { time, tokens: new VerifiedTokens(() => time.now) };
}

Deno.test("the user of a verified token is known for a minute, and then it is verified again", () => {
  const { time, tokens } = prepare();
  tokens.keep("token", "user", 5_000);
  time.now += 59_999;
  assert.equal(tokens.userOf("token"), "user");
  time.now += 1;
  assert.equal(tokens.userOf("token"), null);
});

Deno.test("a token has no user after its end, though it was verified a moment before", () => {
  const { time, tokens } = prepare();
  tokens.keep("token", "user", 1_010);
  time.now = 1_009_999;
  assert.equal(tokens.userOf("token"), "user");
  time.now = 1_010_000;
  assert.equal(tokens.userOf("token"), null);
});

Deno.test("a token that differs in one character, has no end or is very long is not known", () => {
  const { tokens } = prepare();
  tokens.keep("token", "user", 5_000);
  tokens.keep("endless", "user", undefined);
  tokens.keep("x".repeat(4097), "user", 5_000);
  for (const token of ["toke", "token ", "Token", "endless", "x".repeat(4097)]) {
    assert.equal(tokens.userOf(token), null, token);
  }
});

Deno.test("only the newest thousand tokens are kept", () => {
  const { tokens } = prepare();
  for (let count = 0; count <= 1000; count++) tokens.keep(`token ${count}`, `user ${count}`, 5_000);
  assert.deepEqual([tokens.userOf("token 0"), tokens.userOf("token 1"), tokens.userOf("token 1000")], [
    null,
    "user 1",
    "user 1000",
  ]);
});
