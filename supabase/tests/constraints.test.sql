begin;
select plan(85);
\ir support/jobs.psql
-- These tests write what no procedure writes.
alter table public.video_jobs disable trigger job_changes_are_allowed;

create function pg_temp.refuses(p_what text, p_constraint text, p_statement text) returns text language sql as $$
  select throws_matching(p_statement, format('constraint "%s"', p_constraint), p_what || ' is refused')
$$;
select pg_temp.start('job');

select pg_temp.refuses(what, name, 'update public.video_jobs set ' || change)
from (values
  ('an unknown kind of job', 'job_kind_is_known', $$kind = 'photo'$$),
  ('an unknown status', 'job_status_is_known', $$status = 'cancelled'$$),
  ('an unknown stage', 'job_stage_is_known', $$stage = 'dreaming'$$),
  ('a percent above 100', 'job_percent_is_a_percentage', 'progress_percent = 101'),
  ('a percent below 0', 'job_percent_is_a_percentage', 'progress_percent = -1'),
  ('a step beyond the last', 'job_step_is_one_of_its_steps', 'step = 2'),
  ('steps without a name', 'job_step_is_one_of_its_steps', 'steps = 2'),
  ('a name without a step', 'job_step_is_one_of_its_steps', $$step_names = '{generate,trim}'$$),
  ('a length below zero', 'job_length_is_not_negative', 'seconds = -1'),
  ('a free job', 'job_charge_is_positive',
    $$status = 'failed', completed_at = now(), error_code = 'x', credits_used = 0$$),
  ('a completed job without its time', 'finished_job_says_when', $$status = 'completed', video_path = 'x'$$),
  ('an unfinished job with an end', 'finished_job_says_when', 'completed_at = now()'),
  ('a failed job without a reason', 'failed_job_says_why',
    $$status = 'failed', completed_at = now(), credits_refunded = credits_used$$),
  ('a reason without a failure', 'failed_job_says_why', $$error_code = 'timeout'$$),
  ('a failed job without a refund', 'failed_job_is_refunded_in_full',
    $$status = 'failed', completed_at = now(), error_code = 'x'$$),
  ('a refund in part', 'failed_job_is_refunded_in_full',
    $$status = 'failed', completed_at = now(), error_code = 'x', credits_refunded = 1$$),
  ('a refund without a failure', 'delivered_job_is_refunded_for_skipped_extras', 'credits_refunded = credits_used'),
  ('a refund of a job that still runs', 'delivered_job_is_refunded_for_skipped_extras',
    $$status = 'processing', skipped_extras = '{music}', credits_refunded = 1$$),
  ('a refund of a delivery with all its extras', 'delivered_job_is_refunded_for_skipped_extras',
    $$status = 'completed', completed_at = now(), video_path = 'x', credits_refunded = 1$$),
  ('a negative refund', 'delivered_job_is_refunded_for_skipped_extras',
    $$status = 'completed', completed_at = now(), video_path = 'x', skipped_extras = '{music}', credits_refunded = -1$$),
  ('a full refund of a delivery', 'failed_job_is_refunded_in_full',
    $$status = 'completed', completed_at = now(), video_path = 'x', skipped_extras = '{music}',
      credits_refunded = credits_used$$),
  ('a delivery without a video', 'completed_job_has_a_video', $$status = 'completed', completed_at = now()$$),
  ('a private video without our copy', 'private_video_is_delivered_from_our_copy',
    $$status = 'completed', completed_at = now(), video_url = 'x', files_are_public = false$$),
  ('an empty prompt', 'job_prompt_is_bounded', $$prompt = ''$$),
  ('a prompt of 5,001 characters', 'job_prompt_is_bounded', $$prompt = repeat('x', 5001)$$),
  ('an empty node id', 'job_node_id_is_bounded', $$node_id = ''$$),
  ('an address of 2,049 characters', 'job_image_url_is_bounded', $$image_url = repeat('x', 2049)$$),
  ('a last images address of 2,049 characters', 'job_tail_image_url_is_bounded', $$tail_image_url = repeat('x', 2049)$$),
  ('two first images', 'job_has_one_image', $$image_url = 'x', image_path = user_id || '/x'$$),
  ('two last images', 'job_has_one_image', $$tail_image_url = 'x', tail_image_path = user_id || '/x'$$),
  ('another user''s file as the first image', 'job_image_file_is_the_owners',
    $$image_path = gen_random_uuid() || '/x'$$),
  ('another user''s file as the last image', 'job_image_file_is_the_owners',
    $$tail_image_path = gen_random_uuid() || '/x'$$),
  ('a job without a user', 'video_jobs_user_id_fkey', 'user_id = gen_random_uuid()'),
  ('a job without a model', 'video_jobs_model_id_fkey', 'model_id = gen_random_uuid()')
) as impossible (what, name, change);

select pg_temp.refuses('a job that is impossible from the start', 'job_prompt_is_bounded',
  $$ insert into public.video_jobs (user_id, model_id, prompt, provider, credits_used, created_at, updated_at)
    select user_id, model_id, '', provider, credits_used, now(), now() from public.video_jobs $$);
select pg_temp.refuses('a job that is failed from the start and not refunded', 'failed_job_is_refunded_in_full',
  $$ insert into public.video_jobs (user_id, model_id, prompt, provider, credits_used, created_at, updated_at, status,
      error_code, completed_at)
    select user_id, model_id, 'x', provider, credits_used, now(), now(), 'failed', 'x', now() from public.video_jobs $$);
set local session_replication_role = replica;
select throws_matching(
  $$ update public.video_jobs set status = 'failed', completed_at = now(), error_code = 'x' $$,
  'constraint "failed_job_is_refunded_in_full"', 'a failed job without a refund is refused even where triggers are off');
set local session_replication_role = origin;

select pg_temp.refuses(what, name, 'update private.job_queue set ' || change)
from (values
  ('a queued job without a step', 'steps_are_a_list', $$steps = '[]'$$),
  ('a queued job beyond its steps', 'step_is_one_of_the_steps', 'step = 2'),
  ('a run without a submission', 'provider_job_belongs_to_an_attempt', $$provider_job_id = 'x', submitted_at = null$$),
  ('a step that outlives its job', 'step_ends_by_the_deadline',
    $$step_deadline_at = deadline_at + interval '1 second'$$),
  ('more attempts of a step than of the job', 'attempts_are_counted', 'attempts_of_step = 9')
) as impossible (what, name, change);

select pg_temp.refuses(what, name, 'update public.pipeline_steps set ' || change || $$ where name = 'music'$$)
from (values
  ('a step by a provider that has no tool for it', 'step_has_a_tool', $$provider = 'rendi'$$),
  ('an unknown product', 'step_product_is_known', $$produces = 'smell_url'$$),
  ('an extra with a negative price', 'step_price_is_not_negative', 'credits = -1'),
  ('an extra without patience', 'step_patience_is_positive', 'patience_seconds = 0')
) as impossible (what, name, change);

select pg_temp.refuses(what, name, 'update public.pipeline_tools set ' || change || $$ where step = 'music'$$)
from (values
  ('a tool whose provider has no name', 'tool_provider_is_a_name', $$provider = 'Acme Inc.'$$),
  ('a tool that takes no time', 'tool_times_are_positive', 'typical_seconds = 0')
) as impossible (what, name, change);

select pg_temp.refuses(what, name, 'update public.models set ' || change || $$ where name = 'Test'$$)
from (values
  ('an unknown category', 'models_category_is_known', $$category = 'song'$$),
  ('a provider without a name', 'models_provider_is_a_name', $$provider = 'Acme Inc.'$$),
  ('two prices at once', 'models_price_matches_its_type', 'cost_per_second = 1'),
  ('no price', 'models_price_matches_its_type', 'cost_per_generation = null'),
  ('a price of zero', 'models_price_is_positive', 'cost_per_generation = 0'),
  ('a price per second of no duration', 'models_price_per_second_needs_a_duration',
    $$pricing_type = 'per_second', cost_per_second = 1, cost_per_generation = null$$),
  ('a model that takes no time', 'models_times_are_positive', 'max_run_seconds = 0'),
  ('an unavailable model without a reason', 'unavailable_model_says_why', 'is_available = false')
) as impossible (what, name, change);

select pg_temp.refuses(what, name, 'update public.app_settings set ' || change)
from (values
  ('a negative welcome', 'welcome_credits_is_not_negative', 'welcome_credits = -1'),
  ('a limit of no jobs', 'limits_are_positive', 'active_jobs_per_user = 0'),
  ('a limit of no cancellations', 'limits_are_positive', 'cancels_after_start_per_day = 0'),
  ('a canvas without room', 'limits_are_positive', 'canvas_bytes_per_user = 0'),
  ('a limit of no refusals', 'limits_are_positive', 'refusals_after_start_per_day = 0'),
  ('a key that is bound for no time', 'durations_are_positive', 'idempotency_hours = 0'),
  ('a longest pause below the shortest', 'durations_are_positive', 'check_interval_min_seconds = 16'),
  ('a retention of no days', 'durations_are_positive', 'retention_days = 0'),
  ('an address of functions without a scheme', 'public_functions_url_is_an_address',
    $$public_functions_url = 'example.com/functions/v1'$$),
  ('an address of functions that ends in a slash', 'public_functions_url_is_an_address',
    $$public_functions_url = 'https://example.com/functions/v1/'$$),
  ('a circuit that opens after no failure', 'durations_are_positive', 'circuit_failures = 0'),
  ('a second row of settings', 'app_settings_has_one_row', 'only_row = false')
) as impossible (what, name, change);
select pg_temp.refuses('one more row of settings', 'app_settings_pkey',
  'insert into public.app_settings default values');

select pg_temp.refuses(
  'a negative balance', 'balance_is_never_negative', 'update public.credit_balances set credits_remaining = -1');
select pg_temp.refuses(what, name,
  format('insert into public.quota_log (user_id, change, reason, job_id, transaction_id, balance_after)
    values (gen_random_uuid(), %s)', entry))
from (values
  ('an entry of zero credits', 'ledger_entry_moves_credits', $$0, 'x', null, null, 0$$),
  ('an entry with a negative balance', 'ledger_balance_is_never_negative', $$-1, 'x', null, null, -1$$),
  ('an entry without a reason', 'ledger_reason_is_short_text', $$1, '', null, null, 1$$),
  ('a second charge of a job', 'a_job_is_charged_once', $$-1, 'x', pg_temp.job('job'), null, 1$$),
  ('a transaction id that was used before', 'transaction_id_is_used_once',
    $$1, 'x', null, 'welcome:00000000-0000-4000-8000-00000000000a', 1$$)
) as impossible (what, name, entry);
select pg_temp.fail('job');
select pg_temp.refuses('a second refund of a job', 'a_job_is_refunded_once',
  $$ insert into public.quota_log (user_id, change, reason, job_id, balance_after)
    values (gen_random_uuid(), 1, 'x', pg_temp.job('job'), 1) $$);

select pg_temp.refuses(what, name, 'update public.idempotency_log set ' || change)
from (values
  ('a key of 256 characters', 'idempotency_key_is_bounded', $$idempotency_key = repeat('k', 256)$$),
  ('a key that has expired from the start', 'idempotency_key_expires_later', 'expires_at = created_at')
) as impossible (what, name, change);
select pg_temp.refuses('one key of one user twice', 'idempotency_log_pkey',
  'insert into public.idempotency_log select * from public.idempotency_log');

select pg_temp.start('shared');
select pg_temp.make('shared'), pg_temp.complete('shared');
select private.create_share(pg_temp.job('shared'));
select pg_temp.refuses(what, name, 'update private.video_shares set ' || change)
from (values
  ('a link whose secret is stored', 'share_token_is_stored_as_a_hash', $$token_hash = 'secret'$$),
  ('an empty title', 'share_title_is_bounded', $$title = ''$$),
  ('an endless title', 'share_title_is_bounded', $$title = repeat('x', 201)$$),
  ('a link that has expired when it is made', 'share_expires_later', 'expires_at = created_at'),
  ('a link to no video', 'video_shares_job_id_fkey', 'job_id = gen_random_uuid()')
) as impossible (what, name, change);
select pg_temp.refuses('one secret of two links', 'share_token_is_used_once',
  'insert into private.video_shares (job_id, token_hash, created_at)
    select job_id, token_hash, created_at from private.video_shares');

select * from finish();
rollback;
