-- Videos for nodes of a project: who may ask, and what the end of a job writes.
begin;
select plan(39);
\ir support/jobs.psql
-- As at the end of each transaction.
set constraints all immediate;
update public.app_settings set public_functions_url = 'https://example.com/functions/v1';

insert into auth.users (id, email, email_confirmed_at) values
  ('00000000-0000-4000-8000-00000000000c', 'c@example.com', now());
create function pg_temp.c() returns uuid language sql immutable as
  $$ select '00000000-0000-4000-8000-00000000000c'::uuid $$;
insert into public.projects (id, owner_id) values (pg_temp.a(), pg_temp.a());
insert into public.project_members values (pg_temp.a(), pg_temp.c(), 'viewer');
create temp table ids (name text, id uuid);
create function pg_temp.add_node(p_name text) returns void language sql as $$
  with added as (insert into public.nodes (project_id, type, data) values (pg_temp.a(), 'video', '{"prompt": "a cat"}')
    returning id)
  insert into ids select p_name, id from added
$$;
create function pg_temp.node_id(p_name text) returns text language sql as
  $$ select id::text from ids where name = p_name $$;
-- Jobs are named by their keys: several are of one node.
create function pg_temp.ask(p_key text, p_node text, p_user uuid default pg_temp.a(), p_needs boolean default true)
returns text language sql as $$
  select pg_temp.start(p_key, jsonb_build_object('node_id', p_node, 'needs_node', p_needs), p_user) ->> 'outcome'
$$;
create function pg_temp.job_of(p_key text) returns uuid language sql as
  $$ select job_id from public.idempotency_log where idempotency_key = p_key $$;
create function pg_temp.deliver(p_key text) returns void language sql as $$
  select public.record_submission(pg_temp.job_of(p_key), 1, 'run of ' || p_key);
  select public.advance_step(pg_temp.job_of(p_key), 1, '{"video_url": "https://provider.test/v.mp4"}');
  select public.complete_job(pg_temp.job_of(p_key), 1, p_key || '.mp4');
$$;
create function pg_temp.shows(p_name text) returns text language sql as $$
  select concat_ws(' ', status, data ->> 'prompt', coalesce((
    select public.read_share(regexp_replace(data ->> 'video_url', '.*/share/', '')) ->> 'video_path'), data ->> 'video_url'),
    error_message)
  from public.nodes where id::text = pg_temp.node_id(p_name)
$$;
select pg_temp.add_node('one'), pg_temp.add_node('two');

-- Who may ask.
create function pg_temp.asks(p_key text, p_node text, p_user uuid, p_needs boolean, p_outcome text, p_what text)
returns text language sql as $$ select is(pg_temp.ask(p_key, p_node, p_user, p_needs), p_outcome, p_what) $$;
select pg_temp.asks('1', pg_temp.node_id('one'), pg_temp.b(), true, 'node_not_found', 'a stranger''s node is not found');
select pg_temp.asks('1', pg_temp.node_id('one'), pg_temp.c(), true, 'node_not_found', 'a viewer makes no video for a node');
select pg_temp.asks('1', pg_temp.node_id('one'), pg_temp.c(), false, 'node_not_found',
  'a viewer makes no video for a node by its free name either');
select pg_temp.asks('1', gen_random_uuid()::text, pg_temp.a(), true, 'node_not_found', 'nor is one that does not exist');
select pg_temp.asks('1', 'a name', pg_temp.a(), true, 'node_not_found', 'nor is a name that is no id');
select results_eq(
  'select distinct change from public.quota_log', array[20], 'none of these is charged');
select is(pg_temp.shows('one'), 'idle a cat', 'and the node is as it was');
select pg_temp.asks('1', pg_temp.node_id('one'), pg_temp.b(), false, 'created',
  'where the request needs no node, the id of a stranger''s node is a free name');
select is(pg_temp.shows('one'), 'idle a cat', 'and the node is as it was once more');
select pg_temp.deliver('1');
select is(pg_temp.shows('one'), 'idle a cat', 'also after the end of that job');
select pg_temp.asks('2', 'a name', pg_temp.a(), false, 'created', 'a free name needs no node');
select pg_temp.deliver('2');

-- Delivered.
select pg_temp.asks('3', upper(pg_temp.node_id('one')), pg_temp.a(), true, 'created', 'the owner makes a video for a node');
select is(pg_temp.shows('one'), 'processing a cat', 'the node is processing in the transaction of the charge');
select pg_temp.deliver('3');
select is(pg_temp.shows('one'), 'completed a cat 3.mp4', 'the finished video is in the data of the node, by a link');
select is(
  public.read_node_job(pg_temp.c(), null, pg_temp.node_id('one')) ->> 'video_url',
  (select data ->> 'video_url' from public.nodes where id::text = pg_temp.node_id('one')),
  'a viewer reads the node''s job, with the same link');
select is(
  public.read_node_job(pg_temp.c(), pg_temp.job_of('3')) #>> '{job,job_id}', pg_temp.job_of('3')::text,
  'also by the job''s id');
select is(public.read_node_job(pg_temp.b(), pg_temp.job_of('3')), null, 'a stranger does not read it');
select is(
  public.read_node_job(pg_temp.b(), null, pg_temp.node_id('one')) #>> '{job,job_id}', pg_temp.job_of('1')::text,
  'by the node a stranger reads only their own job of that name');
select is(
  public.read_node_job(pg_temp.a(), null, 'a name') #>> '{job,job_id}', pg_temp.job_of('2')::text,
  'a free name works as before');
select is(public.read_node_job(pg_temp.a(), null, 'no name'), null, 'a name without a job has none');

-- Failed.
select pg_temp.ask('4', pg_temp.node_id('one'), p_needs => false);
select is(pg_temp.shows('one'), 'processing a cat 3.mp4', 'a node keeps its video while the next one is made');
select public.fail_job(pg_temp.job_of('4'), 1, 'timeout', 'It took too long');
select is(pg_temp.shows('one'), 'failed a cat 3.mp4 It took too long', 'a failure is on the node, with its reason');
select is(
  (select array_agg(change order by id) from public.quota_log where job_id = pg_temp.job_of('4')), array[-2, 2],
  'and refunded');

-- Only the newest job writes.
select pg_temp.ask('5', pg_temp.node_id('two')), pg_temp.ask('6', pg_temp.node_id('two'));
select is(pg_temp.shows('two'), 'processing a cat', 'a node may have two jobs');
select public.fail_job(pg_temp.job_of('5'), 1, 'timeout', 'It took too long');
select is(pg_temp.shows('two'), 'processing a cat', 'the end of the older one changes nothing');
update public.nodes set data = jsonb_build_object('prompt', repeat('x', 32700)) where id::text = pg_temp.node_id('two');
select lives_ok($$ select pg_temp.deliver('6') $$, 'a node that is full of data has room for its video');
select is(
  (select status from public.nodes where id::text = pg_temp.node_id('two')), 'completed',
  'the end of the newest one is on the node');

-- Cancelled and deleted.
select pg_temp.ask('7', pg_temp.node_id('one'));
select public.cancel_job(pg_temp.a(), pg_temp.job_of('7'));
select is(pg_temp.shows('one'), 'failed a cat 3.mp4 The video was cancelled', 'a cancelled job is on its node');
select pg_temp.ask('8', pg_temp.node_id('one'));
create temp table running as select pg_temp.job_of('8') as job_id;
select public.delete_videos(pg_temp.a(), array[job_id]) from running;
select is(pg_temp.shows('one'), 'idle a cat 3.mp4', 'a job that is deleted while it runs leaves an idle node');
select pg_temp.ask('9', pg_temp.node_id('one')), pg_temp.deliver('9');
create temp table delivered as select pg_temp.job_of('9') as job_id;
select public.delete_videos(pg_temp.a(), array[job_id]) from delivered;
select is(pg_temp.shows('one'), 'idle a cat', 'the address of a deleted video is gone from its node');

-- An older video is deleted, which the node still shows.
select pg_temp.ask('older', pg_temp.node_id('one')), pg_temp.deliver('older');
select pg_temp.ask('newer', pg_temp.node_id('one'));
select is(pg_temp.shows('one'), 'processing a cat older.mp4', 'a node shows its older video while a newer one is made');
select is(
  public.read_node_job(pg_temp.a(), pg_temp.job_of('newer')) ->> 'video_url', null,
  'whose link is not that of the newer job');
create temp table older as select pg_temp.job_of('older') as job_id;
select public.delete_videos(pg_temp.a(), array[job_id]) from older;
select is(pg_temp.shows('one'), 'processing a cat',
  'the address of a deleted video is gone from its node, which goes on with its newer job');
select pg_temp.deliver('newer');
select is(pg_temp.shows('one'), 'completed a cat newer.mp4', 'and shows the newer video');

-- A node or an account that goes.
select pg_temp.ask('10', pg_temp.node_id('one'));
delete from public.nodes where id::text = pg_temp.node_id('one');
select lives_ok($$ select pg_temp.deliver('10') $$, 'a job whose node was deleted is delivered');
insert into public.project_members values (pg_temp.a(), pg_temp.b(), 'editor');
select pg_temp.asks('11', pg_temp.node_id('two'), pg_temp.b(), true, 'created', 'an editor makes a video for a node');
delete from auth.users where id = pg_temp.a();
select is_empty('select from public.nodes', 'the nodes of a deleted user''s projects are deleted');
select is(
  (select user_id from public.video_jobs where job_id = pg_temp.job_of('11')), pg_temp.b(),
  'the jobs of others for those nodes go on');
select is_empty('select * from public.audit_credits()', 'the books balance');

select * from finish();
rollback;
