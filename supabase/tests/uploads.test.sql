begin;
select plan(36);
\ir support/jobs.psql

update public.models set category = 'image-to-video', settings_schema = '{"image_url": {"input": "image", "required": true}}'
where name = 'Test';
create function pg_temp.store(p_path text, p_bytes integer) returns void language sql as $$
  insert into storage.objects (bucket_id, name, version, metadata)
  values ('inputs', p_path, gen_random_uuid()::text, jsonb_build_object('size', p_bytes))
$$;
create function pg_temp.start_with(p_name text, p_path text, p_user uuid default pg_temp.a()) returns jsonb language sql as
  $$ select pg_temp.start(p_name, jsonb_build_object('image_path', p_path), p_user) $$;
create function pg_temp.check(p_answer jsonb, p_is_right boolean) returns void language sql as
  $$ select public.record_checked_upload(p_answer ->> 'path', p_answer ->> 'version', p_is_right) $$;

-- Addresses.
select throws_ok($$ select public.start_upload('00000000-0000-4000-8000-00000000000c', 'image/png') $$, 'PT401', null,
  'nobody gets an address without an account');
create temp table first as select public.start_upload(pg_temp.a(), 'image/jpeg') as answer;
select matches(answer ->> 'path', '^00000000-0000-4000-8000-00000000000a/[0-9a-f-]{36}\.jpg$',
  'an address leads into the user''s own folder') from first;
select is((answer ->> 'max_bytes')::integer, 10485760, 'and says how much it takes') from first;
select throws_like($$ select public.start_upload(pg_temp.a(), 'text/html') $$, '%upload_is_an_image%',
  'there are no addresses for anything but images');
select throws_like($$ insert into private.uploads values (pg_temp.b() || '/x.png', pg_temp.a(), 'image/png', now()) $$,
  '%upload_is_in_its_users_folder%', 'nobody uploads into another user''s folder');
select throws_like($$ update private.uploads set checked_version = 'x', refused_bytes = 1 $$,
  '%upload_is_not_both_taken_and_refused%', 'no upload is taken and refused');

-- What a request may name.
create temp table path as select answer ->> 'path' as path from first;
select is(pg_temp.start_with('key', path), jsonb_build_object('outcome', 'input_missing', 'path', path),
  'a file that was not uploaded is refused') from path;
select is((select count(*) from public.quota_log where change < 0), 0::bigint, 'and nothing is charged');
select pg_temp.store(path, 1000) from path;
create temp table unchecked as select pg_temp.start_with('key', path) as answer from path;
select is(answer - 'version', jsonb_build_object('outcome', 'input_unchecked', 'path', path, 'content_type', 'image/jpeg',
  'bytes', 1000), 'a file that nobody has looked at is to be looked at first') from unchecked, path;
select is((select count(*) from public.quota_log where change < 0), 0::bigint, 'and nothing is charged before');
select is(
  pg_temp.start_with('key', path, pg_temp.b()) ->> 'outcome', 'input_missing', 'another user''s file looks like one that is not there') from path;
select pg_temp.check(answer, true) from unchecked;
select is(pg_temp.start_with('key', path) ->> 'outcome', 'created', 'a file that was found to be an image is taken') from path;
select is(pg_temp.start_with('key 2', path) ->> 'outcome', 'created', 'as often as it is named') from path;
update storage.objects set version = 'another', metadata = '{"size": 2000}' where bucket_id = 'inputs';
select is(pg_temp.start_with('key', path) ->> 'outcome', 'replayed', 'a key that is bound is replayed, whatever became of it')
from path;
create temp table replaced as select pg_temp.start_with('key 3', path) as answer from path;
select is(answer ->> 'outcome', 'input_unchecked', 'a file that was replaced is looked at again') from replaced;
select pg_temp.check(answer, false) from replaced;
select is(pg_temp.start_with('key 3', path) ->> 'outcome', 'input_refused', 'one that is no image is refused') from path;
select is(refused_bytes, 2000::bigint, 'with its size remembered') from private.uploads;
select results_eq('select bucket, path from private.files_to_delete', 'select ''inputs'', path from path',
  'and is to be deleted');
delete from storage.objects where bucket_id = 'inputs';
select pg_temp.store(path, 1000) from path;
select pg_temp.check(jsonb_set(answer, '{version}', '"third"'), true) from replaced;
select is(pg_temp.start_with('key 3', path) ->> 'outcome', 'input_refused', 'for good, whatever comes by its address') from path;

-- Limits: how many.
update public.app_settings set uploads_per_day = 2;
set local test.now = '2030-01-01 18:00:00+00';
select is(public.start_upload(pg_temp.a(), 'image/png') ->> 'outcome', 'created', 'as many addresses as are allowed');
select is(public.start_upload(pg_temp.a(), 'image/png'),
  '{"outcome": "upload_limit_reached", "limit": 2, "retry_after": 64800}', 'and no more, until the oldest is a day old');
select is(public.start_upload(pg_temp.b(), 'image/png') ->> 'outcome', 'created', 'each user has a day of their own');
set local test.now = '2030-01-02 12:00:00+00';
select is(public.start_upload(pg_temp.a(), 'image/png') ->> 'outcome', 'created', 'then there is room for one more');

-- Limits: how much.
update public.app_settings set uploads_per_day = 100, upload_bytes_per_day = 10485760 + 1000;
select is(public.start_upload(pg_temp.a(), 'image/png'),
  '{"outcome": "upload_limit_reached", "limit": 10486760, "retry_after": 7200}',
  'an address that is not used yet counts with the most that it takes');
select pg_temp.store(path, 1000) from private.uploads where created_at = private.clock();
select is(public.start_upload(pg_temp.a(), 'image/png') ->> 'outcome', 'created', 'one that is used with what it took');
set local test.now = '2030-01-02 14:00:01+00';
select is(public.start_upload(pg_temp.a(), 'image/png') ->> 'outcome', 'created', 'one that has expired with nothing');
set local test.now = '2030-01-02 16:00:02+00';
select pg_temp.store(path, 1) from private.uploads where created_at = '2030-01-02 14:00:01+00';
select is(public.start_upload(pg_temp.a(), 'image/png'),
  '{"outcome": "upload_limit_reached", "limit": 10486760, "retry_after": 71998}',
  'what was taken counts for a day');

-- The end of an upload.
truncate private.files_to_delete;
set local test.now = '2030-01-04 12:00:00+00';
select is(public.delete_expired_uploads(1), 1, 'expired uploads are deleted, as many at a time as are asked for');
select is(public.delete_expired_uploads(100), 4, 'until none is left');
select results_eq('select path from private.uploads', 'select path from path', 'but that which jobs name');
select is((select count(*) from private.files_to_delete where since <= private.clock() - interval '1 day'), 5::bigint,
  'each leaves word of its file');
delete from public.video_jobs;
select is(public.delete_expired_uploads(100), 1, 'it goes with the last of them');
truncate private.files_to_delete;
select is(public.delete_expired_uploads(100), 3, 'files without a row are found');
select is(public.delete_expired_uploads(100), 0, 'once');
select is((select count(*) from private.files_to_delete where bucket = 'inputs'), 3::bigint, 'and are to be deleted');
create temp table last as select public.start_upload(pg_temp.b(), 'image/png') ->> 'path' as path;
delete from auth.users where id = pg_temp.b();
select ok(exists (select from private.files_to_delete join last using (path)),
  'a user who is deleted, by whomever, leaves word of what they uploaded');

select * from finish();
rollback;
