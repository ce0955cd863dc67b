-- The price of a generation, for clients that show it before they start one.

-- Refuses a call of the Data API with its own HTTP status, in PostgREST's way:
-- https://docs.postgrest.org/en/stable/references/errors.html#raise-errors-with-http-status-codes
create function private.refuse(
  p_status integer,
  p_code text,
  p_message text,
  p_details jsonb default null,
  p_hint text default null
)
returns void
language plpgsql
volatile
security invoker
set search_path = ''
as $$
begin
  raise sqlstate 'PGRST' using
    -- PostgREST takes details only as text.
    message = jsonb_build_object('code', p_code, 'message', p_message, 'details', p_details::text, 'hint', p_hint)::text,
    detail = jsonb_build_object('status', p_status, 'headers', '{}'::jsonb)::text;
end;
$$;

revoke execute on function private.refuse(integer, text, text, jsonb, text) from public, anon, authenticated;
grant execute on function private.refuse(integer, text, text, jsonb, text) to anon, authenticated, service_role;

-- Returns the price of a generation before it is started: { model_id, credits, settings }. Errors: 404 model_not_found,
-- and 400 validation_failed with { issues } as its details.
create function public.quote_generation(
  p_model_id uuid,
  p_settings jsonb default '{}'
)
returns jsonb
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  v_model public.models;
  v_resolved jsonb := '{}';
  v_issues jsonb;
begin
  select * into v_model from public.models where id = p_model_id and is_available;
  if not found then
    perform private.refuse(404, 'model_not_found', 'Model not found');
  end if;
  if jsonb_typeof(p_settings) <> 'object' then
    v_issues := '[{"path": "settings", "message": "must be an object"}]';
  else
    v_resolved := private.resolve_for_model(v_model, p_settings);
    v_issues := v_resolved -> 'issues';
  end if;
  if v_issues <> '[]' then
    perform private.refuse(400, 'validation_failed',
      'Some fields are invalid: see the issues in details, correct them and send the request again',
      jsonb_build_object('issues', v_issues));
  end if;
  return jsonb_build_object(
    'model_id', v_model.id,
    'credits', private.price_of(private.build_steps(v_model, '', null, null, v_resolved -> 'settings')),
    'settings', v_resolved -> 'settings');
end;
$$;

revoke execute on function public.quote_generation(uuid, jsonb) from public, anon, authenticated;
grant execute on function public.quote_generation(uuid, jsonb) to anon, authenticated, service_role;
