begin;
select plan(31);
\ir support/jobs.psql
update public.app_settings set retention_days = null, store_retry_hours = 24;

-- An old video of the user whose old id is `one`.
create function pg_temp.video(p_id text, p_fields jsonb default '{}') returns jsonb language sql as $$
  select jsonb_build_object('type', 'video', 'id', p_id, 'user', 'one', 'prompt', 'an old cat', 'status', 'completed',
    'credits_used', 3, 'video_url', 'https://old.example/' || p_id || '.mp4', 'created_at', '2020-01-01T00:00:00Z',
    'completed_at', '2020-01-01T00:05:00Z') || p_fields
$$;
create function pg_temp.import(variadic p_videos jsonb[]) returns jsonb language sql as
  $$ select public.import_videos('old', to_jsonb(p_videos)) $$;
create function pg_temp.link(p_id text, p_email text) returns text language sql as $$
  select public.import_users('old', jsonb_build_array(jsonb_build_object('id', p_id, 'email', p_email))) #>> '{0,outcome}'
$$;
create function pg_temp.user_of(p_id text) returns uuid language sql as
  $$ select user_id from private.imported_users where source_id = p_id $$;
create function pg_temp.balance(p_id text) returns bigint language sql as
  $$ select credits_remaining from public.credit_balances where user_id = pg_temp.user_of(p_id) $$;
create function pg_temp.problems(variadic p_lines jsonb[]) returns jsonb language sql as $$
  select jsonb_agg(fault ->> 'problem') from jsonb_array_elements(public.import_problems('old', to_jsonb(p_lines))) as fault
$$;

-- Users.
select is(pg_temp.link('one', 'One@example.com'), 'missing', 'a user who is not in Auth yet is missing');
insert into auth.users (id, email, email_confirmed_at) values (gen_random_uuid(), 'one@example.com', now());
select is(pg_temp.link('one', 'one@example.com'), 'imported', 'a user of Auth is linked by a confirmed address');
select is(pg_temp.link('one', 'one@example.com'), 'already', 'a user is linked once');
select is(pg_temp.balance('one'), 0::bigint, 'an imported user gets no welcome credits');
insert into auth.users (id, email) values (gen_random_uuid(), 'thief@example.com');
select is(pg_temp.link('victim', 'thief@example.com'), 'missing', 'an address that is not confirmed is nobody''s');
select is(pg_temp.problems('{"type": "user", "line": 1, "id": "victim", "email": "thief@example.com"}'),
  '["email: a user of Auth has this address and has not confirmed it"]', 'an unconfirmed address is a fault of its line');
select pg_temp.link('early', 'a@example.com');
select is(pg_temp.balance('early'), 20::bigint, 'a user who was here before keeps the balance');

-- Balances.
select is(public.import_credits('old', '[{"user": "one", "amount": 50}]'), '{"imported": 1, "already": 0, "left": 0}',
  'a balance is imported');
select is(public.import_credits('old', '[{"user": "one", "amount": 50}]'), '{"imported": 0, "already": 1, "left": 0}',
  'a repeated import of a balance gives nothing');
select is(pg_temp.balance('one'), 50::bigint, 'the balance is what it was');
select throws_ok($$ select public.import_credits('old', '[{"user": "unknown", "amount": 5}]') $$, '22023', null,
  'a balance of a user who is not imported is refused');

-- Videos.
select is(pg_temp.import(pg_temp.video('1'), pg_temp.video('2', '{"status": "failed", "video_url": null}'),
    pg_temp.video('3', '{"credits_used": 0, "job_id": "00000000-0000-4000-8000-0000000000f3"}'),
    pg_temp.video('4', '{"status": "failed", "video_url": null, "credits_used": 0}')) - 'left',
  '{"imported": 4, "already": 0, "expired": 0}', 'videos are imported, paid or free, completed or failed');
select is(pg_temp.import(pg_temp.video('1'), pg_temp.video('5')) - 'left',
  '{"imported": 1, "already": 1, "expired": 0}', 'a video is imported once');
select is((select count(*) from public.video_jobs where imported_from = 'old'), 5::bigint,
  'a repeated import writes no video twice');
select is(pg_temp.balance('one'), 50::bigint, 'imported videos move no credits');
select is_empty('select * from public.audit_credits()', 'the books are in order after an import');
select results_eq(
  $$ select created_at, completed_at, updated_at from public.video_jobs where provider ->> 'request_id' = '1' $$,
  $$ values (timestamptz '2020-01-01 00:00:00+00', timestamptz '2020-01-01 00:05:00+00', private.clock()) $$,
  'the times are as they were, and the change is now');
select isnt_empty($$ select from public.video_jobs where job_id = '00000000-0000-4000-8000-0000000000f3' $$,
  'a video keeps the id that its line names');
select throws_ok($$ select pg_temp.import(pg_temp.video('9', '{"user": "unknown"}')) $$, '22023', null,
  'a video of a user who is not imported is refused');
select is(pg_temp.problems(
    '{"type": "video", "line": 1, "id": "8", "user": "one", "job_id": "00000000-0000-4000-8000-0000000000f3"}',
    '{"type": "video", "line": 2, "id": "8", "user": "one", "model_id": "00000000-0000-4000-8000-0000000000ff"}',
    '{"type": "video", "line": 3, "id": "1", "user": "early"}',
    '{"type": "video", "line": 4, "id": "3", "user": "one", "job_id": "00000000-0000-4000-8000-0000000000f3"}',
    '{"type": "user", "line": 5, "id": "5", "user_id": "00000000-0000-4000-8000-0000000000ff"}'),
  '["job_id: another video has this id", "model_id: there is no such model", "id: this video was imported for another user",
    "user_id: there is no such user in Auth"]',
  'what only the database knows is checked, and a repetition is no fault');

-- What nobody may do.
select pg_temp.start('paid');
-- A failed one: of every other job another constraint refuses a price of zero too.
select pg_temp.start('ended'), pg_temp.fail('ended');
select throws_ok($$ update public.video_jobs set credits_used = 0, credits_refunded = 0 where node_id = 'ended' $$, '23514', null,
  'only an imported video may be free');
select throws_ok($$ update public.video_jobs set imported_from = 'old' where node_id = 'paid' $$, '23514', null,
  'an unfinished job is not an imported one');
select public.add_credits(pg_temp.user_of('one'), 3, 'gift', '00000000-0000-4000-8000-0000000000f3');
select results_eq('select problem from public.audit_credits()', array['job_refunded_without_failing'],
  'an imported video that moves credits is reported');

-- Copies.
select results_eq($$ select next_check_at - lag(next_check_at) over (order by next_check_at)
    from private.job_queue join public.video_jobs using (job_id)
    where imported_from = 'old' and next_check_at is not null and provider ->> 'request_id' <> '5' $$,
  $$ values (null), (interval '2 seconds') $$, 'imported videos are copied one every two seconds, and failed ones are not');
set local test.now = '2030-01-01 12:30:00+00';
select is((select leased ->> 'action' || ' ' || (leased ->> 'copy_again') from public.lease_job(
    (select job_id from public.video_jobs where provider ->> 'request_id' = '1')) as leased), 'store true',
  'the copy of an old video is tried again for as long as that of a new one');

-- Leaving.
select public.delete_videos(pg_temp.user_of('one'), array['00000000-0000-4000-8000-0000000000f3'::uuid]);
select is(pg_temp.import(pg_temp.video('3')) ->> 'already', '1', 'a video that its owner deleted does not come back');
select is(pg_temp.balance('one'), 53::bigint, 'the deletion of an imported video refunds nothing');
update public.app_settings set retention_days = 365;
select is(pg_temp.import(pg_temp.video('7')) ->> 'expired', '1', 'a video older than the retention time is not imported');
select public.erase_account(pg_temp.user_of('one'));
select is(pg_temp.link('one', 'one@example.com'), 'left', 'a user who has left does not come back');
select is(public.import_credits('old', '[{"user": "one", "amount": 50}]') ->> 'left', '1',
  'a user who has left gets no balance');
select is((select count(*) from private.imported_videos)::text || (pg_temp.import(pg_temp.video('1')) ->> 'left'), '01',
  'nothing is left of the videos of a user who has left, and none comes back');

select * from finish();
rollback;
