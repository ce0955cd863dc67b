// Money itself: the ledger, the balances, and the two procedures that move credits.
import type { Mutation } from "./mutation.ts";

const CREDITS = "supabase/migrations/20261121000120_credits.sql";
const credits = (name: string) => ({ file: "supabase/tests/credits.test.sql", name });
const constraints = (name: string) => ({ file: "supabase/tests/constraints.test.sql", name });
const privileges = (name: string) => ({ file: "supabase/tests/privileges.test.sql", name });
const rows = (name: string) => ({ file: "supabase/tests/row_level_security.test.sql", name });
const locks = (name: string) => ({ file: "tests/recovery/locks_test.ts", name });

const DEDUCT_AMOUNT = `  if p_amount is null or p_amount <= 0 then
    raise exception 'Amount must be positive: %', p_amount using errcode = 'invalid_parameter_value';
  end if;

  select credits_remaining`;
const ADD_AMOUNT = `  if p_amount is null or p_amount <= 0 then
    raise exception 'Amount must be positive: %', p_amount using errcode = 'invalid_parameter_value';
  end if;

  insert into`;

export const creditMutations: readonly Mutation[] = [
  {
    name: "the CHECK of the balance",
    guard: "No balance is ever below zero, whatever code says.",
    file: CREDITS,
    find: "constraint balance_is_never_negative check (credits_remaining >= 0)",
    replace: "constraint balance_is_never_negative check (true)",
    test: constraints("a negative balance is refused"),
  },
  {
    name: "the CHECK of the ledger's balance",
    guard: "No entry of the ledger leaves a balance below zero.",
    file: CREDITS,
    find: "check (balance_after >= 0)",
    replace: "check (true)",
    test: constraints("an entry with a negative balance is refused"),
  },
  {
    name: "the CHECK that an entry moves credits",
    guard: "The ledger holds movements only.",
    file: CREDITS,
    find: "check (change <> 0)",
    replace: "check (true)",
    test: constraints("an entry of zero credits is refused"),
  },
  {
    name: "the uniqueness of a transaction id",
    guard: "A receipt is credited once, for one user and one amount.",
    file: CREDITS,
    find: "constraint transaction_id_is_used_once unique (transaction_id)",
    replace: "constraint transaction_id_is_used_once check (true)",
    test: credits("a transaction is processed once"),
  },
  {
    name: "the uniqueness of a job's charge",
    guard: "A job is charged once.",
    file: CREDITS,
    find: "create unique index a_job_is_charged_once",
    replace: "create index a_job_is_charged_once",
    test: constraints("a second charge of a job is refused"),
  },
  {
    name: "the uniqueness of a job's charge, with its transaction id",
    guard: "A job is charged once: the index and the id of the charge each see to it.",
    file: CREDITS,
    find: "create unique index a_job_is_charged_once",
    replace: "create index a_job_is_charged_once",
    also: [{ file: CREDITS, find: "'charge:' || p_job_id", replace: "null" }],
    test: credits("a job is not charged twice"),
  },
  {
    name: "the uniqueness of a job's refund",
    guard: "A job is refunded once, whatever the transaction is called.",
    file: CREDITS,
    find: "create unique index a_job_is_refunded_once",
    replace: "create index a_job_is_refunded_once",
    test: credits("a job is not refunded twice, whatever the transaction is called"),
  },
  {
    name: "the trigger against changes of the ledger",
    guard: "What is in the ledger stays as it was written, for the owner of the table too.",
    file: CREDITS,
    find: "before update or delete on public.quota_log",
    replace: "before delete on public.quota_log",
    test: credits("update public.quota_log set change = 1000 is refused"),
  },
  {
    name: "the trigger against deletions from the ledger",
    guard: "What is in the ledger stays there.",
    file: CREDITS,
    find: "before update or delete on public.quota_log",
    replace: "before update on public.quota_log",
    test: credits("delete from public.quota_log is refused"),
  },
  {
    name: "the trigger against emptying the ledger",
    guard: "The ledger is never emptied.",
    file: CREDITS,
    find: `create trigger ledger_is_never_emptied before truncate on public.quota_log
  for each statement execute function private.refuse_ledger_change();`,
    replace: "",
    test: credits("truncate public.quota_log is refused"),
  },
  {
    name: "the rights of the service role on the ledger",
    guard: "The functions can add to the ledger and not rewrite it.",
    file: CREDITS,
    find: "grant select, insert on public.quota_log to service_role;",
    replace: "grant select, insert, update, delete on public.quota_log to service_role;",
    test: privileges("the service role can add to the ledger and cannot change it"),
  },
  {
    name: "the rights of the service role on balances",
    guard: "The functions cannot lose a balance.",
    file: CREDITS,
    find: "grant select, insert, update on public.credit_balances to service_role;",
    replace: "grant select, insert, update, delete on public.credit_balances to service_role;",
    test: privileges("the service role cannot delete a balance"),
  },
  {
    name: "the rights of users on their balance",
    guard: "Users read their balance and cannot set it.",
    file: CREDITS,
    find: "grant select on public.credit_balances to authenticated;",
    replace: "grant select, update on public.credit_balances to authenticated;",
    test: privileges("no table but those of the canvas can be changed by a client, and those by users only"),
  },
  {
    name: "the policy of balances",
    guard: "Users see their own balance and no other.",
    file: CREDITS,
    find: `on public.credit_balances
  for select to authenticated using (user_id = (select private.current_user_id()));`,
    replace: `on public.credit_balances
  for select to authenticated using (true);`,
    test: rows("a user reads their own balance and no other"),
  },
  {
    name: "the policy of the ledger",
    guard: "Users see their own ledger and no other.",
    file: CREDITS,
    find: `on public.quota_log
  for select to authenticated using (user_id = (select private.current_user_id()));`,
    replace: `on public.quota_log
  for select to authenticated using (true);`,
    test: rows("a user reads their own ledger and no other"),
  },
  {
    name: "the positive amount of deduct_credits",
    guard: "A negative deduction would mint credits.",
    file: CREDITS,
    find: DEDUCT_AMOUNT,
    replace: "  select credits_remaining",
    test: credits("deduct_credits(pg_temp.a(), -5) is refused"),
  },
  {
    name: "the positive amount of add_credits",
    guard: "A negative addition would take credits without a reason.",
    file: CREDITS,
    find: ADD_AMOUNT,
    replace: "  insert into",
    test: credits("add_credits(pg_temp.a(), -5, 'x') is refused"),
  },
  {
    name: "the balance check of deduct_credits",
    guard: "A user spends no more than their balance, and gets the outcome.",
    file: CREDITS,
    find: "if v_balance is null or v_balance < p_amount then",
    replace: "if v_balance is null then",
    test: credits("more than the balance is not deducted"),
  },
  {
    name: "the balance check of deduct_credits, with the CHECKs behind it",
    guard: "A user spends no more than their balance, also if one of the three checks is missing.",
    file: CREDITS,
    find: "if v_balance is null or v_balance < p_amount then",
    replace: "if v_balance is null then",
    also: [
      { file: CREDITS, find: "check (balance_after >= 0)", replace: "check (true)" },
      { file: CREDITS, find: "check (credits_remaining >= 0)", replace: "check (true)" },
    ],
    test: credits("more than the balance is not deducted"),
  },
  {
    name: "the row lock of deduct_credits",
    guard: "Two deductions at once are both taken from the balance.",
    file: CREDITS,
    find: `  select credits_remaining into v_balance
  from public.credit_balances where user_id = p_user_id
  for update;`,
    replace: `  select credits_remaining into v_balance
  from public.credit_balances where user_id = p_user_id;`,
    test: locks("a deduction that comes while another is under way waits for it, and both are taken"),
  },
  {
    name: "the row lock of add_credits, with the insert before it",
    guard: "Two additions at once are both added to the balance: the insert waits for the other as the lock does.",
    file: CREDITS,
    find: `  insert into public.credit_balances (user_id, credits_remaining) values (p_user_id, 0)
  on conflict (user_id) do nothing;
  select credits_remaining into strict v_balance
  from public.credit_balances where user_id = p_user_id
  for update;`,
    replace: `  select credits_remaining into strict v_balance
  from public.credit_balances where user_id = p_user_id;`,
    test: locks("an addition that comes while another is under way waits for it, and both are added"),
  },
  {
    name: "the answer of add_credits to a repeated transaction",
    guard: "What the ledger has already does not move the balance again.",
    file: CREDITS,
    find: "  if not found then\n    return jsonb_build_object(\n      'success', false, 'error', 'Transaction",
    replace: "  if false then\n    return jsonb_build_object(\n      'success', false, 'error', 'Transaction",
    test: credits("a transaction is processed once"),
  },
];
