-- The graph of the canvas: who reads and who changes it, and how large it may get.
begin;
select plan(65);
\ir support/jobs.psql

insert into auth.users (id, email, email_confirmed_at) values
  ('00000000-0000-4000-8000-00000000000c', 'c@example.com', now()),
  ('00000000-0000-4000-8000-00000000000d', 'd@example.com', now());
create function pg_temp.sign_in(p_letter text) returns void language sql as $$
  select set_config('request.jwt.claims', jsonb_build_object(
    'sub', '00000000-0000-4000-8000-00000000000' || p_letter, 'role', 'authenticated')::text, true)
$$;
create function pg_temp.user(p_letter text) returns uuid language sql immutable as
  $$ select ('00000000-0000-4000-8000-00000000000' || p_letter)::uuid $$;
create function pg_temp.node(p_number integer) returns uuid language sql immutable as
  $$ select format('00000000-0000-4000-8000-%s', lpad(p_number::text, 12, '0'))::uuid $$;
-- How many rows a statement changes.
create function pg_temp.changes(p_statement text) returns bigint language plpgsql as $$
declare
  v_rows bigint;
begin
  execute p_statement;
  get diagnostics v_rows = row_count;
  return v_rows;
end;
$$;
create function pg_temp.sees() returns text language sql as $$
  select format('%s projects, %s members, %s nodes, %s connections', (select count(*) from public.projects),
    (select count(*) from public.project_members), (select count(*) from public.nodes),
    (select count(*) from public.connections))
$$;

-- A is the owner, B an editor, C a viewer, D a stranger with a project of their own.
set local role authenticated;
select pg_temp.sign_in('a');
select lives_ok(
  $$ insert into public.projects (id, name) values (pg_temp.user('1'), 'Waves') returning id $$,
  'a user creates a project and gets it back');
select results_eq(
  'select user_id, role from public.project_members', $$ values (pg_temp.user('a'), 'owner') $$,
  'the user who creates a project is its owner');
select lives_ok(
  $$ insert into public.project_members (project_id, user_id, role) values
    (pg_temp.user('1'), pg_temp.user('b'), 'editor'), (pg_temp.user('1'), pg_temp.user('c'), 'viewer') $$,
  'the owner adds an editor and a viewer');
select lives_ok(
  $$ insert into public.nodes (id, project_id, type, data) values
    (pg_temp.node(1), pg_temp.user('1'), 'prompt', '{"prompt": "Waves"}'),
    (pg_temp.node(2), pg_temp.user('1'), 'video', '{}') $$, 'the owner adds nodes');
select results_eq(
  'select type, status, position, error_message from public.nodes order by id',
  $$ values ('prompt', 'idle', '{"x": 0, "y": 0}'::jsonb, null), ('video', 'idle', '{"x": 0, "y": 0}', null) $$,
  'a new node is idle');
select lives_ok(
  $$ insert into public.connections (project_id, source_node_id, target_node_id)
    values (pg_temp.user('1'), pg_temp.node(1), pg_temp.node(2)) $$, 'the owner connects nodes');
select pg_temp.sign_in('d');
insert into public.projects (id, name) values (pg_temp.user('2'), 'Hills');
insert into public.nodes (id, project_id, type) values (pg_temp.node(9), pg_temp.user('2'), 'video');

-- Reading.
select is(pg_temp.sees(), '1 projects, 1 members, 1 nodes, 0 connections', 'a stranger sees their own project only');
select pg_temp.sign_in('b');
select is(pg_temp.sees(), '1 projects, 3 members, 2 nodes, 1 connections', 'an editor sees the whole project');
select pg_temp.sign_in('c');
select is(pg_temp.sees(), '1 projects, 3 members, 2 nodes, 1 connections', 'a viewer sees the whole project');

-- What one who may not change anything tries, as the signed-in user.
create temp view attempts as
select * from (values
  ('renames the project', $$ update public.projects set name = 'Mine' where id = pg_temp.user('1') $$),
  ('deletes the project', $$ delete from public.projects where id = pg_temp.user('1') $$),
  ('changes a member', $$ update public.project_members set role = 'editor' where project_id = pg_temp.user('1') $$),
  ('removes the owner', $$ delete from public.project_members where user_id = pg_temp.user('a') $$),
  ('changes a node', $$ update public.nodes set status = 'completed' where id = pg_temp.node(2) $$),
  ('deletes a node', $$ delete from public.nodes where id = pg_temp.node(2) $$),
  ('changes a connection', $$ update public.connections set source_handle = 'x' where project_id = pg_temp.user('1') $$),
  ('deletes a connection', $$ delete from public.connections where project_id = pg_temp.user('1') $$)
) as attempts (what, statement);
create temp view additions as
select * from (values
  ('a member', $$ insert into public.project_members values (pg_temp.user('1'), pg_temp.user('d'), 'editor') $$),
  ('a node', $$ insert into public.nodes (project_id, type) values (pg_temp.user('1'), 'video') $$),
  ('a connection', $$ insert into public.connections (project_id, source_node_id, target_node_id)
    values (pg_temp.user('1'), pg_temp.node(2), pg_temp.node(1)) $$)
) as additions (what, statement);
select is(pg_temp.changes(statement), 0::bigint, 'no viewer ' || what) from attempts;
select throws_ok(statement, '42501', null, 'no viewer adds ' || what) from additions;
select pg_temp.sign_in('d');
select is(pg_temp.changes(statement), 0::bigint, 'no stranger ' || what) from attempts;
select throws_ok(statement, '42501', null, 'no stranger adds ' || what) from additions;

-- An editor.
select pg_temp.sign_in('b');
select is(
  pg_temp.changes(statement), 0::bigint, 'no editor ' || what) from attempts where statement like '%public.project%';
select throws_ok(statement, '42501', null, 'no editor adds ' || what) from additions where what = 'a member';
select lives_ok(statement, 'an editor adds ' || what) from additions where what <> 'a member';
select is(
  pg_temp.changes($$ update public.nodes set data = '{"prompt": "High waves"}', status = 'pending' where id = pg_temp.node(1) $$),
  1::bigint, 'an editor changes a node');
select throws_ok(
  $$ update public.nodes set project_id = pg_temp.user('2') where id = pg_temp.node(1) $$, '23001', null,
  'a node is not moved to another project');
select throws_ok(
  $$ insert into public.connections (project_id, source_node_id, target_node_id)
    values (pg_temp.user('1'), pg_temp.node(9), pg_temp.node(1)) $$, '23503', null,
  'a connection does not reach into another project');
select is(
  pg_temp.changes($$ insert into public.nodes (id, project_id, type) values (pg_temp.node(1), pg_temp.user('1'), 'text')
    on conflict (id) do update set id = excluded.id, project_id = excluded.project_id, type = excluded.type $$),
  1::bigint, 'an editor saves with an upsert');
select throws_ok(
  $$ insert into public.nodes (id, project_id, type) values (pg_temp.node(9), pg_temp.user('1'), 'text')
    on conflict (id) do update set type = excluded.type $$, '42501', null, 'and reaches no stranger''s node with it');
select is(
  pg_temp.changes('delete from public.project_members where user_id = pg_temp.user(''b'')'), 1::bigint,
  'a member leaves a project');
select is(pg_temp.sees(), '0 projects, 0 members, 0 nodes, 0 connections', 'and sees nothing of it any more');

-- The owner.
select pg_temp.sign_in('a');
select throws_ok(
  $$ insert into public.project_members values (pg_temp.user('1'), pg_temp.user('d'), 'owner') $$, '42501', null,
  'a project gets no second owner');
select is(
  pg_temp.changes('delete from public.project_members where user_id = pg_temp.user(''a'')'), 0::bigint,
  'the owner cannot leave');

-- Sizes.
reset role;
select throws_matching(statement, name, what || ' is refused') from (values
  ('data above 32 KiB', 'node_data_is_at_most_32_kib',
    $$ update public.nodes set data = jsonb_build_object('x', repeat('x', 32768)) $$),
  ('data that is no object', 'node_data_is_an_object', $$ update public.nodes set data = '[]' $$),
  ('an address of a video that is no address', 'node_video_url_is_bounded',
    $$ update public.nodes set data = jsonb_build_object('video_url', repeat('x', 2048)) $$),
  ('the 501st node', 'project_has_at_most_500_nodes', $$ insert into public.nodes (project_id, type)
    select pg_temp.user('2'), 'x' from generate_series(1, 500) $$)
) as sizes (what, name, statement);
-- The same kilobytes would be hundreds of megabytes, written out by the constraint and again by its error.
select throws_like(
  format('insert into public.nodes (project_id, type, %s) values (pg_temp.user(''2''), ''x'', %L)', "column", '{"x": [' || value || ']}'),
  '%numbers from 1e-330 to 1e309%', format('%s with the number %s is refused before it is written out', "column", value))
from unnest(array['data', 'position']) as "column",
  unnest(array['1e131071', '[-1e309]', '{"y": 1e-16383}', '-1e-400']) as value;
select throws_like(
  $$ insert into public.nodes (project_id, type, data)
    select pg_temp.user('2'), 'x', jsonb_object_agg(at, at) from generate_series(1, 20000) as at $$,
  '%must be small%', 'data that is far too large is refused before it is written out');
select lives_ok(
  $$ insert into public.nodes (project_id, type, data) values
    (pg_temp.user('2'), 'x', '{"x": [0, -0.0, 1.7976931348623157e308, -5e-324, "1e131071", {"1e131071": null}]}') $$,
  'the numbers of every client are taken');
delete from public.nodes where project_id = pg_temp.user('2');
insert into public.nodes (project_id, type) select pg_temp.user('2'), 'x' from generate_series(1, 500);
select is((select count(*) from public.nodes where project_id = pg_temp.user('2')), 500::bigint,
  'deleted nodes do not count');

-- Before an account is deleted, everybody is taken out of its projects, and it out of all others.
insert into public.project_members (project_id, user_id, role) values
  (pg_temp.user('1'), pg_temp.user('d'), 'editor'), (pg_temp.user('2'), pg_temp.user('b'), 'editor');
select public.leave_projects(pg_temp.user('d'));
select results_eq(
  'select project_id, user_id from public.project_members order by project_id, user_id',
  $$ values (pg_temp.user('1'), pg_temp.user('a')), (pg_temp.user('1'), pg_temp.user('c')) $$,
  'who leaves is in no project, and nobody is in theirs');

-- An account that is deleted takes its projects with it.
delete from auth.users where id in (pg_temp.user('a'), pg_temp.user('d'));
select is(pg_temp.sees(), '0 projects, 0 members, 0 nodes, 0 connections',
  'the projects of a deleted user are deleted');
select is_empty('select project_id from private.project_sizes union all select owner_id from private.canvas_usage',
  'and nothing of them is counted');

select * from finish();
rollback;
