-- Puts a table below a partitioned one that takes its name, in one short transaction. docs/scale.md says when and how.

-- The SQL that makes again what holds the table's row type or its id, and cannot follow to another table: functions, views,
-- triggers, foreign keys, policies and rights. Run `remove` by falling places, then move the table, then `make` by rising
-- ones.
create function pg_temp.dependants_of(
  p_table regclass
)
returns table (
  place integer,
  oid oid,
  remove text,
  make text
)
language sql
stable
as $$
  with recursive types as (
    select unnest(array[reltype, typarray]) as type
    from pg_class join pg_type on pg_type.oid = reltype where pg_class.oid = p_table
  ), functions as (
    select pg_proc.oid, pg_proc.oid::regprocedure as name, proacl,
      exists (select from types where type = any (coalesce(proallargtypes, proargtypes::oid[]) || prorettype)) as has_type
    from pg_proc
    where pronamespace in ('public'::regnamespace, 'private'::regnamespace) and prokind = 'f'
      and (prosrc like '%' || (select relname from pg_class where oid = p_table) || '%'
        or exists (select from types where type = any (coalesce(proallargtypes, proargtypes::oid[]) || prorettype)))
  ), views as (
    select p_table::oid as view
    union
    select ev_class from views
      join pg_depend on refobjid = view and classid = 'pg_rewrite'::regclass and deptype = 'n'
      join pg_rewrite on pg_rewrite.oid = objid
  )
  -- A function that only mentions the table keeps its id. It is made again because connections keep it compiled.
  select 1, functions.oid, case when has_type then format('drop function %s', name) end,
    pg_get_functiondef(functions.oid) || case when has_type then
      format('; revoke all on function %s from public, anon, authenticated, service_role', name) || coalesce((
        select string_agg(format('; grant execute on function %s to %s', name, grantee::regrole), '')
        from aclexplode(proacl) where grantee <> 0), '') else '' end
  from functions
  union all
  select 2, view, format('drop view %s', view::regclass),
    format('create view %s with (security_invoker = true) as %s', view::regclass, rtrim(pg_get_viewdef(view), ';'))
      || coalesce((
        select string_agg(format('; grant %s on %s to %s', privilege_type, view::regclass, grantee::regrole), '')
        from pg_class, aclexplode(relacl) where pg_class.oid = view and grantee <> 0), '')
  from views where view <> p_table
  union all
  -- Triggers of rows come back with the partitioned table; those of statements stay on each partition.
  -- One that fires always keeps that: the rules of a job hold also for a copy of its row.
  select 3, pg_trigger.oid, case when tgtype & 1 = 1 then format('drop trigger %I on %s', tgname, p_table) end,
    pg_get_triggerdef(pg_trigger.oid)
      || case tgenabled when 'A' then format('; alter table %s enable always trigger %I', p_table, tgname) else '' end
  from pg_trigger where tgrelid = p_table and not tgisinternal
  union all
  select 4, pg_constraint.oid, format('alter table %s drop constraint %I', conrelid::regclass, conname),
    -- Valid rows stay valid: nothing is read. Validate it afterwards.
    format('alter table %s add constraint %I %s not valid', conrelid::regclass, conname, pg_get_constraintdef(pg_constraint.oid))
  from pg_constraint where contype = 'f' and confrelid = p_table
  union all
  select 5, pg_policy.oid, null, format('create policy %I on %s for %s to %s using (%s)', polname, p_table,
    case polcmd when 'r' then 'select' else 'all' end,
    (select string_agg(role::regrole::text, ', ') from unnest(polroles) as role), pg_get_expr(polqual, polrelid))
  from pg_policy where polrelid = p_table
  union all
  select 6, null, null, format('grant %s on %s to %s', privilege_type, p_table, grantee::regrole)
  from pg_class, aclexplode(relacl) where pg_class.oid = p_table and grantee <> 0
  union all
  select 6, null, null, format('grant %s (%I) on %s to %s', privilege_type, attname, p_table, grantee::regrole)
  from pg_attribute, aclexplode(attacl) where attrelid = p_table
$$;

-- Makes a partition of the rows from one value to another, with all that the table before had.
create function pg_temp.add_partition(
  p_parent regclass,
  p_like regclass,
  p_name text,
  p_from text,
  p_to text
)
returns void
language plpgsql
as $$
declare
  v_trigger text;
begin
  execute format('create table private.%I (like %s including all excluding identity)', p_name, p_like);
  execute format('alter table private.%I drop constraint rows_are_of_before, enable row level security', p_name);
  execute format('revoke all on private.%I from public, anon, authenticated, service_role', p_name);
  for v_trigger in
    select pg_get_triggerdef(oid) from pg_trigger where tgrelid = p_like and not tgisinternal and tgtype & 1 = 0
  loop
    execute replace(v_trigger, format(' ON %s ', p_like), format(' ON private.%I ', p_name));
  end loop;
  execute format('alter table %s attach partition private.%I for values from (%L) to (%L)', p_parent, p_name, p_from, p_to);
end;
$$;

-- Moves a table below a new one of its name that is partitioned by a column: its rows are before p_boundary, the next
-- partition goes from there to p_end. The constraint `rows_are_of_before` must be valid, so that no row is read.
create function pg_temp.move_below(
  p_table regclass,
  p_column text,
  p_boundary text,
  p_end text
)
returns void
language plpgsql
as $$
declare
  v_name text := (select relname from pg_class where oid = p_table);
  v_full text := p_table::text;
  v_old regclass;
  v_identity text;
  v_next bigint;
  v_dependant record;
begin
  set local check_function_bodies = off;
  execute format('lock table %s in access exclusive mode', p_table);
  create temporary table dependants on commit drop as select * from pg_temp.dependants_of(p_table);
  for v_dependant in select * from dependants where remove is not null order by place desc, oid desc loop
    execute v_dependant.remove;
  end loop;

  select attname into strict v_identity from pg_attribute where attrelid = p_table and attidentity <> '';
  v_next := nextval(pg_get_serial_sequence(v_full, v_identity));
  execute format('alter table %s alter column %I drop identity', p_table, v_identity);
  execute format('alter table %s rename to %I', p_table, v_name || '_before');
  execute format('alter table public.%I set schema private', v_name || '_before');
  v_old := format('private.%I', v_name || '_before')::regclass;

  execute format('create table public.%I (like %s including defaults) partition by range (%I)', v_name, v_old, p_column);
  execute format('alter table public.%I enable row level security', v_name);
  execute format('revoke all on public.%I from public, anon, authenticated, service_role', v_name);
  execute format('revoke all on %s from public, anon, authenticated, service_role', v_old);
  execute format('alter table public.%I alter column %I add generated always as identity (start with %s)', v_name,
    v_identity, v_next);
  execute format('revoke all on sequence %s from public, anon, authenticated, service_role',
    pg_get_serial_sequence('public.' || v_name, v_identity));
  if exists (
    select from pg_index join pg_attribute on attrelid = indrelid and attnum = indkey[0]
    where indrelid = v_old and indisprimary and attname = p_column) then
    execute format('alter table public.%I add primary key (%I)', v_name, p_column);
  end if;
  for v_dependant in
    select conname, pg_get_constraintdef(oid) as text from pg_constraint where contype = 'f' and conrelid = v_old
  loop
    execute format('alter table public.%I add constraint %I %s', v_name, v_dependant.conname, v_dependant.text);
  end loop;
  execute format('alter table public.%I attach partition %s for values from (minvalue) to (%L)', v_name, v_old, p_boundary);
  perform pg_temp.add_partition(format('public.%I', v_name), v_old, v_name || '_next', p_boundary, p_end);

  for v_dependant in select * from dependants order by place, oid loop
    execute v_dependant.make;
  end loop;
end;
$$;
