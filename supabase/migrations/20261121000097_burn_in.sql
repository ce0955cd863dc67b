-- Subtitles in the picture: the step that draws them, and the texts that it cannot draw.

-- Whether resolved settings ask for a bold font. The words of an animated style do not move in the picture.
create function private.has_bold_subtitles(
  p_settings jsonb
)
returns boolean
language sql
immutable
security invoker
set search_path = ''
as $$
  select coalesce(p_settings ->> 'subtitle_style' in ('bold', 'animated'), false);
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
language sql
stable
security invoker
set search_path = ''
as $$
  select coalesce((
    select private.pipeline_step('subtitles', p_settings || jsonb_build_object(
        'video', p_video,
        'srt', jsonb_build_object('subtitle_file', 'srt', 'fonts', fonts),
        'ass', jsonb_build_object('subtitle_file', 'ass', 'fonts', fonts),
        'font_urls', (select jsonb_agg(font -> 'url' order by place)
          from jsonb_array_elements(fonts) with ordinality as listed (font, place))),
      '["subtitles"]', coalesce(p_settings -> 'deliver_without' ? 'subtitles', false))
    from private.fonts_of(coalesce((
      select string_agg(subtitle ->> 'text', ' ') from jsonb_array_elements(p_settings -> 'subtitles') as subtitle), ''),
      private.has_bold_subtitles(p_settings)) as fonts
    where (p_settings ->> 'burn_in')::boolean), '[]');
$$;

revoke execute on function private.burn_in_steps(jsonb, jsonb) from public, anon, authenticated;
grant execute on function private.burn_in_steps(jsonb, jsonb) to anon, authenticated, service_role;

-- Lists the subtitles that no font can draw, as issues, if they are to be drawn.
create function private.undrawable_subtitles(
  p_settings jsonb
)
returns jsonb
language sql
stable
security invoker
set search_path = ''
as $$
  select coalesce(jsonb_agg(jsonb_build_object(
    'path', format('settings.subtitles.%s.text', place - 1),
    'message', 'must not have characters that cannot be drawn into the picture: ' || left(letters, 20)) order by place), '[]')
  from (
    select place, (
      select string_agg(letter, '' order by letter collate "C")
      from private.drawn_characters(subtitle ->> 'text', private.has_bold_subtitles(p_settings))
      where font_rank is null) as letters
    from jsonb_array_elements(p_settings -> 'subtitles') with ordinality as listed (subtitle, place)
    where (p_settings ->> 'burn_in')::boolean) as found
  where letters is not null;
$$;

revoke execute on function private.undrawable_subtitles(jsonb) from public, anon, authenticated;
grant execute on function private.undrawable_subtitles(jsonb) to anon, authenticated, service_role;
