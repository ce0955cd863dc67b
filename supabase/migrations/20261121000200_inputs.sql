-- The private bucket of what users give: inputs/{user_id}/{name}. POST /uploads hands out the addresses to upload to.

insert into storage.buckets (id, name, public, file_size_limit, allowed_mime_types)
values ('inputs', 'inputs', false, 10485760, array['image/jpeg', 'image/png', 'image/webp', 'image/gif']);

create policy "Users read the files that they uploaded" on storage.objects
  for select to authenticated
  using (bucket_id = 'inputs' and (storage.foldername(name))[1] = (select auth.uid())::text);
