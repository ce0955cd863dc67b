-- A user leaves, and takes everything along but the sums: the ledger stays, under a name that leads to nobody.

-- Deletes a user: jobs (refunded where they were not delivered), balance, keys, tombstones and the auth user; anonymises
-- the ledger; and says what is left to do outside the database: { files, runs }. Safe to repeat.
create function public.erase_account(
  p_user_id uuid
)
returns jsonb
language plpgsql
volatile
-- Runs as the owner: the auth user, the names of files in Storage and the ledger are out of the service role's reach.
security definer
set search_path = ''
as $$
declare
  v_nobody uuid := gen_random_uuid();
  v_runs jsonb := '[]';
begin
  -- Alone with this user: whoever starts or changes a job of theirs waits, and then finds nobody.
  perform private.settle_changes(p_user_id);
  v_runs := public.delete_videos(
    p_user_id, array(select job_id from public.video_jobs where user_id = p_user_id), p_leaving => true) -> 'runs';

  insert into private.files_to_delete (bucket, path, since)
  select bucket_id, name, private.clock() from storage.objects
  where bucket_id in ('videos', 'inputs') and name like p_user_id || '/%'
  on conflict do nothing;

  perform set_config('reelmint.erased_user', p_user_id::text, true);
  update public.quota_log set user_id = v_nobody where user_id = p_user_id;
  perform set_config('reelmint.erased_user', '', true);

  -- Balance, keys and tombstones go with it.
  delete from auth.users where id = p_user_id;
  return jsonb_build_object('files', private.files_of(p_user_id), 'runs', v_runs);
end;
$$;

revoke execute on function public.erase_account(uuid) from public, anon, authenticated;
grant execute on function public.erase_account(uuid) to service_role;
