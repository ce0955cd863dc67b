-- Which changes Realtime reads from the write-ahead log for apps that listen to the table itself.
begin;
select plan(4);

select is(
  (select string_agg(format('%s.%s', schemaname, tablename), ', ') from pg_publication_tables
    where pubname = 'supabase_realtime'), 'public.video_jobs',
  'of all tables only the jobs are published');
select results_eq(
  $$ select pubinsert, pubupdate, pubdelete, pubtruncate from pg_publication where pubname = 'supabase_realtime' $$,
  $$ values (true, true, false, false) $$,
  'no deletion is published: Realtime cannot check who may see a row that is gone');
select is(
  (select relreplident::text from pg_class where oid = 'public.video_jobs'::regclass), 'd',
  'of the row before a change only the key is written to the log');
select is(
  (select relrowsecurity from pg_class where oid = 'public.video_jobs'::regclass), true,
  'Realtime asks the policies before it sends a row');

select * from finish();
rollback;
