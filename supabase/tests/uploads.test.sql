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
  'a user without an account gets no address');
create temp table first as select public.start_upload(pg_temp.a(), 'image/jpeg') as answer;
select matches(answer ->> 'path', '^00000000-0000-4000-8000-00000000000a/[0-9a-f-]{36}\.jpg$',
  'an address leads into the user''s own folder') from first;
select is((answer ->> 'max_bytes')::integer, 10485760, 'an address has the largest size of a file') from first;
select throws_like($$ select public.start_upload(pg_temp.a(), 'text/html') $$, '%upload_is_an_image%',
  'only images get an address');
select throws_like($$ insert into private.uploads values (pg_temp.b() || '/x.png', pg_temp.a(), 'image/png', now()) $$,
  '%upload_is_in_its_users_folder%', 'an upload into the folder of another user is refused');
select throws_like($$ update private.uploads set checked_version = 'x', refused_bytes = 1 $$,
  '%upload_is_not_both_taken_and_refused%', 'an upload is not both accepted and refused');

-- What a request may name.
create temp table path as select answer ->> 'path' as path from first;
select is(pg_temp.start_with('key', path), jsonb_build_object('outcome', 'input_missing', 'path', path),
  'a file that was not uploaded is refused') from path;
select is((select count(*) from public.quota_log where change < 0), 0::bigint,
  'a request with a missing file is not charged');
select pg_temp.store(path, 1000) from path;
create temp table unchecked as select pg_temp.start_with('key', path) as answer from path;
select is(answer - 'version', jsonb_build_object('outcome', 'input_unchecked', 'path', path, 'content_type', 'image/jpeg',
  'bytes', 1000), 'a file that was not checked yet is to be checked first') from unchecked, path;
select is((select count(*) from public.quota_log where change < 0), 0::bigint,
  'a request with an unchecked file is not charged');
select is(
  pg_temp.start_with('key', path, pg_temp.b()) ->> 'outcome', 'input_missing',
  'the file of another user is missing') from path;
select pg_temp.check(answer, true) from unchecked;
select is(pg_temp.start_with('key', path) ->> 'outcome', 'created', 'a checked image is accepted') from path;
select is(pg_temp.start_with('key 2', path) ->> 'outcome', 'created', 'a checked image is accepted again') from path;
update storage.objects set version = 'another', metadata = '{"size": 2000}' where bucket_id = 'inputs';
select is(pg_temp.start_with('key', path) ->> 'outcome', 'replayed',
  'a key that is bound is replayed even if the file was replaced')
from path;
create temp table replaced as select pg_temp.start_with('key 3', path) as answer from path;
select is(answer ->> 'outcome', 'input_unchecked', 'a replaced file is checked again') from replaced;
select pg_temp.check(answer, false) from replaced;
select is(pg_temp.start_with('key 3', path) ->> 'outcome', 'input_refused',
  'a file that is no image is refused') from path;
select is(refused_bytes, 2000::bigint, 'the size of a refused file is kept') from private.uploads;
select results_eq('select bucket, path from private.files_to_delete', 'select ''inputs'', path from path',
  'a refused file is to be deleted');
delete from storage.objects where bucket_id = 'inputs';
select pg_temp.store(path, 1000) from path;
select pg_temp.check(jsonb_set(answer, '{version}', '"third"'), true) from replaced;
select is(pg_temp.start_with('key 3', path) ->> 'outcome', 'input_refused',
  'a refused path stays refused, even if another file comes') from path;

-- Limits: how many.
update public.app_settings set uploads_per_day = 2;
set local test.now = '2030-01-01 18:00:00+00';
select is(public.start_upload(pg_temp.a(),
  'image/png') ->> 'outcome', 'created', 'a user gets addresses up to the limit of a day');
select is(public.start_upload(pg_temp.a(), 'image/png'),
  '{"outcome": "upload_limit_reached", "limit": 2, "retry_after": 64800}',
  'a user above the limit waits until the oldest upload is a day old');
select is(public.start_upload(pg_temp.b(),
  'image/png') ->> 'outcome', 'created', 'the limit of uploads counts each user alone');
set local test.now = '2030-01-02 12:00:00+00';
select is(public.start_upload(pg_temp.a(),
  'image/png') ->> 'outcome', 'created', 'a user gets an address again when the oldest upload is a day old');

-- Limits: how much.
update public.app_settings set uploads_per_day = 100, upload_bytes_per_day = 10485760 + 1000;
select is(public.start_upload(pg_temp.a(), 'image/png'),
  '{"outcome": "upload_limit_reached", "limit": 10486760, "retry_after": 7200}',
  'an unused address counts with the largest size of a file');
select pg_temp.store(path, 1000) from private.uploads where created_at = private.clock();
select is(public.start_upload(pg_temp.a(),
  'image/png') ->> 'outcome', 'created', 'a used address counts with the size of its file');
set local test.now = '2030-01-02 14:00:01+00';
select is(public.start_upload(pg_temp.a(),
  'image/png') ->> 'outcome', 'created', 'an expired unused address does not count');
set local test.now = '2030-01-02 16:00:02+00';
select pg_temp.store(path, 1) from private.uploads where created_at = '2030-01-02 14:00:01+00';
select is(public.start_upload(pg_temp.a(), 'image/png'),
  '{"outcome": "upload_limit_reached", "limit": 10486760, "retry_after": 71998}',
  'the size of a file counts for a day');

-- Deletion of uploads.
truncate private.files_to_delete;
set local test.now = '2030-01-04 12:00:00+00';
select is(public.delete_expired_uploads(1), 1, 'expired uploads are deleted, no more than the limit');
select is(public.delete_expired_uploads(100), 4, 'the next call deletes the rest');
select results_eq('select path from private.uploads', 'select path from path', 'an upload that a job uses is kept');
select is((select count(*) from private.files_to_delete where since <= private.clock() - interval '1 day'), 5::bigint,
  'the files of deleted uploads are to be deleted');
delete from public.video_jobs;
select is(public.delete_expired_uploads(100), 1, 'an upload is deleted after the last job that uses it');
truncate private.files_to_delete;
select is(public.delete_expired_uploads(100), 3, 'files without an upload are found');
select is(public.delete_expired_uploads(100), 0, 'files without an upload are found once');
select is((select count(*) from private.files_to_delete where bucket = 'inputs'), 3::bigint,
  'files without an upload are to be deleted');
create temp table last as select public.start_upload(pg_temp.b(), 'image/png') ->> 'path' as path;
delete from auth.users where id = pg_temp.b();
select ok(exists (select from private.files_to_delete join last using (path)),
  'the uploads of a deleted user are to be deleted');

select * from finish();
rollback;
