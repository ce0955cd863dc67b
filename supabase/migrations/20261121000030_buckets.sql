-- The bucket of finished videos, private: videos/{user_id}/{job_id}.mp4, and beside it _thumb.jpg, .vtt and .ass. It has
-- no policy, because a file is there before its video is delivered, and the job may fail and be refunded. Only the
-- functions sign URLs, and only of what was delivered: with a policy a user could sign URLs that live for years.
insert into storage.buckets (id, name, public, file_size_limit, allowed_mime_types)
values ('videos', 'videos', false, 524288000, array[
  'video/mp4', 'video/webm', 'video/quicktime', 'image/jpeg', 'image/png', 'image/webp', 'text/vtt', 'text/x-ssa']);

-- The bucket of users' images, private: inputs/{user_id}/{name}. It has no policy either: only the functions read and
-- sign.
insert into storage.buckets (id, name, public, file_size_limit, allowed_mime_types)
values ('inputs', 'inputs', false, 10485760, array['image/jpeg', 'image/png', 'image/webp', 'image/gif']);
