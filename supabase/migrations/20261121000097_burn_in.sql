-- Subtitles in the picture: the step that draws them, and the texts that it cannot draw.

-- Whether resolved settings ask for a bold font. The words of an animated style do not move in the picture.
create function private.has_bold_subtitles(
  p_settings jsonb
)
returns boolean
language plpgsql
immutable
security invoker
set search_path = ''
as $$
begin
  return coalesce(p_settings ->> 'subtitle_style' in ('bold', 'animated'), false);
end;
$$;

revoke execute on function private.has_bold_subtitles(jsonb) from public, anon, authenticated;
grant execute on function private.has_bold_subtitles(jsonb) to anon, authenticated, service_role;

-- The step that draws the subtitles into the picture, if resolved settings ask for it. Its tools take them as `srt`, a
-- text, or as `ass`, the address of a file that is written when the step is sent, with `font_urls`.
create function private.burn_in_steps(
  p_settings jsonb,
  p_video jsonb
)
returns jsonb
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  v_fonts jsonb;
begin
  if not coalesce((p_settings ->> 'burn_in')::boolean, false) then
    return '[]';
  end if;
  v_fonts := private.fonts_of(coalesce((
    select string_agg(subtitle ->> 'text', ' ') from jsonb_array_elements(p_settings -> 'subtitles') as subtitle), ''),
    private.has_bold_subtitles(p_settings));
  return private.pipeline_step('subtitles', p_settings || jsonb_build_object(
      'video', p_video,
      'srt', jsonb_build_object('subtitle_file', 'srt', 'fonts', v_fonts),
      'ass', jsonb_build_object('subtitle_file', 'ass', 'fonts', v_fonts),
      'font_urls', (select jsonb_agg(font -> 'url' order by place)
        from jsonb_array_elements(v_fonts) with ordinality as listed (font, place))),
    '["subtitles"]', coalesce(p_settings -> 'deliver_without' ? 'subtitles', false));
end;
$$;

revoke execute on function private.burn_in_steps(jsonb, jsonb) from public, anon, authenticated;
grant execute on function private.burn_in_steps(jsonb, jsonb) to anon, authenticated, service_role;

-- Lists the subtitles that are too long to be drawn, as issues. Postgres normalizes a text in a time that grows with the
-- square of its length: 60,000 combining marks took 85 seconds, and any visitor may ask for a price.
create function private.too_long_subtitles(
  p_settings jsonb
)
returns jsonb
language plpgsql
immutable
security invoker
set search_path = ''
as $$
begin
  return (
    select coalesce(jsonb_agg(jsonb_build_object(
        'path', format('settings.subtitles.%s.text', place - 1), 'message', 'must be 1 to 500 characters') order by place)
        filter (where char_length(subtitle ->> 'text') > 500), '[]')
      || case when sum(char_length(subtitle ->> 'text')) > 5000 then jsonb_build_object('path', 'settings.subtitles',
        'message', 'must be at most 5000 characters together where burn_in is true') else '[]' end
    from jsonb_array_elements(p_settings -> 'subtitles') with ordinality as listed (subtitle, place));
end;
$$;

revoke execute on function private.too_long_subtitles(jsonb) from public, anon, authenticated;
grant execute on function private.too_long_subtitles(jsonb) to anon, authenticated, service_role;

-- Lists the subtitles that cannot be drawn, as issues, if they are to be drawn: those with a character that no font has,
-- and all of them if nothing of them can be seen, such as emoji alone.
create function private.undrawable_subtitles(
  p_settings jsonb
)
returns jsonb
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  v_issues jsonb;
  v_is_seen boolean;
begin
  if not coalesce((p_settings ->> 'burn_in')::boolean, false) then
    return '[]';
  end if;
  v_issues := private.too_long_subtitles(p_settings);
  if v_issues <> '[]' then
    return v_issues;
  end if;
  select
    coalesce(jsonb_agg(jsonb_build_object(
      'path', format('settings.subtitles.%s.text', place - 1),
      'message', 'must not have characters that cannot be drawn into the picture: ' || left(unknown, 20)) order by place)
      filter (where unknown is not null), '[]'),
    -- Null where there is no text: a price is asked for without one.
    bool_or(count > 0) filter (where subtitle ->> 'text' is not null)
  into v_issues, v_is_seen
  from jsonb_array_elements(p_settings -> 'subtitles') with ordinality as listed (subtitle, place), lateral (
    select count(*), string_agg(letter, '' order by letter collate "C") filter (where font_rank is null) as unknown
    from private.drawn_characters(subtitle ->> 'text', private.has_bold_subtitles(p_settings))) as found;
  return v_issues || case when not v_is_seen then jsonb_build_object('path', 'settings.burn_in',
    'message', 'must be false: nothing of the subtitles can be drawn into the picture') else '[]' end;
end;
$$;

revoke execute on function private.undrawable_subtitles(jsonb) from public, anon, authenticated;
grant execute on function private.undrawable_subtitles(jsonb) to anon, authenticated, service_role;
