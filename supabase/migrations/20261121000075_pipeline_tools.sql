-- The tools that make a video besides its model: every known way to do a step of a job.

-- One row for each step and each provider that can do it; pipeline_steps chooses one of them. To change a tool, update
-- its row; docs/pipeline.md describes the format.
create table public.pipeline_tools (
  step text not null,
  provider text not null,
  provider_model_id text not null,
  -- The provider's input. { "from": name } stands for a value of the request, { "artifact": step } for what a step has
  -- made.
  input jsonb not null,
  typical_seconds integer not null default 10,
  max_run_seconds integer not null default 180,
  primary key (step, provider),
  constraint tool_provider_is_a_name check (provider ~ '^[a-z][a-z0-9_]*$'),
  constraint tool_times_are_positive check (typical_seconds > 0 and max_run_seconds > 0)
);

alter table public.pipeline_tools enable row level security;
create policy "Everybody reads what the steps are made by" on public.pipeline_tools
  for select to anon, authenticated using (true);
revoke all on public.pipeline_tools from anon, authenticated, service_role;
grant select on public.pipeline_tools to anon, authenticated;
grant select, insert, update, delete on public.pipeline_tools to service_role;

-- Models, inputs and values are those of the published schemas at fal.
insert into public.pipeline_tools (step, provider, provider_model_id, typical_seconds, input)
values
  ('voiceover', 'fal', 'fal-ai/kokoro/american-english', 10, '{
    "prompt": { "from": "voiceover_text" },
    "voice": { "from": "voice_type", "choices": { "male": "am_michael", "female": "af_heart", "neutral": "af_alloy" } }
  }'),
  ('music', 'fal', 'fal-ai/stable-audio-25/text-to-audio', 15, '{
    "prompt": { "from": "music_type", "choices": {
      "ambient": "Slow ambient pads, soft and spacious, instrumental",
      "upbeat": "Upbeat pop with bright guitars and claps, instrumental",
      "cinematic": "Cinematic orchestral build-up with strings and drums, instrumental",
      "calm": "Calm solo piano, warm and quiet, instrumental",
      "energetic": "Energetic electronic dance with driving drums, instrumental" } },
    "seconds_total": { "from": "duration" }
  }'),
  ('loudness', 'fal', 'fal-ai/ffmpeg-api/loudnorm', 5, '{
    "audio_url": { "artifact": "music" },
    "integrated_loudness": { "from": "music_loudness" }
  }'),
  ('mix', 'fal', 'fal-ai/ffmpeg-api/compose', 15, '{
    "tracks": { "from": "tracks" }
  }'),
  ('frame', 'fal', 'fal-ai/ffmpeg-api/extract-frame', 5, '{
    "video_url": { "from": "video" },
    "frame_type": "last"
  }'),
  ('join', 'fal', 'fal-ai/ffmpeg-api/merge-videos', 20, '{
    "video_urls": { "from": "videos" }
  }'),
  ('trim', 'fal', 'fal-ai/workflow-utilities/trim-video', 10, '{
    "video_url": { "from": "video" },
    "start_time": 0,
    "end_time": { "from": "duration" }
  }'),
  -- A run costs 0.0002 dollars per second of video.
  ('thumbnail', 'fal', 'fal-ai/ffmpeg-api/extract-frame', 5, '{
    "video_url": { "from": "video" },
    "frame_type": "first"
  }');

-- The models of rendi are the templates of our own adapter.
insert into public.pipeline_tools (step, provider, provider_model_id, typical_seconds, input)
values
  ('loudness', 'rendi', 'loudness', 5, '{
    "audio_url": { "artifact": "music" },
    "loudness": { "from": "music_loudness" }
  }'),
  ('mix', 'rendi', 'mix', 10, '{
    "video_url": { "from": "video" },
    "audio_urls": { "from": "sounds" },
    "seconds": { "from": "duration" }
  }'),
  ('frame', 'rendi', 'frame', 5, '{
    "video_url": { "from": "video" },
    "frame": "last"
  }'),
  ('join', 'rendi', 'join', 20, '{
    "video_urls": { "from": "videos" }
  }'),
  ('trim', 'rendi', 'trim', 10, '{
    "video_url": { "from": "video" },
    "seconds": { "from": "duration" }
  }'),
  ('thumbnail', 'rendi', 'frame', 5, '{
    "video_url": { "from": "video" },
    "frame": "first"
  }');

-- Every frame is drawn anew, which takes long for a long video.
insert into public.pipeline_tools (step, provider, provider_model_id, typical_seconds, max_run_seconds, input)
values
  -- A run costs 0.1 dollars per minute of video, at least one, and twice as much above 1080p.
  ('subtitles', 'fal', 'veed/subtitles', 30, 600, '{
    "video_url": { "from": "video" },
    "preset": { "from": "subtitle_style", "choices": {
      "default": "simple", "bold": "simple", "animated": "simple", "minimal": "plain" } },
    "srt_content": { "from": "srt" },
    "customization": {
      "position": { "from": "subtitle_position" },
      "shadow": { "from": "subtitle_style", "choices": {
        "default": "mid", "bold": "max", "animated": "max", "minimal": "none" } }
    }
  }'),
  ('subtitles', 'rendi', 'subtitles', 20, 600, '{
    "video_url": { "from": "video" },
    "subtitles_url": { "from": "ass" },
    "font_urls": { "from": "font_urls" }
  }');
