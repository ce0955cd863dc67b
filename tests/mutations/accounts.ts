// Who is welcomed, and what becomes of the money and the runs of who leaves.
import type { Mutation } from "./mutation.ts";

const CREDITS = "supabase/migrations/20261121000120_credits.sql";
const WELCOME = "supabase/migrations/20261121000130_welcome.sql";
const USAGE = "supabase/migrations/20261121000180_usage.sql";
const LIMITS = "supabase/migrations/20261121000190_limits.sql";
const ACCOUNT_DELETION = "supabase/migrations/20261121000370_account_deletion.sql";
const welcome = (name: string) => ({ file: "supabase/tests/welcome.test.sql", name });
const erase = (name: string) => ({ file: "supabase/tests/erase_account.test.sql", name });
const account = (name: string) => ({ file: "tests/api/account_test.ts", name });

const BY_DASHBOARD =
  "when the dashboard deletes a user, running jobs are refunded, runs cancelled, and rows and files deleted";

const welcomeMutations: readonly Mutation[] = [
  {
    name: "the trigger of the welcome credits",
    guard: "A new user has an account, and is welcomed.",
    file: WELCOME,
    find: `create trigger reelmint_opens_an_account
  after insert or update of email, phone, email_confirmed_at, phone_confirmed_at, is_anonymous on auth.users
  for each row execute function private.open_account();`,
    replace: "",
    // A test of users from before names the trigger too.
    test: account("a deleted user who signs up again with the same address gets no second welcome credits"),
  },
  {
    name: "the list of welcomed addresses",
    guard: "An address gets the welcome credits once, even when another user has it later.",
    file: WELCOME,
    find: "v_was_welcomed or v_welcome = 0",
    replace: "v_welcome = 0",
    test: welcome("a user who leaves and comes back is not welcomed again"),
  },
  {
    name: "the transaction id of the welcome credits",
    guard: "A user is welcomed once, whatever address they change to, and whatever is known of the address.",
    file: WELCOME,
    find: "'welcome_credits', null, 'welcome:' || p_user_id",
    replace: "'welcome_credits', null, null",
    test: welcome("a user who confirms an email address as well is not welcomed twice"),
    also: [{
      file: WELCOME,
      find: "v_was_welcomed or v_welcome = 0",
      replace: "v_welcome = 0",
    }, {
      file: WELCOME,
      find: "if v_before is null and v_address is not null",
      replace: "if v_address is not null",
    }],
  },
  {
    name: "the tag of an address",
    guard: "An address with a tag is the address.",
    file: WELCOME,
    find: "coalesce(nullif(split_part(name, '+', 1), ''), name)",
    replace: "name",
    test: welcome("bob+1@example.com is the address of a user who was welcomed"),
  },
  {
    name: "the dots of a Gmail address",
    guard: "Dots make no other address of Gmail's.",
    file: WELCOME,
    find: "replace(mailbox, '.', '') || '@gmail.com'",
    replace: "mailbox || '@gmail.com'",
    test: welcome("firstname@gmail.com is the address of a user who was welcomed"),
  },
  {
    name: "Gmail's other name",
    guard: "googlemail.com is gmail.com.",
    file: WELCOME,
    find: "domain in ('gmail.com', 'googlemail.com')",
    replace: "domain = 'gmail.com'",
    test: welcome("f.i.r.s.t.name+a+b@googlemail.com is the address of a user who was welcomed"),
  },
  {
    name: "the case of an address",
    guard: "Capitals make no other address.",
    file: WELCOME,
    find: "regexp_replace(lower(p_email), '@[^@]*$', '') as name, substring(lower(p_email)",
    replace: "regexp_replace(p_email, '@[^@]*$', '') as name, substring(lower(p_email)",
    test: welcome("Bob@Example.com is the address of a user who was welcomed"),
  },
  {
    name: "the confirmation of an email address",
    guard: "A user who confirms no address gets no welcome credits.",
    file: WELCOME,
    find: "p_user.email <> '' and p_user.email_confirmed_at is not null",
    replace: "p_user.email <> ''",
    test: welcome("an unconfirmed user has an empty account"),
  },
  {
    name: "the confirmation of a phone number",
    guard: "A user who confirms no address gets no welcome credits.",
    file: WELCOME,
    find: "p_user.phone <> '' and p_user.phone_confirmed_at is not null",
    replace: "p_user.phone <> ''",
    test: welcome("an unconfirmed phone number is not welcomed"),
  },
  {
    name: "the anonymity of a user",
    guard: "Anonymous users, whose number has no limit, get no welcome credits.",
    file: WELCOME,
    find: "p_user.is_anonymous or p_user.deleted_at is not null",
    replace: "p_user.deleted_at is not null",
    test: welcome("an anonymous user with a confirmed address is not welcomed"),
  },
  {
    name: "the moment of the welcome",
    guard: "Users who were there before get nothing unless the operator asks.",
    file: WELCOME,
    find: "if v_before is null and v_address is not null",
    replace: "if v_address is not null",
    test: welcome("a user from before gets nothing by changing their address"),
  },
];

const leavingMutations: readonly Mutation[] = [
  {
    name: "the lock of the user in erase_account",
    guard: "The deletion of an account waits for refunds under way, and neither ends the other.",
    file: ACCOUNT_DELETION,
    find: "  perform private.lock_user_exclusive(p_user_id);\n",
    replace: "",
    test: {
      file: "tests/recovery/deadlocks_test.ts",
      name:
        "an account that is deleted while two of its jobs are refunded is no deadlock: it has the user's lock first",
    },
  },
  {
    name: "the trigger of the erasure",
    guard: "When a user is deleted, by the app or the dashboard, their jobs end and their runs are cancelled.",
    file: ACCOUNT_DELETION,
    find: `create trigger reelmint_erases_a_user before delete on auth.users
  for each row execute function private.erase_user();`,
    replace: "",
    test: account(BY_DASHBOARD),
  },
  {
    name: "the refund of a deleted user's jobs",
    guard: "A job that was not delivered is refunded, once, also when its user is deleted.",
    file: ACCOUNT_DELETION,
    find:
      `    perform private.cancel_and_refund(v_job, v_queued, private.cancellation_state(v_job, v_queued, '{}') <> 'not_started',
      'The account was deleted');
`,
    replace: "",
    test: erase("what was not delivered is refunded, once"),
  },
  {
    name: "the runs of a deleted user",
    guard: "A run without a job costs us until it ends.",
    file: ACCOUNT_DELETION,
    find: "    where v_queued.provider_job_id is not null\n",
    replace: "    where false\n",
    test: erase("the run of a deleted user is to be cancelled"),
  },
  {
    name: "the worker's part in cancelling runs",
    guard: "The worker cancels the runs of users that the dashboard deleted.",
    file: "supabase/functions/advance-jobs/handler.ts",
    find: "const cancelling = cancelAbandonedRuns(context);",
    replace: "const cancelling = Promise.resolve();",
    test: account(BY_DASHBOARD),
  },
  {
    name: "the usage of a deleted user",
    guard: "Deleting an account and signing up again does not avoid the limits.",
    file: ACCOUNT_DELETION,
    find: "  perform private.keep_usage(old.id);\n",
    replace: "",
    test: erase("the limit of the hour holds for the next user with the address"),
  },
  {
    name: "the usage of a deleted user: the month's seconds",
    guard: "Deleting an account and signing up again does not reset the month.",
    file: USAGE,
    find: "\n    + (private.earlier_usage(p_user_id)).seconds;",
    replace: ";",
    test: erase("the seconds of the month count for the next user with the address"),
  },
  {
    name: "the usage of a deleted user: the hour's generations",
    guard: "Deleting an account and signing up again does not reset the hour.",
    file: LIMITS,
    find: "v_used.generations + v_earlier.generations;",
    replace: "v_used.generations;",
    test: erase("the limit of the hour holds for the next user with the address"),
  },
  {
    name: "the usage of a deleted user: the day's cancellations",
    guard: "Deleting an account and signing up again does not reset the day.",
    file: USAGE,
    find: "when 'cancels' then v_earlier.cancels",
    replace: "when 'cancels' then 0",
    test: { file: "supabase/tests/cancel.test.sql", name: "a user who leaves and comes back finds the limit again" },
  },
  {
    name: "the account behind a token",
    guard: "The token of a deleted user opens nothing.",
    file: CREDITS,
    find: "raise exception 'There is no such account' using errcode = 'PT401';",
    replace: "null;",
    test: account("the token of a deleted user is 401 at every endpoint"),
  },
  {
    name: "the type of a balance",
    guard: "No refund fails because a balance is large.",
    file: CREDITS,
    find: "credits_remaining bigint not null",
    replace: "credits_remaining integer not null",
    test: { file: "supabase/tests/credits.test.sql", name: "a refund fits into every balance" },
  },
  {
    name: "the type of a ledger entry",
    guard: "No refund fails because a balance is large.",
    file: CREDITS,
    find: "balance_after bigint not null",
    replace: "balance_after integer not null",
    test: { file: "supabase/tests/credits.test.sql", name: "a refund fits into every balance" },
  },
];

export const accountMutations: readonly Mutation[] = [...welcomeMutations, ...leavingMutations];
