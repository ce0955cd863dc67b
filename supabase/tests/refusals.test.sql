-- A bill for the operator: jobs that fail for what they were given when dear parts of them are made already.
begin;
select plan(12);
update public.pipeline_steps set is_available = false where name = 'thumbnail';
create or replace function private.clock() returns timestamptz language sql volatile set search_path = '' as
  $$ select current_setting('test.now')::timestamptz $$;
set local test.now = '2030-01-01 12:00:00+00';
insert into auth.users (id, email, email_confirmed_at) values
  ('00000000-0000-4000-8000-00000000000a', 'a@example.com', now()),
  ('00000000-0000-4000-8000-00000000000b', 'b@example.com', now());
update public.app_settings set refusals_after_start_per_day = 2;

create function pg_temp.start(p_name text, p_user text default 'a') returns text language sql as $$
  select public.start_generation(('00000000-0000-4000-8000-00000000000' || p_user)::uuid, p_name, 'hash',
    jsonb_build_object('kind', 'transition', 'prompt', 'a cat', 'settings', '{"duration": 16}'::jsonb, 'node_id', p_name,
      'image_url', 'https://example.com/1.png', 'tail_image_url', 'https://example.com/2.png')) ->> 'outcome'
$$;
create function pg_temp.make_part(p_name text) returns jsonb language plpgsql as $$
declare
  v_queued private.job_queue;
begin
  select job_queue.* into v_queued from private.job_queue join public.video_jobs using (job_id) where node_id = p_name;
  perform public.record_submission(v_queued.job_id, v_queued.attempt, p_name);
  return public.advance_step(v_queued.job_id, v_queued.attempt, '{"video_url": "x"}');
end;
$$;
create function pg_temp.fail(p_name text, p_code text) returns text language plpgsql as $$
declare
  v_job_id uuid := (select job_id from public.video_jobs where node_id = p_name);
begin
  perform public.fail_job(v_job_id, attempt, p_code, '') from private.job_queue where job_id = v_job_id;
  return (select change || ' ' || reason from public.quota_log where job_id = v_job_id and change > 0);
end;
$$;

select pg_temp.start('first'), pg_temp.make_part('first');
select is(pg_temp.fail('first', 'image_rejected'), '16 refused_after_start_refund',
  'a last image that is refused when a part is made is refunded in full, and counted');
select pg_temp.start('whole');
select is(pg_temp.fail('whole', 'image_rejected'), '16 generation_failed_refund',
  'one that is refused at once has cost nobody anything');
select pg_temp.start('outage'), pg_temp.make_part('outage');
select is(pg_temp.fail('outage', 'provider_error'), '16 generation_failed_refund', 'nor is the provider''s trouble the user''s');
select is(pg_temp.start('second'), 'created', 'below the limit the next is taken');
select pg_temp.make_part('second');
select is(pg_temp.fail('second', 'content_policy'), '16 refused_after_start_refund', 'whatever it is that was refused');

set local test.now = '2030-01-01 18:00:00+00';
create temp table before as select private.seconds_in_month('00000000-0000-4000-8000-00000000000a', '2030-01-01') as used;
select is(
  public.start_generation('00000000-0000-4000-8000-00000000000a', 'beyond', 'hash',
    (select jsonb_build_object('model_id', id, 'prompt', 'a cat') from public.models
      where is_featured and category = 'text-to-video')),
  '{"outcome": "refusal_limit_reached", "limit": 2, "retry_after": 64800}', 'the next waits until the first is a day old');
select is(private.seconds_in_month('00000000-0000-4000-8000-00000000000a', '2030-01-01'), used, 'it counts for nothing')
from before;
select is(pg_temp.start('other', 'b'), 'created', 'nobody else waits');
delete from public.video_jobs where node_id in ('first', 'second');
select is(pg_temp.start('deleted'), 'refusal_limit_reached', 'what was deleted still counts');

delete from auth.users where id = '00000000-0000-4000-8000-00000000000a';
insert into auth.users (id, email, email_confirmed_at)
values ('00000000-0000-4000-8000-00000000000a', 'a+back@example.com', now());
select public.add_credits('00000000-0000-4000-8000-00000000000a', 100, 'purchase');
select is(pg_temp.start('back'), 'refusal_limit_reached', 'who leaves and comes back finds the limit again');
set local test.now = '2030-01-02 18:00:01+00';
select is(pg_temp.start('day'), 'created', 'a day later they are served again');
select is_empty('select * from public.audit_credits()', 'the books balance');

select * from finish();
rollback;
