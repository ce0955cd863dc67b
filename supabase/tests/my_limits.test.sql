-- What users can read of their own limits.
begin;
select plan(6);
\ir support/jobs.psql
set local test.now = '2030-01-31 12:00:00+00';
update public.app_settings set
  active_jobs_per_user = 3, generations_per_hour = 9, seconds_per_month = 600, uploads_per_day = 7,
  cancels_after_start_per_day = 4, refusals_after_start_per_day = 5, canvas_projects_per_user = 2,
  canvas_rows_per_user = 20, canvas_bytes_per_user = 1000;
update public.models set settings_schema = '{"settings": {"duration": {"values": [5], "default": 5}}}' where name = 'Test';
select pg_temp.start('one'), pg_temp.start('two'), pg_temp.start('three', '{}', pg_temp.b()), pg_temp.fail('two');
select public.add_credits(pg_temp.a(), 1, reason)
from unnest('{cancelled_after_start_refund,refused_after_start_refund}'::text[]) as reason;
insert into private.uploads (path, user_id, content_type, created_at)
values (pg_temp.a() || '/x.png', pg_temp.a(), 'image/png', private.clock());
insert into public.projects (id, owner_id) values (pg_temp.a(), pg_temp.a()), (pg_temp.b(), pg_temp.b());
insert into public.nodes (project_id, type, data) values
  (pg_temp.a(), 'text', '{"a": 1}'), (pg_temp.b(), 'text', '{"text": "of another user"}');

set local role authenticated;
set local request.jwt.claims = '{"sub": "00000000-0000-4000-8000-00000000000a"}';
set local request.jwt.claim.sub = '00000000-0000-4000-8000-00000000000a';
select is(public.my_limits(),
  '{"active_jobs": {"used": 1, "limit": 3}, "generations_last_hour": {"used": 2, "limit": 9},
    "seconds_this_month": {"used": 5, "limit": 600}, "cancels_last_day": {"used": 1, "limit": 4},
    "refusals_last_day": {"used": 1, "limit": 5}, "uploads_last_day": {"used": 1, "limit": 7},
    "canvas_projects": {"used": 1, "limit": 2}, "canvas_rows": {"used": 1, "limit": 20},
    "canvas_bytes": {"used": 8, "limit": 1000}}'::jsonb,
  'a user sees their own limits and what they have used of them');
set local test.now = '2030-02-01 12:00:00+00';
select is(public.my_limits() - '{active_jobs,canvas_projects,canvas_rows,canvas_bytes}'::text[],
  '{"generations_last_hour": {"used": 0, "limit": 9}, "seconds_this_month": {"used": 0, "limit": 600},
    "cancels_last_day": {"used": 0, "limit": 4}, "refusals_last_day": {"used": 0, "limit": 5}, "uploads_last_day": {"used": 0, "limit": 7}}'::jsonb,
  'what was used is forgotten after an hour, a day and a month');
select throws_ok('select private.active_jobs(auth.uid())', '42501', null,
  'a user cannot call the functions that count');
set local role anon;
select throws_ok('select public.my_limits()', '42501', null, 'a visitor cannot ask for limits');
reset role;
update public.app_settings set seconds_per_month = null;
set local role authenticated;
select is(public.my_limits() #> '{seconds_this_month,limit}', 'null', 'a limit that does not exist is null');
set local request.jwt.claims = '{}';
set local request.jwt.claim.sub = '';
select is(public.my_limits() #> '{active_jobs,used}', '0', 'a token without a user has used nothing');
select * from finish();
rollback;
