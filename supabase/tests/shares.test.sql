begin;
select plan(30);
\ir support/jobs.psql
update public.app_settings set public_functions_url = 'https://example.com/functions/v1';

create function pg_temp.share(p_name text, p_seconds integer default null, p_user uuid default pg_temp.a())
returns jsonb language sql as
  $$ select public.share_video(p_user, pg_temp.job(p_name), 'A title', p_seconds) $$;
create function pg_temp.token(p_share jsonb) returns text language sql as $$ select p_share #>> '{share,token}' $$;
-- The secrets of links by name.
create temp table links (name text, token text);
create function pg_temp.keep(p_name text, p_share jsonb) returns jsonb language sql as
  $$ insert into links values (p_name, pg_temp.token(p_share)); select p_share $$;
-- The file that a link shows, or null.
create function pg_temp.shown(p_name text) returns text language sql as
  $$ select public.read_share(token) ->> 'video_path' from links where name = p_name $$;
create function pg_temp.finish(p_name text, p_user uuid default pg_temp.a()) returns void language sql as $$
  select pg_temp.start(p_name, '{}', p_user);
  select pg_temp.make(p_name);
  select pg_temp.complete(p_name);
$$;

select pg_temp.finish('one'), pg_temp.finish('two'), pg_temp.finish('foreign', pg_temp.b());
select pg_temp.start('running'), pg_temp.start('failed'), pg_temp.fail('failed');

-- Making links.
select is(pg_temp.share('foreign'), null, 'a stranger''s video cannot be shared');
select is(public.share_video(pg_temp.a(), gen_random_uuid()), null, 'nor one that does not exist');
select throws_ok(
  $$ select public.share_video(gen_random_uuid(), pg_temp.job('one')) $$, 'PT401', null,
  'nor by a user without an account');
select is(
  pg_temp.share('running'), '{"outcome": "not_shareable", "status": "pending"}'::jsonb, 'a job that runs has no link');
select is(pg_temp.share('failed') ->> 'outcome', 'not_shareable', 'nor has a refunded one');
select is_empty('select from private.video_shares', 'none of them left a link');

create temp table made as select pg_temp.keep('one', pg_temp.share('one')) as share;
select is(share ->> 'outcome', 'shared', 'a finished video is shared') from made;
select matches(pg_temp.token(share), '^[A-Za-z0-9_-]{32}$', 'its secret has 192 bits') from made;
select is(
  share #>> '{share,url}', 'https://example.com/functions/v1/share/' || pg_temp.token(share),
  'the address of the link is below that of the functions') from made;
select is(share -> 'has_thumbnail', 'false', 'it has no thumbnail') from made;
select is_empty(
  $$ select from private.video_shares as shares, links
    where position(token in to_jsonb(shares)::text || encode(token_hash, 'escape')) > 0 $$,
  'the secret of a link is not stored');
select is(pg_temp.shown('one'), 'one.mp4', 'the link shows the video');
select is(
  public.read_share(token) - 'job_id' - 'url', jsonb_build_object(
    'title', 'A title', 'video_path', 'one.mp4', 'video_url', null, 'thumbnail_path', null, 'thumbnail_url', null,
    'subtitles_path', null, 'aspect_ratio', null, 'has_drawn_subtitles', false,
    'seconds_left', null),
  'and nothing of the owner or the prompt') from links;
select is(public.read_share('guess'), null, 'a guessed secret shows nothing');
select is(
  public.read_share(encode(token_hash, 'hex')), null, 'nor does what is stored of a secret')
from private.video_shares;

-- Revoking.
select pg_temp.keep('another', pg_temp.share('one'));
select is(public.revoke_shares(pg_temp.b(), pg_temp.job('one')), null, 'a stranger revokes nothing');
select throws_ok(
  $$ select public.revoke_shares(gen_random_uuid(), pg_temp.job('one')) $$, 'PT401', null,
  'nor does a user without an account');
select is(
  public.revoke_shares(pg_temp.a(), pg_temp.job('one'), (share #>> '{share,share_id}')::uuid), 1,
  'one link can be revoked') from made;
select results_eq(
  'select name, pg_temp.shown(name) from links order by name', $$ values ('another', 'one.mp4'), ('one', null) $$,
  'and only that one shows nothing any more');
select is(
  public.revoke_shares(pg_temp.a(), pg_temp.job('two'), (select share_id from private.video_shares)), 0,
  'a link of another video is not revoked');
select is(public.revoke_shares(pg_temp.a(), pg_temp.job('one')), 1, 'all links of a video can be revoked');
select is(public.revoke_shares(pg_temp.a(), pg_temp.job('one')), 0, 'and again');

-- Expiring.
select pg_temp.keep('short', pg_temp.share('one', 60));
set local test.now = '2030-01-01 12:00:59+00';
select is(pg_temp.shown('short'), 'one.mp4', 'a link works until it expires');
set local test.now = '2030-01-01 12:01:00+00';
select is(pg_temp.shown('short'), null, 'and not a second longer');
select pg_temp.share('one') from generate_series(1, 100);
select is(
  pg_temp.share('one'), '{"outcome": "share_limit_reached", "limit": 100}'::jsonb,
  'a video has a hundred links, and expired ones do not count');

-- Gone with the video.
select pg_temp.keep('two', pg_temp.share('two')), pg_temp.keep('foreign', pg_temp.share('foreign', null, pg_temp.b()));
select public.delete_videos(pg_temp.a(), array[pg_temp.job('two')]);
select is(pg_temp.shown('two'), null, 'the link of a deleted video shows nothing');
delete from auth.users where id = pg_temp.b();
select is(pg_temp.shown('foreign'), null, 'nor does one of a deleted user');

-- For procedures that make a link in the transaction that ends a job.
create temp table early as select private.create_share(pg_temp.job('running')) as share;
select is(public.read_share(share ->> 'token'), null, 'a link that is made before the video shows nothing') from early;
select pg_temp.make('running'), pg_temp.complete('running');
select is(public.read_share(share ->> 'token') ->> 'video_path', 'running.mp4', 'until the video is there') from early;
update public.app_settings set public_functions_url = null;
select is(private.share_url('x'), null, 'a link has no address where that of the functions is not known');

select * from finish();
rollback;
