-- What users may know of their own limits.

-- The caller's limits and usage, each { used, limit }; a limit of null does not exist.
create function public.my_limits()
returns jsonb
language sql
volatile
-- Runs as the owner: clients may not read the settings and the usage. It reads only the caller's own.
security definer
set search_path = ''
as $$
  select jsonb_object_agg(name, jsonb_build_object('used', used, 'limit', maximum))
  from public.app_settings as settings, (select private.current_user_id() as user_id) as caller
    left join private.canvas_usage as canvas on canvas.owner_id = caller.user_id, lateral (values
    ('active_jobs', private.active_jobs(user_id), settings.active_jobs_per_user),
    ('generations_last_hour', (private.recent_entries(user_id, 'generations')).used, settings.generations_per_hour),
    ('seconds_this_month', private.seconds_in_month(user_id, private.month_of(private.clock())),
      settings.seconds_per_month),
    ('cancels_last_day', (private.recent_entries(user_id, 'cancels')).used, settings.cancels_after_start_per_day),
    ('refusals_last_day', (private.recent_entries(user_id, 'refusals')).used, settings.refusals_after_start_per_day),
    ('uploads_last_day', (
      select count(*) from private.uploads
      where uploads.user_id = caller.user_id and created_at > (select private.clock()) - interval '1 day'),
      settings.uploads_per_day),
    ('canvas_projects', coalesce(canvas.projects, 0), settings.canvas_projects_per_user),
    ('canvas_rows', coalesce(canvas.rows, 0), settings.canvas_rows_per_user),
    ('canvas_bytes', coalesce(canvas.data_bytes, 0), settings.canvas_bytes_per_user)
  ) as limits (name, used, maximum);
$$;

revoke execute on function public.my_limits() from public, anon, authenticated;
grant execute on function public.my_limits() to authenticated;
