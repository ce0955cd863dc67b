-- Extras that a video is delivered without: what is charged, skipped and given back.
begin;
select plan(67);
\ir support/steps.psql

-- What is charged, and how long it may take.
create temp table answer as select pg_temp.start_transition('music', pg_temp.sounding('["music"]')) as json;
select is(
  json #> '{leased_job,start_within_seconds}', '900', 'a run may wait as long as its model says, whatever comes after it')
from answer;
select is(pg_temp.balance(), 98495, 'what is charged is what was quoted, extras and all');
select is((select credits_used from public.video_jobs where node_id = 'music'), 1505, 'and the job says so');
select is(
  (select step_names from public.video_jobs where node_id = 'music'),
  '{voiceover,music,loudness,generate,mix,thumbnail}', 'the job names its steps');
select is(
  (pg_temp.queued('music')).deadline_at, '2030-01-01 12:00:00+00'::timestamptz
    -- The start, the runs that must be (900, 180 and 180 seconds), and the patience with the others (180, 60 and 30).
    + make_interval(secs => 900 + 900 + 180 + 180 + 180 + 60 + 30),
  'its deadline has time for every run that it needs, and patience for the others');
select is((pg_temp.queued('music')).step_deadline_at, (pg_temp.queued('music')).deadline_at,
  'a step that the video needs may take all that time');

-- Without music.
create temp table before as select pg_temp.everything('music') as everything;
select is(pg_temp.skip('music') -> 'applied', 'false', 'a part that the owner insists on is not left out');
select is(pg_temp.everything('music'), everything, 'which changes nothing') from before;
select public.record_submission(pg_temp.job('music'), 1, 'run of voiceover');
select public.record_progress(pg_temp.job('music'), 1, 'generating', 50);
select is(pg_temp.state('music'), 'processing generating 3%', 'half of a short step is a small part of the whole');
select public.record_progress(pg_temp.job('music'), 1, 'generating', 100);
update answer set json = pg_temp.make_step('music');
select is(json #>> '{leased_job,step,name}', 'music', 'after the voice comes the music') from answer;
select is(pg_temp.state('music'), 'processing submitting 6%', 'percent does not fall between two steps');
select is(
  (select step_deadline_at - private.clock() from pg_temp.queued('music')), interval '180 seconds',
  'which the video waits for no longer than its patience');
select is(
  private.leased_job_json(null, pg_temp.queued('music'), false) -> 'start_within_seconds', '180',
  'and its run may wait as long');
update before set everything = pg_temp.everything('music');
select is(
  public.skip_step(pg_temp.job('music'), attempt) -> 'applied', 'false', who || ' leaves nothing out')
from (values (1, 'the attempt before'), (3, 'an attempt that was never made')) as stale (attempt, who);
select is(pg_temp.everything('music'), everything, 'what a stale worker leaves out changes nothing') from before;
update answer set json = pg_temp.skip('music');
select is(
  json #>> '{leased_job,step,name}', 'generate', 'who leaves the music out goes on with the picture: its loudness is passed over')
from answer;
select is(json #>> '{leased_job,action}', 'submit', 'and submits it at once') from answer;
-- Of 2430 seconds its own run (900), the mix (180) and the patience with the thumbnail (30) are kept.
select is(json #> '{leased_job,start_within_seconds}', '1320', 'which may wait while there is time for the rest') from answer;
select is(json #> '{job,skipped_extras}', '["music"]', 'the job tells what is left out') from answer;
select is(pg_temp.state('music'), 'processing submitting 19%', 'what was passed over counts as done');
select is((pg_temp.queued('music')).step_deadline_at, (pg_temp.queued('music')).deadline_at,
  'a picture may take the whole time');
select is(pg_temp.skip('music') -> 'applied', 'false', 'and is not left out');
update answer set json = pg_temp.make_step('music');
select is(json #>> '{leased_job,step,name}', 'mix', 'then comes the mix') from answer;
select is(pg_temp.state('music'), 'processing submitting 82%', 'steps count by their typical times');
select is((pg_temp.queued('music')).step_deadline_at, (pg_temp.queued('music')).deadline_at,
  'a mix that has a part which was insisted on may take the whole time');
select is(pg_temp.skip('music') -> 'applied', 'false', 'and is not left out either');
update answer set json = pg_temp.make_step('music');
select is(pg_temp.at('music'), 'thumbnail', 'then comes the thumbnail');
select is(json #> '{leased_job,start_within_seconds}', '30', 'which must be quick') from answer;
select is(pg_temp.refunds('music'), '', 'nothing is given back before the video is delivered');
select is(pg_temp.make_step('music') #>> '{leased_job,action}', 'store', 'and last the copy');
select is(pg_temp.skip('music') -> 'applied', 'false', 'when nothing can be left out any more');
select is(pg_temp.complete('music') #> '{job,credits_refunded}', '600',
  'a delivered job gives back what was paid for what is left out');
select is(pg_temp.refunds('music'), '600 skipped_extras_refund', 'exactly that');
select is(pg_temp.balance(), 99095, 'to its owner');
select is(pg_temp.complete('music') -> 'applied', 'false', 'a second delivery is none');
select is(
  public.fail_job(pg_temp.job('music'), (pg_temp.queued('music')).attempt, 'timeout', 'x') -> 'applied', 'false',
  'nor does it fail after that');
select is(pg_temp.balance(), 99095, 'and gives nothing back again');
select is(pg_temp.skip('music') -> 'applied', 'false', 'nothing is left out of a delivered video');
select is_empty('select * from public.audit_credits()', 'the books balance after a delivery in part');

-- Without any sound, and without a thumbnail.
create temp table accounts as select pg_temp.balance() as balance;
select pg_temp.start_transition('silent', pg_temp.sounding('["music", "voiceover"]'));
select is(
  (select step_deadline_at - private.clock() from pg_temp.queued('silent')), interval '120 seconds',
  'a first step that the video may do without is waited for no longer than its patience');
select pg_temp.skip('silent');
select is(
  pg_temp.at('silent') || ' ' || pg_temp.state('silent'), 'music pending submitting 6%',
  'without its voice a video still gets its music, pending until something is taken');
select pg_temp.skip('silent');
update answer set json = pg_temp.make_step('silent');
select is(json #>> '{leased_job,step,name}', 'thumbnail', 'a mix of which every part is left out is passed over') from answer;
select is(
  (select step_deadline_at - private.clock() from pg_temp.queued('silent')), interval '30 seconds',
  'no video waits for its thumbnail for long');
update answer set json = pg_temp.skip('silent');
select is(
  json #> '{job,skipped_extras}' || (json #> '{leased_job,action}'), '["music", "thumbnail", "voiceover", "store"]',
  'and none fails for it') from answer;
select pg_temp.complete('silent');
select is(pg_temp.refunds('silent'), '1500 skipped_extras_refund', 'a mix that nobody needed is given back too');
select is(pg_temp.balance(), balance - 5, 'the picture is not') from accounts;

select pg_temp.start_transition('mute', pg_temp.sounding('["music", "voiceover"]'));
select pg_temp.make_until('mute', 'mix'), pg_temp.skip('mute'), pg_temp.deliver('mute');
select is(
  (select skipped_extras from public.video_jobs where node_id = 'mute'), '{music,voiceover}',
  'whoever leaves out the mix leaves out all that it was to mix');
select is(pg_temp.refunds('mute'), '1500 skipped_extras_refund', 'which is given back, made or not');

select pg_temp.start_transition('faceless', '{}');
select pg_temp.make_step('faceless'), pg_temp.skip('faceless'), pg_temp.complete('faceless');
select is(pg_temp.refunds('faceless'), '', 'what was free is not given back');
select pg_temp.start_transition('whole', pg_temp.sounding('["music", "voiceover"]'));
select is(
  pg_temp.deliver('whole') #> '{job,status}' || jsonb_build_array(pg_temp.refunds('whole')), '["completed", ""]',
  'what could have been left out and was not is not given back');

-- A model that gives a thumbnail of its own.
select pg_temp.start_transition('pretty', '{}');
select public.record_submission(pg_temp.job('pretty'), 1, 'run');
update answer set json = public.advance_step(pg_temp.job('pretty'), 1,
  '{"video_url": "https://provider.test/v.mp4", "thumbnail_url": "https://provider.test/t.jpg"}');
select is(
  json #> '{leased_job,action}' || (json #> '{job,skipped_extras}'), '["store"]', 'a thumbnail that is there is not made again')
from answer;
select is(json #>> '{leased_job,artifacts,thumbnail,url}', 'https://provider.test/t.jpg', 'and is delivered') from answer;
select pg_temp.complete('pretty');

-- Failures after something was left out.
update accounts set balance = pg_temp.balance();
select pg_temp.start_transition('failed', pg_temp.sounding('["voiceover"]'));
select pg_temp.skip('failed'), pg_temp.make_step('failed');
select is(
  public.fail_job(pg_temp.job('failed'), 3, 'provider_error', 'x') #> '{job,credits_refunded}', '1505',
  'a job that fails without a part is refunded in full');
select is(pg_temp.refunds('failed'), '1505 generation_failed_refund', 'in one entry');
select is(public.fail_job(pg_temp.job('failed'), 3, 'provider_error', 'x') -> 'applied', 'false', 'and once');
select is(pg_temp.complete('failed') -> 'applied', 'false', 'nor is it delivered after that');
select is(pg_temp.balance(), balance, 'so that nothing was lost or won') from accounts;
select set_eq(
  $$ select path from private.files_to_delete where bucket = 'videos' $$,
  $$ select pg_temp.a() || '/' || pg_temp.job('failed') || ending
    from unnest(array['.mp4', '_thumb.jpg', '.vtt']) as ending $$,
  'the files that its first steps may have left are deleted');
select pg_temp.start_transition('refused', '{}');
select public.fail_job(pg_temp.job('refused'), 1, 'provider_error', 'x');
select is_empty(
  $$ select from private.files_to_delete where path like '%' || pg_temp.job('refused') || '%' $$,
  'a job that failed in its first step has none');
select pg_temp.start_transition('kind', pg_temp.sounding('["voiceover"]'));
select pg_temp.skip('kind');
select public.add_credits(pg_temp.a(), 100, 'by hand', pg_temp.job('kind'));
select pg_temp.deliver('kind');
select is(
  pg_temp.state('kind') || ' ' || pg_temp.refunds('kind'), 'completed completed 100% 100 by hand',
  'what support gave back by hand is not given back again');

-- The books.
select is_empty('select * from public.audit_credits()', 'the books balance after every kind of end');
create function pg_temp.audit_after(p_damage text) returns text language plpgsql as $$
declare
  v_found text;
begin
  begin
    alter table public.quota_log disable trigger user;
    alter table public.video_jobs drop constraint delivered_job_is_refunded_for_skipped_extras;
    execute p_damage;
    select string_agg(problem || ' ' || coalesce(node_id, 'user'), ', ' order by problem, node_id) into v_found
    from public.audit_credits() as audit left join public.video_jobs using (job_id);
    raise exception 'undo' using errcode = 'ZZ999';
  exception when sqlstate 'ZZ999' then
    return v_found;
  end;
end;
$$;
select matches(pg_temp.audit_after(damage), 'job_refunded_without_failing ' || node, 'the audit reports ' || what)
from (values
  ('a part that was left out and not given back', 'music',
    $$ delete from public.quota_log where job_id = pg_temp.job('music') and change > 0 $$),
  ('a part that was given back at another price', 'music',
    $$ update public.quota_log set change = 700 where job_id = pg_temp.job('music') and change > 0 $$),
  ('something free that was given back', 'faceless',
    $$ select public.add_credits(user_id, 1, 'x', job_id) from public.video_jobs where node_id = 'faceless' $$),
  ('a refund of a video that lacks nothing', 'whole',
    $$ select public.add_credits(user_id, 200, 'x', job_id) from public.video_jobs where node_id = 'whole' $$),
  ('a refund of a video that lacks nothing, though the job says so too', 'whole',
    $$ update public.video_jobs set credits_refunded = 200 where node_id = 'whole';
      select public.add_credits(user_id, 200, 'x', job_id) from public.video_jobs where node_id = 'whole' $$)
) as damages (what, node, damage);

select * from finish();
rollback;
