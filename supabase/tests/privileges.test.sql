-- Over all of Postgres's catalogue, so that new tables and functions are tested too.
begin;
select plan(22);

create temp view our_functions as
select pg_proc.oid, pg_proc.oid::regprocedure::text as name, proconfig, prosecdef
from pg_proc
where pronamespace in ('public'::regnamespace, 'private'::regnamespace)
  and not exists (select from pg_depend where classid = 'pg_proc'::regclass and objid = pg_proc.oid and deptype = 'e');

create temp view our_tables as
select pg_class.oid, relnamespace::regnamespace || '.' || relname as name, relkind, relrowsecurity
from pg_class
where relnamespace in ('public'::regnamespace, 'private'::regnamespace) and relkind in ('r', 'p', 'v', 'm', 'f', 'S');

create temp view canvas as
select 'public.' || unnest(array['projects', 'project_members', 'nodes', 'connections']) as name;

create temp view clients as select unnest(array['anon', 'authenticated']) as role;

select isnt_empty('select * from our_functions', 'there are functions to test');
select is_empty(
  $$ select name from our_functions where not coalesce('search_path=""' = any (proconfig), false) $$,
  'every function has an empty search path');
select set_eq(
  $$ select name from our_functions where prosecdef $$,
  array['private.open_account()', 'private.erase_user()', 'private.broadcast_job()', 'private.forget_usage()',
    'private.functions_url()', 'grant_welcome_credits()', 'import_problems(text,jsonb)', 'import_users(text,jsonb)',
    'erase_account(uuid)', 'my_limits()',
    'private.my_projects(text[])', 'private.open_project()', 'private.count_for_owner()', 'private.count_rows()',
    'private.count_data()', 'private.end_node_job()', 'private.forget_node_job()', 'private.prepare_thumbnail_steps()',
    'private.stored_upload(text)', 'private.max_upload_bytes()', 'private.stray_uploads(integer)',
    'private.is_stored(text,bigint)',
    'private.current_user_id()', 'identify_user(text,text,text)'],
  'the functions with the rights of their owner are known');

select set_eq(
  $$ select role, name from our_functions, clients where has_function_privilege(role, oid, 'execute') $$,
  $$ select role, name from clients, unnest(array[
    'quote_generation(uuid,jsonb)', 'private.price(models,jsonb)', 'private.resolve_settings(jsonb,jsonb)',
    'private.setting_problem(jsonb,jsonb)', 'private.settings_size_problem(jsonb)', 'private.unknown_settings(jsonb,jsonb)',
    -- The steps that a quote adds up.
    'private.price_of(jsonb)', 'private.build_steps(models,text,jsonb,jsonb,jsonb)',
    'private.generation_steps(models,text,jsonb,jsonb,jsonb)', 'private.provider_input(jsonb,text,jsonb)',
    'private.sound_steps(jsonb,jsonb)', 'private.loudness_of(numeric)', 'private.track(text,text,jsonb,numeric)',
    'private.video_input(boolean)', 'private.extra_settings()', 'private.extra_names()', 'private.have_extras(jsonb)',
    'private.with_extras(jsonb,jsonb)',
    'private.length_of(jsonb)', 'private.wants_sound(jsonb)', 'private.length_problems(jsonb)',
    'private.resolve_for_model(models,jsonb)', 'private.drawn_characters(text,boolean)', 'private.fonts_of(text,boolean)',
    'private.has_bold_subtitles(jsonb)', 'private.burn_in_steps(jsonb,jsonb)', 'private.undrawable_subtitles(jsonb)',
    'private.too_long_subtitles(jsonb)', 'private.unavailable_lengths(jsonb,jsonb)',
    'private.pipeline_step(text,jsonb,jsonb,boolean)', 'private.render(jsonb,jsonb)', 'private.unavailable_extras(jsonb)',
    'private.refuse(integer,text,text,jsonb,text)']) as name
  union select 'authenticated', unnest(array['my_limits()',
    -- What the policies ask: who the user is, and which projects the user may see.
    'private.current_user_id()', 'private.my_projects(text[])']) $$,
  'a client may ask for a price and a user for their limits, and call nothing else');
select is_empty(
  $$ select name from our_functions where has_function_privilege('public', oid, 'execute') $$,
  'no function is granted to the role public');

select isnt_empty('select * from our_tables', 'there are tables to test');
select is_empty(
  $$ select name from our_tables where relkind in ('r', 'p') and not relrowsecurity $$,
  'every table has row level security');
select set_eq(
  $$ select role, name, privilege from our_tables, clients,
      unnest(array['insert', 'update', 'delete', 'truncate', 'references', 'trigger', 'maintain']) as privilege
    where relkind <> 'S' and has_table_privilege(role, oid, privilege) $$,
  $$ select 'authenticated', name, privilege from canvas, unnest(array['insert', 'update', 'delete']) as privilege $$,
  'no table but those of the canvas can be changed by a client, and those by users only');
select set_eq(
  $$ select role, name from our_tables, clients where relkind <> 'S'
    and has_any_column_privilege(role, oid, 'insert, update, references') $$,
  $$ select 'authenticated', name from canvas $$,
  'no column can be changed by a client, but of the canvas');
select set_eq(
  $$ select role, name from our_tables, clients where relkind <> 'S'
    and has_any_column_privilege(role, oid, 'select') $$,
  $$ values ('anon', 'public.models'), ('authenticated', 'public.models'),
    ('anon', 'public.pipeline_steps'), ('authenticated', 'public.pipeline_steps'),
    ('anon', 'public.pipeline_tools'), ('authenticated', 'public.pipeline_tools'),
    ('anon', 'public.subtitle_fonts'), ('authenticated', 'public.subtitle_fonts'),
    ('authenticated', 'public.credit_balances'), ('authenticated', 'public.quota_log'),
    ('authenticated', 'public.video_jobs'), ('anon', 'public.video_jobs')
    union select 'authenticated', name from canvas $$,
  'a visitor reads the catalogue and what extras cost, a user also their own balance, ledger, jobs and canvas');
select set_eq(
  $$ select column_name::text from information_schema.column_privileges
    where grantee = 'anon' and table_schema = 'public' and table_name = 'video_jobs' $$,
  array['job_id'], 'of jobs a visitor may ask for the ids alone, of which row level security shows none');
select is_empty(
  $$ select role, name from our_tables, clients where relkind = 'S'
    and has_sequence_privilege(role, oid, 'usage, select, update') $$,
  'no sequence can be read or set by a client');
select is_empty(
  $$ select role, nspname from pg_namespace, clients
    where nspname in ('public', 'private') and has_schema_privilege(role, pg_namespace.oid, 'create') $$,
  'no client can create anything');

select is_empty(
  $$ select privilege from unnest(array['update', 'delete', 'truncate']) as privilege
    where has_table_privilege('service_role', 'public.quota_log', privilege) $$,
  'the service role can add to the ledger and cannot change it');
select is_empty(
  $$ select privilege from unnest(array['delete', 'truncate']) as privilege
    where has_table_privilege('service_role', 'public.credit_balances', privilege) $$,
  'the service role cannot delete a balance');
select is_empty(
  $$ select privilege from unnest(array['select', 'insert', 'update', 'delete']) as privilege
    where has_table_privilege('service_role', 'private.address_keys', privilege) $$,
  'the service role cannot read the keys of addresses');
select set_eq(
  $$ select name from our_functions where not has_function_privilege('service_role', oid, 'execute') $$,
  array['private.open_account()', 'private.erase_user()', 'private.refuse_ledger_change()', 'private.broadcast_job()',
    'private.refuse_other_job_change()', 'private.refuse_move()', 'private.note_change()', 'private.open_project()',
    'private.check_node_json()',
    'private.count_for_owner()', 'private.count_rows()', 'private.count_data()', 'private.end_node_job()',
    'private.forget_node_job()', 'private.call_worker(text)', 'private.enqueue_upload_file()',
    'private.check_model()', 'private.check_pipeline_tool()', 'private.cancel_run_of_thumbnail()',
    'private.prepare_thumbnail_steps()',
    'private.check_requested_job()', 'private.check_job()',
    -- Called by the two triggers of users, with the rights of their owner.
    'private.mailbox(text)', 'private.confirmed_address(auth.users)', 'private.address_hmac(text)',
    'private.record_address(uuid,text)', 'private.give_welcome_credits(uuid,text)', 'private.end_unfinished_jobs(uuid)',
    'private.keep_usage(uuid)', 'private.open_identity(text,text)',
    -- Called by the triggers that count what the canvas holds.
    'private.resize_project(uuid,text,bigint,bigint)', 'private.data_bytes(jsonb)',
    'private.check_canvas_budget(private.canvas_usage,private.canvas_usage)',
    -- Called by import_users, with the rights of its owner.
    'private.forgo_welcome(text)'],
  'the service role may call every procedure but the triggers, what they do, and the one of cron');

select is_empty(
  $$ select tablename, policyname from pg_policies
    where (schemaname in ('public', 'private') or (schemaname, tablename) = ('storage', 'objects'))
    and concat(qual, with_check) ~ 'current_user_id\(\)'
    and concat(qual, with_check) !~ 'SELECT private\.current_user_id\(\)' $$,
  'every policy asks for the user once per query, not once per row');
select is_empty(
  $$ select tablename, policyname from pg_policies
    where concat(qual, with_check) ~ 'my_projects' and concat(qual, with_check) !~ 'IN \( SELECT private.my_projects' $$,
  'every policy of the canvas asks for the user''s projects once per query');
select is_empty(
  $$ select policyname::text from pg_policies where concat(qual, with_check) ~ 'auth\.(uid|jwt)\(\)'
    union select oid::regprocedure::text from pg_proc
    where pronamespace::regnamespace in ('public', 'private') and prosrc ~ 'auth\.(uid|jwt)\(\)'
      and oid <> 'private.current_user_id()'::regprocedure
    union select adrelid::regclass::text from pg_attrdef where pg_get_expr(adbin, adrelid) ~ 'auth\.(uid|jwt)\(\)' $$,
  'nothing reads the token itself: the user of another identity provider is not its subject');
select set_eq(
  $$ select distinct 'public.' || tablename from pg_policies where schemaname in ('public', 'private')
    and cmd <> 'SELECT' and roles && array['anon', 'authenticated', 'public']::name[] $$,
  'select name from canvas', 'every policy for clients is for reading, but of the canvas');
select is_empty(
  $$ select tablename, policyname from pg_policies
    where schemaname || '.' || tablename in (select name from canvas) and roles <> '{authenticated}'::name[] $$,
  'the policies of the canvas are for users only');

select * from finish();
rollback;
