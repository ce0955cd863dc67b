begin;
select plan(51);
\ir support/jobs.psql
-- These tests write what no procedure writes.
alter table public.video_jobs disable trigger job_changes_are_allowed;

select pg_temp.start('running'), pg_temp.start('failed'), pg_temp.start('delivered');
select pg_temp.fail('failed'), pg_temp.make('delivered'), pg_temp.complete('delivered');
select is_empty('select * from public.audit_credits()',
  'books with a running, a failed and a delivered job are in order');

-- Breaks the books by force, runs the three audits (of all users, of new entries, of the next users), and undoes the damage.
create function pg_temp.reports(p_damage text) returns table (every text[], recent text[], by_users text[])
language plpgsql as $$
begin
  begin
    alter table public.quota_log disable trigger user;
    alter table public.video_jobs disable trigger jobs_are_possible;
    execute p_damage;
    every := pg_temp.named((select jsonb_agg(audit) from public.audit_credits() as audit));
    recent := pg_temp.named(public.audit_recent() -> 'problems');
    by_users := pg_temp.named(public.audit_next_users() -> 'problems');
    raise exception 'undo' using errcode = 'ZZ999';
  exception when sqlstate 'ZZ999' then
    return next;
  end;
end;
$$;
create function pg_temp.named(p_problems jsonb) returns text[] language sql as $$
  select array_agg(problem || ' ' || coalesce(node_id, 'user') order by problem)
  from jsonb_to_recordset(p_problems) as audit (problem text, job_id uuid) left join public.video_jobs using (job_id)
$$;

create temp table damages (damage text, expected text[]);
insert into damages values
  ('update public.credit_balances set credits_remaining = credits_remaining + 1 where user_id = pg_temp.a()',
    array['balance_differs_from_ledger user']),
  ($$ delete from public.quota_log where reason = 'welcome_credits' and user_id = pg_temp.a() $$,
    array['balance_differs_from_ledger user', 'ledger_entry_does_not_follow running']),
  ('set local session_replication_role = replica; delete from public.credit_balances', array['account_without_balance user']),
  ($$ delete from public.quota_log where change < 0 and job_id = pg_temp.job('delivered') $$,
    array['balance_differs_from_ledger user', 'job_not_charged_once delivered', 'ledger_entry_does_not_follow failed']),
  ($$ update public.quota_log set change = -1 where change < 0 and job_id = pg_temp.job('running') $$,
    array['balance_differs_from_ledger user', 'job_not_charged_once running', 'ledger_entry_does_not_follow running']),
  ($$ delete from public.quota_log where change > 0 and job_id = pg_temp.job('failed') $$,
    array['balance_differs_from_ledger user', 'failed_job_not_refunded_once failed']),
  ($$ update public.quota_log set change = 1 where change > 0 and job_id = pg_temp.job('failed') $$,
    array['balance_differs_from_ledger user', 'failed_job_not_refunded_once failed', 'ledger_entry_does_not_follow failed']),
  ($$ select public.add_credits(user_id, 2, 'x', job_id) from public.video_jobs where node_id = 'delivered' $$,
    array['job_refunded_without_failing delivered']),
  ($$ update public.video_jobs set status = 'completed', video_path = 'x', error_code = null
      where node_id = 'failed' $$,
    array['job_refunded_without_failing failed']),
  ($$ update public.video_jobs set status = 'failed', completed_at = now() where node_id = 'running' $$,
    array['failed_job_not_refunded_once running']),
  ($$ update public.video_jobs set credits_used = 3 where node_id = 'running' $$,
    array['job_not_charged_once running']),
  ($$ update public.video_jobs set files_are_public = false, video_path = null, video_url = 'x' where node_id = 'delivered' $$,
    array['private_video_has_no_copy delivered']),
  ($$ update private.job_queue set next_check_at = null where job_id = pg_temp.job('running') $$,
    array['unfinished_job_is_never_checked running']),
  ($$ delete from private.job_queue where job_id = pg_temp.job('running') $$,
    array['unfinished_job_is_never_checked running']),
  ($$ insert into private.thumbnail_work values (pg_temp.job('delivered'), '{}', 2, 0, null, now(), now() - interval '61 minutes') $$,
    array['thumbnail_is_never_ended delivered']),
  ($$ insert into private.thumbnail_work values (pg_temp.job('running'), '{}', 2, 0, null, now(), now() + interval '10 minutes') $$,
    array['thumbnail_is_never_ended running'])
;
select is(every, expected, 'the audit reports ' || damage) from damages, pg_temp.reports(damage);
select is(by_users, expected, 'the audit of the next users reports ' || damage) from damages, pg_temp.reports(damage);
-- It compares a balance with its last entry, not with the sum of all: where that differs, an entry does not follow.
select is(recent, case when 'ledger_entry_does_not_follow' = any (select split_part(unnest(expected), ' ', 1))
  then array_remove(expected, 'balance_differs_from_ledger user') else expected end,
  'the audit of what is new reports ' || damage) from damages, pg_temp.reports(damage);
select is_empty('select * from public.audit_credits()', 'repaired books are in order again');
delete from auth.users where id = pg_temp.a();
select is_empty('select * from public.audit_credits()', 'the books of a user who has left are in order');

select * from finish();
rollback;
