begin;
select plan(57);
\ir support/jobs.psql

update public.models set cost_per_generation = 5,
  settings_schema = '{"settings": {"duration": {"values": [4, 8], "default": 4, "input": "duration"}}}'
where name = 'Test';
insert into public.models (
  id, name, category, provider, provider_model_id, pricing_type, cost_per_generation, settings_schema, is_available,
  unavailable_reason)
values
  ('00000000-0000-4000-8000-000000000002', 'Test (image)', 'image-to-video', 'fal', 'test', 'per_generation', 5,
    '{"image_url": {"input": "image", "required": true}}', true, null),
  ('00000000-0000-4000-8000-000000000003', 'Gone', 'text-to-video', 'fal', 'test', 'per_generation', 5, '{}', false,
    'It is gone.');
-- Counts of everything that a request can write.
create function pg_temp.traces() returns text language sql as $$
  select format('%s jobs, %s queued, %s keys, %s entries, %s credits',
    (select count(*) from public.video_jobs), (select count(*) from private.job_queue),
    (select count(*) from public.idempotency_log), (select count(*) from public.quota_log),
    (select sum(credits_remaining) from public.credit_balances))
$$;

-- Created.
create temp table first as select pg_temp.start('first', '{"settings": {"duration": 8}}') as answer;
create temp table job as select video_jobs.* from public.video_jobs, first
where job_id::text = answer #>> '{response,job_id}';
select is(answer ->> 'outcome', 'created', 'a request with enough credits creates a job') from first;
select is(
  answer -> 'response',
  jsonb_build_object('job_id', job_id, 'status', 'pending', 'credits_used', 5, 'credits_remaining', 15),
  'the response has the fields of docs/api.md') from first, job;
select results_eq(
  'select user_id, status, prompt, settings, node_id, credits_used, created_at from job',
  $$ values (
    pg_temp.a(), 'pending', 'a cat', '{"duration": 8}'::jsonb, 'first', 5, '2030-01-01 12:00:00+00'::timestamptz) $$,
  'the job is what was asked for');
select is(
  (select array[substr(job_id::text, 15, 1), left(replace(job_id::text, '-', ''), 12)] from job),
  array['7', lpad(to_hex(extract(epoch from timestamptz '2030-01-01 12:00:00+00')::bigint * 1000), 12, '0')],
  'its id is a UUID of version 7 and begins with its time');
select results_eq(
  'select change, reason, balance_after from public.quota_log where job_id = (select job_id from job)',
  $$ values (-5, 'video_generation', 15::bigint) $$, 'the job is charged, once');
select is(
  answer -> 'leased_job' -> 'step',
  '{"name": "generate", "provider": "fal", "model": "test", "produces": "video_url",
    "input": {"prompt": "a cat", "duration": 8}, "credits": 5, "extras": [], "optional": false,
    "makes_video": true, "typical_seconds": 100, "max_run_seconds": 900}',
  'the leased job has the input for the provider') from first;
select is(answer #>> '{leased_job,action}', 'submit', 'the caller submits the new job') from first;
select is(answer #>> '{leased_job,attempt}', '1',
  'the first attempt is open already, in case the caller stops') from first;
select results_eq(
  $$ select next_check_at - created_at, lease_until - created_at, deadline_at - created_at
    from private.job_queue join job using (job_id) $$,
  $$ values (interval '2 minutes', interval '1 minute', interval '30 minutes') $$,
  'the job is due after the grace time and has a deadline');

-- The key again.
create temp table traces as select pg_temp.traces() as before;
select is(
  pg_temp.start('first', '{"settings": {"duration": 8}}'),
  jsonb_build_object('outcome', 'replayed', 'status_code', 200, 'response', answer -> 'response',
    'since', answer -> 'since', 'video', answer -> 'video'),
  'a repeated request gets the very same response') from first;
update public.credit_balances set credits_remaining = 0 where user_id = pg_temp.a();
update public.models set is_available = false, unavailable_reason = 'Gone' where name = 'Test';
update public.video_jobs set status = 'processing', stage = 'queued' where job_id = (select job_id from job);
select is(
  pg_temp.start('first') -> 'response', answer -> 'response',
  'a replay gets its answer even if balance, model and job have changed') from first;
update public.credit_balances set credits_remaining = 15 where user_id = pg_temp.a();
update public.models set is_available = true where name = 'Test';
select is(
  pg_temp.start('first', p_hash => 'another'), '{"outcome": "idempotency_key_reused"}',
  'the key with another request is refused');
select is(pg_temp.traces(), before, 'repeated requests change nothing') from traces;
select is(
  pg_temp.start('first', '{}', pg_temp.b(), 'another') ->> 'outcome', 'created',
  'another user may use the same key');

set local test.now = '2030-01-02 11:59:59+00';
select is(pg_temp.start('first') ->> 'outcome', 'replayed', 'a key is bound to its request for a day');
set local test.now = '2030-01-02 12:00:00+00';
create temp table again as select pg_temp.start('first', p_hash => 'another') as answer;
select is(answer ->> 'outcome', 'created', 'an expired key can be used again before it is purged') from again;
select isnt(
  again.answer #>> '{response,job_id}', first.answer #>> '{response,job_id}',
  'an expired key gets a new job') from again, first;
select is(
  pg_temp.start('first', p_hash => 'another') -> 'response', answer -> 'response',
  'an expired key is bound to its new request') from again;
select is(pg_temp.start('first') ->> 'outcome', 'idempotency_key_reused',
  'an expired key is no longer bound to its old request');

-- Refused: nothing is written, so that the key can be used again.
update traces set before = pg_temp.traces();
select is(answer, expected, expected ->> 'outcome' || ': ' || what)
from (values
  ('the model is unknown', pg_temp.start('x', '{"model_id": "00000000-0000-4000-8000-000000000009"}'),
    '{"outcome": "model_not_found"}'::jsonb),
  ('the model is switched off', pg_temp.start('x', '{"model_id": "00000000-0000-4000-8000-000000000003"}'),
    '{"outcome": "model_not_found"}'),
  ('a setting does not fit', pg_temp.start('x', '{"settings": {"duration": 5}}'),
    '{"outcome": "validation_failed", "issues": [{"path": "settings.duration", "message": "must be one of: 4, 8"}]}'),
  ('the image is missing', pg_temp.start('x', '{"model_id": "00000000-0000-4000-8000-000000000002"}'),
    '{"outcome": "validation_failed", "issues":
      [{"path": "image_url", "message": "required by this model: send the https address of an image, or an image_path from POST /uploads"}]}'),
  ('the model takes no image', pg_temp.start('x', '{"image_url": "https://example.com/cat.png"}'),
    '{"outcome": "validation_failed", "issues":
      [{"path": "image_url", "message": "not taken by this model: leave it out"}]}')
) as refused (what, answer, expected);
select throws_ok(
  $$ select pg_temp.start('x', '{}', '00000000-0000-4000-8000-00000000000d') $$, 'PT401', null,
  'a user without an account is refused');
update public.models set cost_per_generation = 11 where name = 'Test';
select is(
  pg_temp.start('x'), '{"outcome": "insufficient_credits", "current_credits": 10, "required_credits": 11}',
  'a price above the balance is refused');
update public.models set cost_per_generation = 10 where name = 'Test';
select is(
  pg_temp.start('x', '{"max_credits": 9}'), '{"outcome": "price_changed", "required_credits": 10}',
  'a price above the one agreed to is refused');
select is(pg_temp.traces(), before, 'refused requests change nothing') from traces;
select is(
  pg_temp.start('x', '{"max_credits": 10}') ->> 'outcome', 'created', 'the key of a refused request can be used again');
select is(
  pg_temp.start('x',
  '{"max_credits": 9}') ->> 'outcome', 'replayed', 'a replay costs nothing, even if it agrees to less');
select is(
  (select credits_remaining from public.credit_balances where user_id = pg_temp.a()), 0::bigint,
  'the whole balance can be spent');

-- Limits.
update public.models set cost_per_generation = 1 where name = 'Test';
select public.add_credits(pg_temp.a(), 100, 'purchase');
update public.app_settings set active_jobs_per_user = 4, generations_per_hour = 3;
select is(pg_temp.start('third') ->> 'outcome', 'created', 'a user may have jobs up to the limit');
select is(
  pg_temp.start('fourth'), '{"outcome": "too_many_active_jobs", "limit": 4, "retry_after": 15}',
  'a user may not have more unfinished jobs than the limit');
select is(
  pg_temp.start('other', '{}', pg_temp.b()) ->> 'outcome', 'created',
  'the limit counts each user alone');
select public.fail_job(job_id, 1, 'no_media', 'x') from public.video_jobs
where user_id = pg_temp.a() and created_at < '2030-01-02' or node_id = 'third';
set local test.now = '2030-01-02 12:30:00+00';
select is(
  pg_temp.start('fourth'), '{"outcome": "rate_limited", "limit": 3, "retry_after": 1800}',
  'a user may not start more in an hour than the limit, and learns when the oldest is an hour old');
select is(pg_temp.start('third') ->> 'outcome', 'replayed', 'a replay counts against no limit');
set local test.now = '2030-01-02 13:00:00+00';
select is(pg_temp.start('fourth') ->> 'outcome', 'created',
  'a request is accepted again when the oldest is an hour old');

-- The key is refused here too, if the check of the key did not see it.
select throws_ok(
  $$ select private.store_answer(pg_temp.a(), 'fourth', 'video_generation', 'hash', gen_random_uuid(), '{}') $$,
  '40001', null,
  'a key that is bound is not bound again');

-- A batch is one request with many keys.
select is(
  private.find_answer(pg_temp.a(), 'unused', 'hash', array['x', 'unused', 'fourth']), null,
  'a batch may be repeated after some of its keys were used');
select is(
  private.find_answer(pg_temp.a(), 'unused', 'another', array['unused', 'fourth']) ->> 'outcome', 'idempotency_key_reused',
  'one key that was used for another request refuses the batch');
update public.idempotency_log set request_hash = 'another' where idempotency_key = 'fourth';
select is(
  private.find_answer(pg_temp.a(), 'third', 'hash', array['x', 'fourth']) ->> 'outcome', 'idempotency_key_reused',
  'one such key refuses the batch even if another key was used for this request');
update public.idempotency_log set request_hash = 'hash' where idempotency_key = 'fourth';
select is(
  private.find_answer(pg_temp.b(), 'unused', 'another', array['fourth']), null,
  'a key of another user does not refuse the batch');
set local test.now = '2030-01-03 13:00:00+00';
select is(
  private.find_answer(pg_temp.a(), 'unused', 'another', array['unused', 'fourth']), null,
  'an expired key does not refuse the batch');

-- A model by its name.
insert into public.models (
  id, name, category, provider, provider_model_id, pricing_type, cost_per_generation, settings_schema, is_available,
  unavailable_reason)
values
  ('00000000-0000-4000-8000-000000000011', 'Twin', 'text-to-video', 'fal', 'first', 'per_generation', 1, '{}', false,
    'Gone'),
  ('00000000-0000-4000-8000-000000000012', 'twin', 'text-to-video', 'fal', 'first', 'per_generation', 1, '{}', true, null),
  ('00000000-0000-4000-8000-000000000013', 'first', 'text-to-video', 'fal', 'third', 'per_generation', 1, '{}', true,
    null);
select is(private.model_named(name), ('00000000-0000-4000-8000-0000000000' || id)::uuid, name || ' is that model')
from (values ('TWIN', '12'), ('third', '13'), ('first', '13')) as named (name, id);
select is(private.model_named('gone for ever'), null, 'a name that no model has is of no model');
select is(
  pg_temp.start('named', '{"model_id": null, "model_name": "Third"}'), '{"outcome": "model_not_found"}',
  'a name that no model has is refused, and no other model is taken');
update public.app_settings set active_jobs_per_user = 100, generations_per_hour = 100;
select public.add_credits(pg_temp.a(), 100, 'purchase');
select is(
  pg_temp.start('named', '{"model_id": null, "model_name": "third"}') ->> 'outcome', 'created',
  'a request may name its model');
select is(
  (select model_id from public.video_jobs where job_id = pg_temp.job('named')),
  '00000000-0000-4000-8000-000000000013', 'the job has the model that the request named');

-- Wrong arguments of the caller.
select throws_ok('select pg_temp.' || call, code, null, call || ' is refused')
from (values
  ('start(null)', '23502'), ($$start('', '{"node_id": "n"}')$$, '23514'),
  ($$start(repeat('k', 256), '{"node_id": "n"}')$$, '23514'),
  ($$start('null', p_hash => null)$$, '23502'), ($$start('list', '{"settings": []}')$$, '22023'),
  ($$start('x', '{"max_credit": 5}')$$, '22023')
) as wrong (call, code);
select is_empty('select * from public.audit_credits()', 'the books balance');

select * from finish();
rollback;
