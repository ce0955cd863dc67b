// From a request to a charged job: the key, the price, the limits, the charge.
import type { Mutation } from "./mutation.ts";

const CREDITS = "supabase/migrations/20261121000120_credits.sql";
const JOB_RULES = "supabase/migrations/20261121000155_job_rules.sql";
const LIMITS = "supabase/migrations/20261121000190_limits.sql";
const IDEMPOTENCY = "supabase/migrations/20261121000200_idempotency.sql";
const REQUESTS = "supabase/migrations/20261121000255_requests.sql";
const START_GENERATION = "supabase/migrations/20261121000260_start_generation.sql";
const start = (name: string) => ({ file: "supabase/tests/start_generation.test.sql", name });
const constraints = (name: string) => ({ file: "supabase/tests/constraints.test.sql", name });
const DUPLICATE = {
  file: "tests/recovery/locks_test.ts",
  name: "a request that comes while its duplicate is under way waits for it, and replays its answer",
};
const LAST_CREDITS = {
  file: "tests/recovery/locks_test.ts",
  name: "a request that comes while another spends the last credits waits for it, and is refused",
};

const REPLAY = `  end if;
  v_outcome := private.find_answer(p_user_id, p_idempotency_key, p_request_hash, p_sibling_keys, p_batch_since);`;

const NO_REPLAY = `  end if;
  v_outcome := null;`;

const BALANCE_LOCK =
  "select credits_remaining into v_balance from public.credit_balances where user_id = p_user_id for update;";

export const generationMutations: readonly Mutation[] = [
  {
    name: "the balance lock of start_generation",
    guard: "A user's requests pass one at a time: a concurrent duplicate waits, then replays.",
    file: START_GENERATION,
    find: BALANCE_LOCK,
    replace: BALANCE_LOCK.replace(" for update", ""),
    test: DUPLICATE,
  },
  {
    name: "the replay check of start_generation",
    guard: "A duplicate that has waited for the lock sees the first one's answer.",
    file: START_GENERATION,
    find: REPLAY,
    replace: NO_REPLAY,
    test: DUPLICATE,
  },
  {
    name: "the replay check, with the refusal to overwrite a key",
    guard: "A concurrent duplicate is not charged: were the check missing, the key's row would refuse it.",
    file: START_GENERATION,
    find: REPLAY,
    replace: NO_REPLAY,
    also: [{ file: IDEMPOTENCY, find: "  where used.expires_at <= v_now;", replace: "  where true;" }],
    test: DUPLICATE,
  },
  {
    name: "every lock of the balance",
    guard: "Two requests at once spend no more than the balance.",
    file: START_GENERATION,
    find: BALANCE_LOCK,
    replace: BALANCE_LOCK.replace(" for update", ""),
    also: [{
      file: CREDITS,
      find: `  select credits_remaining into v_balance
  from public.credit_balances where user_id = p_user_id
  for update;`,
      replace: `  select credits_remaining into v_balance
  from public.credit_balances where user_id = p_user_id;`,
    }],
    test: LAST_CREDITS,
  },
  {
    name: "the price check of start_generation",
    guard: "A user who cannot pay gets the outcome, and no job is made.",
    file: START_GENERATION,
    find: "if p_balance < p_job.credits_used then",
    replace: "if false then",
    test: start("a price above the balance is refused"),
  },
  {
    name: "the price check of start_generation, with the check of the charge",
    guard: "No job is made that was not paid for: the check and the charge's own answer each see to it.",
    file: START_GENERATION,
    find: "if p_balance < p_job.credits_used then",
    replace: "if false then",
    also: [{ file: START_GENERATION, find: "if not (v_charge ->> 'success')::boolean then", replace: "if false then" }],
    test: start("a price above the balance is refused"),
  },
  {
    name: "the charge's job",
    guard: "A charge names its job, so that it is made and refunded once.",
    file: START_GENERATION,
    find: "public.deduct_credits(p_job.user_id, p_job.credits_used, 'video_generation', p_job.job_id);",
    replace: "public.deduct_credits(p_job.user_id, p_job.credits_used, 'video_generation');",
    test: start("the job is charged, once"),
  },
  {
    name: "the availability of the model",
    guard: "A model that is switched off charges no user.",
    file: REQUESTS,
    find: "where id = v_model_id and is_available and",
    replace: "where id = v_model_id and",
    test: start("model_not_found: the model is switched off"),
  },
  {
    name: "the check of the settings",
    guard: "What the model does not take is refused before it is charged.",
    file: START_GENERATION,
    find: "if v_resolved -> 'issues' <> '[]' then",
    replace: "if false then",
    test: start("validation_failed: a setting does not fit"),
  },
  {
    name: "the limit of unfinished jobs",
    guard: "One user cannot fill the provider's queue.",
    file: LIMITS,
    find: "if v_used.active_jobs >= v_used.active_jobs_per_user then",
    replace: "if false then",
    test: start("a user may not have more unfinished jobs than the limit"),
  },
  {
    name: "the limit of an hour",
    guard: "A stolen token spends no more than an hour's allowance.",
    file: LIMITS,
    find: "if v_used.generations >= v_used.generations_per_hour then",
    replace: "if false then",
    test: start("a user may not start more in an hour than the limit, and learns when the oldest is an hour old"),
  },
  {
    name: "the highest price that the client accepts",
    guard: "A price that has risen above max_credits is not charged.",
    file: START_GENERATION,
    find: "if p_job.credits_used > p_max_credits then",
    replace: "if false then",
    test: start("a price above the one agreed to is refused"),
  },
  {
    name: "the unknown fields of a request",
    guard: "A misspelled max_credits does not charge a user more than was agreed to.",
    file: REQUESTS,
    find: "if v_unknown is distinct from '{}' then",
    replace: "if false then",
    test: start(`start('x', '{"max_credit": 5}') is refused`),
  },
  {
    name: "the CHECK of a job's charge",
    guard: "No job is free.",
    file: JOB_RULES,
    find: "when not (new.credits_used > 0 or (new.imported_from is not null and new.credits_used = 0))",
    replace: "when false",
    test: constraints("a free job is refused"),
  },
];
