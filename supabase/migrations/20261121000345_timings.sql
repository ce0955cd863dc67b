-- How long jobs take: in the queue, at the provider, on the way to Storage, and until their owner knows. Each moment is
-- written into the row of the queue by a statement that changes it anyway.
-- queued: from the request to the end of its last run, less generating: the provider's queue, attempts and steps that came
-- to nothing, and the pauses between attempts and checks.
-- generating: the runs of all steps that made something, each from when a check last saw it wait (its submission, if none
-- did) to when we learned of its end. Of a failed job also the run that it ended in.
-- storing: from the end of the last run to the delivery. Null for a job that failed before.
-- told: from the end to the first answer that shows it, of a poll, a list, a cancellation or the request itself. Broadcasts
-- do not count: they leave with the end, whether anybody hears them or not, and an app that does asks for the video next.
-- What is told after an hour is not measured, because nobody was waiting.

-- A job that ended before this time is old news.
create function private.told_since()
returns timestamptz
language plpgsql
volatile
security invoker
set search_path = ''
as $$
begin
  return private.clock() - interval '1 hour';
end;
$$;

revoke execute on function private.told_since() from public, anon, authenticated;
grant execute on function private.told_since() to service_role;

-- Notes that the owner is told of the end of these jobs, where it is the first time. A job that another transaction has is
-- left out: no answer waits for a measurement.
create function private.note_told(
  p_job_ids uuid[]
)
returns void
language plpgsql
volatile
security invoker
set search_path = ''
-- The lists that call this have their own plans made for each call; here it is always the primary key.
set plan_cache_mode = 'force_generic_plan'
as $$
begin
  update private.job_queue set told_at = private.clock()
  where job_id = any (array(
    select job_id from private.job_queue where job_id = any (p_job_ids) and told_at is null for update skip locked));
end;
$$;

revoke execute on function private.note_told(uuid[]) from public, anon, authenticated;
grant execute on function private.note_told(uuid[]) to service_role;

-- The timings of each ended job, in seconds. Imported videos have none.
create view private.job_timings with (security_invoker = true) as
select job_id, model_id, provider ->> 'name' as provider, provider ->> 'model' as provider_model, steps, status,
  completed_at,
  extract(epoch from coalesce(made_at, completed_at) - created_at) - generating_seconds as queued,
  generating_seconds as generating,
  extract(epoch from completed_at - made_at) as storing,
  extract(epoch from told_at - completed_at) as told,
  extract(epoch from completed_at - created_at) as total
from public.video_jobs as jobs cross join lateral (
  select generating_seconds, made_at, told_at from private.job_queue where job_queue.job_id = jobs.job_id
  -- One row by its key, whatever the statistics say: never the whole queue.
  offset 0
) as queue
where completed_at is not null and imported_from is null;

grant select on private.job_timings to service_role;

-- The timings of the jobs that ended within p_window, at most the p_limit newest, by model, provider, number of steps and
-- end: how many, how many were told, and the median and the 95th percentile of each in seconds. `total` is from the
-- request to the end.
create function public.timings_by_model(
  p_window interval default '24 hours',
  p_limit integer default 20000
)
returns table (
  model text,
  provider text,
  provider_model text,
  steps integer,
  status text,
  jobs bigint,
  jobs_told bigint,
  queued_median numeric,
  queued_p95 numeric,
  generating_median numeric,
  generating_p95 numeric,
  storing_median numeric,
  storing_p95 numeric,
  told_median numeric,
  told_p95 numeric,
  total_median numeric,
  total_p95 numeric
)
language sql
stable
security invoker
set search_path = ''
as $$
  select
    models.name, found.provider, provider_model, steps, status, jobs, jobs_told,
    round(queued[1]::numeric, 2), round(queued[2]::numeric, 2),
    round(generating[1]::numeric, 2), round(generating[2]::numeric, 2),
    round(storing[1]::numeric, 2), round(storing[2]::numeric, 2),
    round(told[1]::numeric, 2), round(told[2]::numeric, 2),
    round(total[1]::numeric, 2), round(total[2]::numeric, 2)
  from (
    select model_id, newest.provider, provider_model, steps, status, count(*) as jobs, count(told) as jobs_told,
      percentile_cont('{0.5, 0.95}'::double precision[]) within group (order by queued) as queued,
      percentile_cont('{0.5, 0.95}'::double precision[]) within group (order by generating) as generating,
      percentile_cont('{0.5, 0.95}'::double precision[]) within group (order by storing) as storing,
      percentile_cont('{0.5, 0.95}'::double precision[]) within group (order by told) as told,
      percentile_cont('{0.5, 0.95}'::double precision[]) within group (order by total) as total
    from (
      select * from private.job_timings
      -- As a subquery: the index is read from this time on.
      where completed_at > (select private.clock() - p_window)
      order by completed_at desc
      limit p_limit
    ) as newest
    group by model_id, newest.provider, provider_model, steps, status
  ) as found join public.models on models.id = model_id
  order by jobs desc, models.name, steps, status;
$$;

revoke execute on function public.timings_by_model(interval, integer) from public, anon, authenticated;
grant execute on function public.timings_by_model(interval, integer) to service_role;
