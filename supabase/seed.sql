-- The catalogue. Prices are a start: about one credit for ten US cents of fal's own price, per second of video.
-- Running it again changes nothing that is there: edit prices in the table, not here.
-- docs/models.md describes settings_schema; inputs, values and limits are those of the providers' published schemas.

insert into public.models (
  id, name, description, category, provider, provider_model_id, pricing_type, cost_per_second,
  typical_seconds, is_featured, is_default, settings_schema)
values
  ('6f1d3c52-0b0e-4c53-9d5a-2f6f5b1a0001', 'Kling 3 Standard', 'Text to video, 3 to 15 seconds, with sound',
    'text-to-video', 'fal', 'fal-ai/kling-video/v3/standard/text-to-video', 'per_second', 1, 120, true, false, '{
      "settings": {
        "duration": { "values": [3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15], "default": 5, "auto": 5, "input": "duration", "format": "{}" },
        "resolution": { "values": ["720p"], "default": "720p", "auto": "720p" },
        "aspect_ratio": { "values": ["16:9", "9:16", "1:1"], "default": "16:9", "auto": "16:9", "input": "aspect_ratio" },
        "fps": { "values": [30], "default": 30 },
        "negative_prompt": { "type": "text", "max_length": 2500, "input": "negative_prompt" },
        "cfg": { "type": "number", "minimum": 0, "maximum": 1, "input": "cfg_scale" },
        "generate_audio": { "type": "boolean", "default": true, "input": "generate_audio" }
      }
    }'),
  ('6f1d3c52-0b0e-4c53-9d5a-2f6f5b1a0002', 'Kling 3 Standard (image)', 'Image to video, 3 to 15 seconds, with sound',
    'image-to-video', 'fal', 'fal-ai/kling-video/v3/standard/image-to-video', 'per_second', 1, 120, false, false, '{
      "image_url": { "input": "start_image_url", "required": true },
      "settings": {
        "duration": { "values": [3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15], "default": 5, "auto": 5, "input": "duration", "format": "{}" },
        "resolution": { "values": ["720p"], "default": "720p", "auto": "720p" },
        "aspect_ratio": { "values": ["auto"], "default": "auto" },
        "fps": { "values": [30], "default": 30 },
        "negative_prompt": { "type": "text", "max_length": 2500, "input": "negative_prompt" },
        "cfg": { "type": "number", "minimum": 0, "maximum": 1, "input": "cfg_scale" },
        "generate_audio": { "type": "boolean", "default": true, "input": "generate_audio" }
      }
    }'),
  ('6f1d3c52-0b0e-4c53-9d5a-2f6f5b1a0003', 'Veo 3.1', 'Text to video by Google, up to 4K, with sound',
    'text-to-video', 'fal', 'fal-ai/veo3.1', 'per_second', 4, 90, false, false, '{
      "settings": {
        "duration": { "values": [4, 6, 8], "default": 8, "auto": 8, "input": "duration", "format": "{}s" },
        "resolution": { "values": ["720p", "1080p", "4k"], "default": "720p", "auto": "720p", "input": "resolution", "price_factor": { "4k": 1.5 } },
        "aspect_ratio": { "values": ["16:9", "9:16"], "default": "16:9", "auto": "16:9", "input": "aspect_ratio" },
        "fps": { "values": [24], "default": 24 },
        "negative_prompt": { "type": "text", "max_length": 2000, "input": "negative_prompt" },
        "seed": { "type": "integer", "minimum": 0, "maximum": 4294967295, "input": "seed" },
        "generate_audio": { "type": "boolean", "default": true, "input": "generate_audio", "price_factor": { "false": 0.5 } }
      }
    }'),
  ('6f1d3c52-0b0e-4c53-9d5a-2f6f5b1a0004', 'Veo 3.1 Fast', 'Text to video by Google, quicker and cheaper',
    'text-to-video', 'fal', 'fal-ai/veo3.1/fast', 'per_second', 2, 60, false, true, '{
      "settings": {
        "duration": { "values": [4, 6, 8], "default": 8, "auto": 8, "input": "duration", "format": "{}s" },
        "resolution": { "values": ["720p", "1080p", "4k"], "default": "720p", "auto": "720p", "input": "resolution", "price_factor": { "4k": 2 } },
        "aspect_ratio": { "values": ["16:9", "9:16"], "default": "16:9", "auto": "16:9", "input": "aspect_ratio" },
        "fps": { "values": [24], "default": 24 },
        "negative_prompt": { "type": "text", "max_length": 2000, "input": "negative_prompt" },
        "seed": { "type": "integer", "minimum": 0, "maximum": 4294967295, "input": "seed" },
        "generate_audio": { "type": "boolean", "default": true, "input": "generate_audio", "price_factor": { "false": 0.7 } }
      }
    }'),
  ('6f1d3c52-0b0e-4c53-9d5a-2f6f5b1a0005', 'Veo 3.1 (image)', 'Image to video by Google, up to 4K, with sound',
    'image-to-video', 'fal', 'fal-ai/veo3.1/image-to-video', 'per_second', 4, 90, false, false, '{
      "image_url": { "input": "image_url", "required": true },
      "settings": {
        "duration": { "values": [4, 6, 8], "default": 8, "auto": 8, "input": "duration", "format": "{}s" },
        "resolution": { "values": ["720p", "1080p", "4k"], "default": "720p", "auto": "720p", "input": "resolution", "price_factor": { "4k": 1.5 } },
        "aspect_ratio": { "values": ["auto", "16:9", "9:16"], "default": "auto", "input": "aspect_ratio" },
        "fps": { "values": [24], "default": 24 },
        "negative_prompt": { "type": "text", "max_length": 2000, "input": "negative_prompt" },
        "seed": { "type": "integer", "minimum": 0, "maximum": 4294967295, "input": "seed" },
        "generate_audio": { "type": "boolean", "default": true, "input": "generate_audio", "price_factor": { "false": 0.5 } }
      }
    }'),
  ('6f1d3c52-0b0e-4c53-9d5a-2f6f5b1a0006', 'Veo 3.1 Fast (image)', 'Image to video by Google, quicker and cheaper',
    'image-to-video', 'fal', 'fal-ai/veo3.1/fast/image-to-video', 'per_second', 2, 60, false, true, '{
      "image_url": { "input": "image_url", "required": true },
      "settings": {
        "duration": { "values": [4, 6, 8], "default": 8, "auto": 8, "input": "duration", "format": "{}s" },
        "resolution": { "values": ["720p", "1080p", "4k"], "default": "720p", "auto": "720p", "input": "resolution", "price_factor": { "4k": 2 } },
        "aspect_ratio": { "values": ["auto", "16:9", "9:16"], "default": "auto", "input": "aspect_ratio" },
        "fps": { "values": [24], "default": 24 },
        "negative_prompt": { "type": "text", "max_length": 2000, "input": "negative_prompt" },
        "seed": { "type": "integer", "minimum": 0, "maximum": 4294967295, "input": "seed" },
        "generate_audio": { "type": "boolean", "default": true, "input": "generate_audio", "price_factor": { "false": 0.7 } }
      }
    }'),
  ('6f1d3c52-0b0e-4c53-9d5a-2f6f5b1a0007', 'Wan 2.7 (image)', 'Image to video, 2 to 15 seconds',
    'image-to-video', 'fal', 'fal-ai/wan/v2.7/image-to-video', 'per_second', 1, 150, false, false, '{
      "image_url": { "input": "image_url", "required": true },
      "settings": {
        "duration": { "values": [2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15], "default": 5, "auto": 5, "input": "duration" },
        "resolution": { "values": ["720p", "1080p"], "default": "1080p", "auto": "1080p", "input": "resolution" },
        "aspect_ratio": { "values": ["auto"], "default": "auto" },
        "negative_prompt": { "type": "text", "max_length": 500, "input": "negative_prompt" },
        "seed": { "type": "integer", "minimum": 0, "maximum": 2147483647, "input": "seed" }
      }
    }')
on conflict (id) do nothing;

-- Transitions, from a first image to a last one. POST /transitions/… uses the first of them unless the request names
-- another; `segments` are the lengths that the model itself makes, longer and shorter ones are made of them.
with extras (settings) as (
  select private.extra_settings() || '{
    "transition_type": {
      "values": ["FADE", "SLIDE", "ZOOM", "WIPE", "MORPH", "BLUR", "ROTATE", "ENERGETIC", "CALM"], "default": "MORPH",
      "phrases": {
        "FADE": "The first image fades smoothly into the last.",
        "SLIDE": "The last image slides in and pushes the first one out.",
        "ZOOM": "The camera zooms through the first image into the last.",
        "WIPE": "A wipe uncovers the last image across the first.",
        "MORPH": "The first image morphs continuously into the last.",
        "BLUR": "The first image blurs out of focus, and the last comes into focus.",
        "ROTATE": "The camera rotates from the first image to the last.",
        "ENERGETIC": "A fast, energetic move with whip pans from the first image to the last.",
        "CALM": "A slow, calm move from the first image to the last." } }
  }'::jsonb
)
insert into public.models (
  id, name, description, category, provider, provider_model_id, pricing_type, cost_per_second,
  typical_seconds, is_featured, settings_schema)
select
  id::uuid, name, description, 'transition', 'fal', provider_model_id, 'per_second', cost_per_second, typical_seconds,
  is_featured, jsonb_set(schema::jsonb, '{settings}', schema::jsonb -> 'settings' || extras.settings)
from extras, (values
  ('6f1d3c52-0b0e-4c53-9d5a-2f6f5b1a000e', 'Kling 3 Standard (transition)',
    'From one image to another, 1 to 60 seconds, with music, voiceover and subtitles as asked',
    'fal-ai/kling-video/v3/standard/image-to-video', 1, 120, true, '{
      "image_url": { "input": "start_image_url", "required": true },
      "tail_image_url": { "input": "end_image_url", "required": true },
      "fixed_input": { "generate_audio": false },
      "segments": { "minimum": 3, "maximum": 15, "input": "duration", "format": "{}" },
      "settings": { "duration": { "type": "integer", "minimum": 1, "maximum": 60, "default": 5 } }
    }'),
  ('6f1d3c52-0b0e-4c53-9d5a-2f6f5b1a000f', 'Veo 3.1 Fast (transition)',
    'From one image to another by Google, 4, 6 or 8 seconds, with music, voiceover and subtitles as asked',
    'fal-ai/veo3.1/fast/first-last-frame-to-video', 2, 60, false, '{
      "image_url": { "input": "first_frame_url", "required": true },
      "tail_image_url": { "input": "last_frame_url", "required": true },
      "fixed_input": { "generate_audio": false },
      "settings": { "duration": { "values": [4, 6, 8], "default": 8, "input": "duration", "format": "{}s" } }
    }')
) as own (id, name, description, provider_model_id, cost_per_second, typical_seconds, is_featured, schema)
on conflict (id) do nothing;

-- Veo by Google itself, and models of one's own on RunPod: they wait for a key, or for your endpoint's id.
-- Google makes 1080p and 4k only of 8 seconds, which settings_schema cannot say, so 1080p is a model of its own.
insert into public.models (
  id, name, description, category, provider, provider_model_id, pricing_type, cost_per_second, cost_per_generation,
  typical_seconds, files_are_public, is_available, unavailable_reason, settings_schema)
values
  ('6f1d3c52-0b0e-4c53-9d5a-2f6f5b1a000a', 'Veo 3.1 Fast (Google)', 'Text to video by Google itself, with sound',
    'text-to-video', 'veo', 'veo-3.1-fast-generate-preview', 'per_second', 1, null, 90,
    false, false, 'Set GEMINI_API_KEY: see docs/providers.md', '{
      "settings": {
        "duration": { "values": [4, 6, 8], "default": 8, "auto": 8, "input": "durationSeconds" },
        "resolution": { "values": ["720p"], "default": "720p", "auto": "720p", "input": "resolution" },
        "aspect_ratio": { "values": ["16:9", "9:16"], "default": "16:9", "auto": "16:9", "input": "aspectRatio" },
        "fps": { "values": [24], "default": 24 },
        "negative_prompt": { "type": "text", "max_length": 2000, "input": "negativePrompt" },
        "seed": { "type": "integer", "minimum": 0, "maximum": 4294967295, "input": "seed" }
      }
    }'),
  ('6f1d3c52-0b0e-4c53-9d5a-2f6f5b1a000b', 'Veo 3.1 Fast HD (Google)', 'Text to video by Google itself, 8 seconds in 1080p',
    'text-to-video', 'veo', 'veo-3.1-fast-generate-preview', 'per_second', 1, null, 120,
    false, false, 'Set GEMINI_API_KEY: see docs/providers.md', '{
      "settings": {
        "duration": { "values": [8], "default": 8, "auto": 8, "input": "durationSeconds" },
        "resolution": { "values": ["1080p"], "default": "1080p", "auto": "1080p", "input": "resolution", "price_factor": { "1080p": 1.2 } },
        "aspect_ratio": { "values": ["16:9", "9:16"], "default": "16:9", "auto": "16:9", "input": "aspectRatio" },
        "fps": { "values": [24], "default": 24 },
        "negative_prompt": { "type": "text", "max_length": 2000, "input": "negativePrompt" },
        "seed": { "type": "integer", "minimum": 0, "maximum": 4294967295, "input": "seed" }
      }
    }'),
  ('6f1d3c52-0b0e-4c53-9d5a-2f6f5b1a000c', 'Veo 3.1 Fast (Google, image)', 'Image to video by Google itself, with sound',
    'image-to-video', 'veo', 'veo-3.1-fast-generate-preview', 'per_second', 1, null, 90,
    false, false, 'Set GEMINI_API_KEY: see docs/providers.md', '{
      "image_url": { "input": "image_url", "required": true },
      "fixed_input": { "personGeneration": "allow_adult" },
      "settings": {
        "duration": { "values": [4, 6, 8], "default": 8, "auto": 8, "input": "durationSeconds" },
        "resolution": { "values": ["720p"], "default": "720p", "auto": "720p", "input": "resolution" },
        "aspect_ratio": { "values": ["16:9", "9:16"], "default": "16:9", "auto": "16:9", "input": "aspectRatio" },
        "fps": { "values": [24], "default": 24 },
        "negative_prompt": { "type": "text", "max_length": 2000, "input": "negativePrompt" },
        "seed": { "type": "integer", "minimum": 0, "maximum": 4294967295, "input": "seed" }
      }
    }'),
  ('6f1d3c52-0b0e-4c53-9d5a-2f6f5b1a000d', 'Wan 2.2 (your own)', 'Text to video on your own RunPod endpoint',
    'text-to-video', 'runpod', 'your-endpoint-id', 'per_generation', null, 5, 240,
    true, false, 'Set RUNPOD_API_KEY and your endpoint''s id: see docs/providers.md', '{
      "prompt": { "input": "positive_prompt" },
      "settings": {
        "negative_prompt": { "type": "text", "max_length": 2000, "default": "", "input": "negative_prompt" },
        "width": { "values": [480, 640, 720, 832, 1280], "default": 832, "input": "width" },
        "height": { "values": [480, 640, 720, 832, 1280], "default": 480, "input": "height" },
        "seed": { "type": "integer", "minimum": 0, "maximum": 4294967295, "input": "seed" },
        "steps": { "type": "integer", "minimum": 1, "maximum": 50, "default": 20, "input": "steps" },
        "cfg": { "type": "number", "minimum": 1, "maximum": 20, "default": 5, "input": "cfg" },
        "num_frames": { "values": [17, 33, 49, 65, 81], "default": 81, "input": "num_frames" }
      }
    }'),
  -- OpenV's published worker, https://github.com/MALPV/worker-mochi: Mochi makes 6 frames at a time, and one more.
  ('6f1d3c52-0b0e-4c53-9d5a-2f6f5b1a0010', 'Mochi 1 (your own)', 'Text to video in 848×480 on your own RunPod endpoint',
    'text-to-video', 'runpod', 'your-mochi-endpoint-id', 'per_generation', null, 5, 240,
    true, false, 'Set RUNPOD_API_KEY and your endpoint''s id: see docs/providers.md', '{
      "prompt": { "input": "positive_prompt" },
      "settings": {
        "negative_prompt": { "type": "text", "max_length": 2000, "default": "", "input": "negative_prompt" },
        "width": { "values": [848], "default": 848, "input": "width" },
        "height": { "values": [480], "default": 480, "input": "height" },
        "fps": { "values": [24], "default": 24 },
        "seed": { "type": "integer", "minimum": 0, "maximum": 4294967295, "input": "seed" },
        "steps": { "type": "integer", "minimum": 1, "maximum": 100, "default": 40, "input": "steps" },
        "cfg": { "type": "number", "minimum": 1, "maximum": 20, "default": 6, "input": "cfg" },
        "num_frames": { "values": [7, 13, 19, 25, 31, 37, 43, 49, 55, 61, 67, 73, 79, 85, 91, 97, 103, 109, 115, 121, 127], "default": 31, "input": "num_frames" }
      }
    }')
on conflict (id) do nothing;

-- Named by the seeds of this product, and gone: the rows stay so that apps can say why.
insert into public.models (
  id, name, description, category, provider, provider_model_id, pricing_type, cost_per_second,
  is_available, unavailable_reason, settings_schema)
values
  ('6f1d3c52-0b0e-4c53-9d5a-2f6f5b1a0008', 'Sora 2', 'Text to video by OpenAI', 'text-to-video', 'fal',
    'fal-ai/sora-2/text-to-video', 'per_second', 1, false, 'OpenAI switched Sora 2 off on 2026-09-24.', '{
      "settings": {
        "duration": { "values": [4, 8, 12], "default": 4, "auto": 4, "input": "duration" },
        "resolution": { "values": ["720p"], "default": "720p", "auto": "720p", "input": "resolution" },
        "aspect_ratio": { "values": ["16:9", "9:16"], "default": "16:9", "auto": "16:9", "input": "aspect_ratio" }
      }
    }'),
  ('6f1d3c52-0b0e-4c53-9d5a-2f6f5b1a0009', 'Sora 2 (image)', 'Image to video by OpenAI', 'image-to-video', 'fal',
    'fal-ai/sora-2/image-to-video', 'per_second', 1, false, 'OpenAI switched Sora 2 off on 2026-09-24.', '{
      "image_url": { "input": "image_url", "required": true },
      "settings": {
        "duration": { "values": [4, 8, 12], "default": 4, "auto": 4, "input": "duration" },
        "resolution": { "values": ["auto", "720p"], "default": "auto", "input": "resolution" },
        "aspect_ratio": { "values": ["auto", "16:9", "9:16"], "default": "auto", "input": "aspect_ratio" }
      }
    }')
on conflict (id) do nothing;
