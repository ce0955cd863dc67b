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

-- Lists the subtitles that no font can draw, as issues, if they are to be drawn.
create function private.undrawable_subtitles(
  p_settings jsonb
)
returns jsonb
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  if not coalesce((p_settings ->> 'burn_in')::boolean, false) then
    return '[]';
  end if;
  return (
    select coalesce(jsonb_agg(jsonb_build_object(
      'path', format('settings.subtitles.%s.text', place - 1),
      'message', 'must not have characters that cannot be drawn into the picture: ' || left(letters, 20)) order by place), '[]')
    from (
      select place, (
        select string_agg(letter, '' order by letter collate "C")
        from private.drawn_characters(subtitle ->> 'text', private.has_bold_subtitles(p_settings))
        where font_rank is null) as letters
      from jsonb_array_elements(p_settings -> 'subtitles') with ordinality as listed (subtitle, place)) as found
    where letters is not null);
end;
$$;

revoke execute on function private.undrawable_subtitles(jsonb) from public, anon, authenticated;
grant execute on function private.undrawable_subtitles(jsonb) to anon, authenticated, service_role;
