-- How much the canvas of one user may hold, whoever adds it, and that what is deleted is given back.
begin;
select plan(24);
\ir support/jobs.psql
set constraints all immediate;
update public.app_settings set canvas_projects_per_user = 2, canvas_rows_per_user = 5, canvas_bytes_per_user = 100;

create function pg_temp.sign_in(p_user uuid) returns void language sql as $$
  select set_config('request.jwt.claims', jsonb_build_object('sub', p_user, 'role', 'authenticated')::text, true)
$$;
create function pg_temp.id(p_number integer) returns uuid language sql immutable as
  $$ select format('00000000-0000-4000-8000-%s', lpad(p_number::text, 12, '0'))::uuid $$;
-- Data of so many bytes.
create function pg_temp.data(p_bytes integer) returns jsonb language sql immutable as
  $$ select jsonb_build_object('x', repeat('x', p_bytes - 9)) $$;
create function pg_temp.add_node(p_number integer, p_bytes integer) returns void language sql as $$
  insert into public.nodes (id, project_id, type, data) values (pg_temp.id(p_number), pg_temp.id(1), 'x', pg_temp.data(p_bytes))
$$;
create function pg_temp.resize(p_number integer, p_bytes integer) returns void language sql as
  $$ update public.nodes set data = pg_temp.data(p_bytes) where id = pg_temp.id(p_number) $$;
-- What the counts say of all owners, and what there is.
create function pg_temp.counted() returns setof text language sql security definer as $$
  select format('%s: %s projects, %s rows, %s bytes', owner_id, projects, rows, data_bytes) from private.canvas_usage
$$;
create function pg_temp.present() returns setof text language sql security definer as $$
  select format('%s: %s projects, %s rows, %s bytes', owner_id, count(*), sum(rows), sum(bytes)) from (
    select owner_id, (select count(*) from public.nodes where project_id = projects.id)
      + (select count(*) from public.connections where project_id = projects.id) as rows,
      (select coalesce(sum(octet_length((data - 'video_url')::text)), 0) from public.nodes where project_id = projects.id)
      as bytes
    from public.projects) as sizes
  group by owner_id
$$;
create function pg_temp.counts_are_right(p_after text) returns text language sql as
  $$ select bag_eq('select pg_temp.counted()', 'select pg_temp.present()', 'the counts are right after ' || p_after) $$;

set local role authenticated;
select pg_temp.sign_in(pg_temp.a());
insert into public.projects (id) values (pg_temp.id(1)), (pg_temp.id(2));
insert into public.project_members values (pg_temp.id(1), pg_temp.b(), 'editor');
select throws_like('insert into public.projects default values', '%canvas_limit_reached% together may have 2 projects"%',
  'a project too many is refused');
select pg_temp.add_node(1, 40), pg_temp.add_node(2, 40);
select throws_like('select pg_temp.add_node(3, 30)', '%canvas_limit_reached% 100 bytes of data"%',
  'a node with too much data is refused');
select throws_like('select pg_temp.resize(2, 61)', '%canvas_limit_reached%bytes of data%', 'and an edit that needs too much');
select lives_ok('select pg_temp.resize(2, 60)', 'to the last byte there is room');
select throws_like($$ insert into public.nodes (project_id, type) values (pg_temp.id(2), 'x') $$, '%canvas_limit_reached%bytes of data%',
  'another project of the same owner has no room of its own');
select counts_are_right from pg_temp.counts_are_right('refusals');

-- An upsert, as apps save with.
select throws_like(
  $$ insert into public.nodes (id, project_id, type, data) values (pg_temp.id(1), pg_temp.id(1), 'x', pg_temp.data(41))
    on conflict (id) do update set data = excluded.data $$, '%canvas_limit_reached%bytes of data%', 'an upsert that needs too much is refused');
select lives_ok(
  $$ insert into public.nodes (id, project_id, type, data) values
    (pg_temp.id(1), pg_temp.id(1), 'x', pg_temp.data(20)), (pg_temp.id(3), pg_temp.id(1), 'x', pg_temp.data(20))
    on conflict (id) do update set data = excluded.data $$, 'what an upsert takes from one node it may give to another');
select counts_are_right from pg_temp.counts_are_right('an upsert');

-- An editor uses the budget of the owner, and no more.
select pg_temp.sign_in(pg_temp.b());
select throws_like('select pg_temp.resize(2, 61)', '%canvas_limit_reached%bytes of data%', 'an editor is refused as the owner is');
insert into public.connections (project_id, source_node_id, target_node_id)
values (pg_temp.id(1), pg_temp.id(1), pg_temp.id(2)), (pg_temp.id(1), pg_temp.id(2), pg_temp.id(1));
select throws_like(
  $$ insert into public.connections (project_id, source_node_id, target_node_id)
    values (pg_temp.id(1), pg_temp.id(1), pg_temp.id(3)) $$, '%canvas_limit_reached% 5 nodes and connections"%',
  'connections count as nodes do');
select lives_ok('insert into public.projects default values', 'the editor has a budget of their own');
select counts_are_right from pg_temp.counts_are_right('what an editor did');

-- Deleting gives back.
select lives_ok('delete from public.nodes where id = pg_temp.id(2)', 'an editor deletes a node');
select lives_ok('select pg_temp.add_node(4, 60)', 'and there is room for another of its size');
select lives_ok(
  $$ insert into public.connections (project_id, source_node_id, target_node_id)
    values (pg_temp.id(1), pg_temp.id(1), pg_temp.id(4)), (pg_temp.id(1), pg_temp.id(4), pg_temp.id(1)) $$,
  'also for the connections that went with it');
select counts_are_right from pg_temp.counts_are_right('deletions');

-- A job's end is never refused. Nor is one who is above a lowered budget kept from making room.
reset role;
update public.app_settings set canvas_rows_per_user = 1, canvas_bytes_per_user = 1;
select lives_ok(
  $$ update public.nodes set status = 'completed', data = data || '{"video_url": "https://example.com/v"}' $$,
  'the address of a video needs no room');
set local role authenticated;
select lives_ok($$ select pg_temp.resize(4, 50) $$, 'above a lowered budget data may shrink');
select throws_like('select pg_temp.resize(4, 51)', '%canvas_limit_reached%bytes of data%', 'and may not grow');
select pg_temp.sign_in(pg_temp.a());
select lives_ok('delete from public.projects where id = pg_temp.id(1)', 'a project is deleted');
select counts_are_right from pg_temp.counts_are_right('the deletion of a project');
select lives_ok('insert into public.projects default values', 'and another takes its place');
reset role;
delete from auth.users where id = pg_temp.a();
select counts_are_right from pg_temp.counts_are_right('the deletion of an account');
select * from finish();
rollback;
