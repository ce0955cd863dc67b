-- The private bucket of finished videos: videos/{user_id}/{job_id}.mp4, and beside it _thumb.jpg and .vtt.
-- It has no policy: a file is there before its video is delivered, and may be refunded instead. Users get signed URLs of
-- what was delivered to them, by the functions alone; by a token of their own they could sign some that live for years.
insert into storage.buckets (id, name, public, file_size_limit, allowed_mime_types)
values ('videos', 'videos', false, 524288000, array[
  'video/mp4', 'video/webm', 'video/quicktime', 'image/jpeg', 'image/png', 'image/webp', 'text/vtt']);

-- What users give: inputs/{user_id}/{name}, a private bucket. It has no policy, as that of the videos has none: nobody but
-- the functions reads or signs.
insert into storage.buckets (id, name, public, file_size_limit, allowed_mime_types)
values ('inputs', 'inputs', false, 10485760, array['image/jpeg', 'image/png', 'image/webp', 'image/gif']);
