-- Checks of a tool's row: one sentence for each fault. docs/pipeline.md describes the format.

-- Faults in the input of a tool: each placeholder must say what it stands for.
create function private.step_input_problems(
  p_input jsonb
)
returns setof text
language sql
immutable
security invoker
set search_path = ''
as $$
  select 'input must be an object' where jsonb_typeof(p_input) <> 'object'
  union all
  select format('%s %s', node, problem)
  from jsonb_path_query(p_input, 'strict $.**') as node, lateral (values
    ('must have only a text as "from", and "choices" if needed',
      node ? 'from' and not (private.is_name(node -> 'from') and node - 'from' - 'choices' = '{}')),
    ('must have "from" beside "choices"', node ? 'choices' and not node ? 'from'),
    ('must have an object of at least one as "choices"',
      node ? 'choices' and (jsonb_typeof(node -> 'choices') <> 'object' or node -> 'choices' = '{}')),
    ('must have only a text as "artifact"',
      node ? 'artifact' and not (private.is_name(node -> 'artifact') and node - 'artifact' = '{}')),
    ('must have only true as "stored_video"',
      node ? 'stored_video' and node <> '{"stored_video": true}')) as rules (problem, is_broken)
  where jsonb_typeof(node) = 'object' and is_broken;
$$;

revoke execute on function private.step_input_problems(jsonb) from public, anon, authenticated;
grant execute on function private.step_input_problems(jsonb) to service_role;

-- Refuses a tool whose input has faults.
create function private.check_pipeline_tool()
returns trigger
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_problems text := (select string_agg(problem, '; ') from private.step_input_problems(new.input) as problem);
begin
  if v_problems is not null then
    raise exception 'The input of % for the step "%" is not valid: %', new.provider, new.step, v_problems
      using errcode = 'check_violation', hint = 'docs/pipeline.md describes it.';
  end if;
  return new;
end;
$$;

revoke execute on function private.check_pipeline_tool() from public, anon, authenticated;

create trigger pipeline_tool_fits before insert or update on public.pipeline_tools
  for each row execute function private.check_pipeline_tool();
