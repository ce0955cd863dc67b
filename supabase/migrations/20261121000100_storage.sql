-- The private bucket of finished videos: videos/{user_id}/{job_id}.mp4, and beside it _thumb.jpg and .vtt.

insert into storage.buckets (id, name, public, file_size_limit, allowed_mime_types)
values ('videos', 'videos', false, 524288000, array[
  'video/mp4', 'video/webm', 'video/quicktime', 'image/jpeg', 'image/png', 'image/webp', 'text/vtt']);

-- Clients get signed URLs; reading by their own token works too. Nobody but the service role writes.
create policy "Users read the files of their own videos" on storage.objects
  for select to authenticated
  using (bucket_id = 'videos' and (storage.foldername(name))[1] = (select auth.uid())::text);
