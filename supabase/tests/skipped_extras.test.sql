-- Extras that a video is delivered without: what is charged, skipped and given back.
begin;
select plan(61);
\ir support/steps.psql

-- What is charged, and how long it may take.
create temp table answer as select pg_temp.start_transition('music', pg_temp.sounding('["music"]')) as json;
select is(
  json #> '{leased_job,start_within_seconds}', '900', 'a run may wait as long as its model says')
from answer;
select is(pg_temp.balance(), 98495, 'a job is charged its quote, with its extras');
select is((select credits_used from public.video_jobs where node_id = 'music'), 1505,
  'the job has the price with its extras');
select is(
  (select step_names from public.video_jobs where node_id = 'music'),
  '{voiceover,music,loudness,generate,mix}', 'the job names its steps');
select is(
  (pg_temp.queued('music')).deadline_at, '2030-01-01 12:00:00+00'::timestamptz
    -- The start, the runs that must be (900, 180 and 180 seconds), and the patience with the others (180 and 60).
    + make_interval(secs => 900 + 900 + 180 + 180 + 180 + 60),
  'the deadline has the time of each required run and the patience for each optional one');
select is((pg_temp.queued('music')).step_deadline_at, (pg_temp.queued('music')).deadline_at,
  'a required step may take until the deadline');

-- Without music.
create temp table before as select pg_temp.everything('music') as everything;
select is(pg_temp.skip('music') -> 'applied', 'false', 'a required step cannot be skipped');
select is(pg_temp.everything('music'), everything, 'a refused skip changes nothing') from before;
select public.record_submission(pg_temp.job('music'), 1, 'run of voiceover');
select public.record_progress(pg_temp.job('music'), 1, 'generating', 50);
select is(pg_temp.state('music'), 'processing generating 3%', 'half of a short step is a small part of the percent');
select public.record_progress(pg_temp.job('music'), 1, 'generating', 100);
update answer set json = pg_temp.make_step('music');
select is(json #>> '{leased_job,step,name}', 'music', 'the step after the voiceover is the music') from answer;
select is(pg_temp.state('music'), 'processing submitting 7%', 'the percent does not fall between two steps');
select is(
  (select step_deadline_at - private.clock() from pg_temp.queued('music')), interval '180 seconds',
  'an optional step has its patience as deadline');
select is(
  private.leased_job_json(null, pg_temp.queued('music'), false) -> 'start_within_seconds', '180',
  'the run of an optional step may wait as long as its patience');
update before set everything = pg_temp.everything('music');
select is(
  public.skip_step(pg_temp.job('music'), attempt) -> 'applied', 'false', who || ' skips nothing')
from (values (1, 'the attempt before'), (3, 'an attempt that was never made')) as stale (attempt, who);
select is(pg_temp.everything('music'), everything, 'a skip by a stale worker changes nothing') from before;
update answer set json = pg_temp.skip('music');
select is(
  json #>> '{leased_job,step,name}', 'generate', 'a skipped music skips its loudness too: the next step is the picture')
from answer;
select is(json #>> '{leased_job,action}', 'submit',
  'the worker that skips a step submits the next one at once') from answer;
-- Of 2400 seconds its own run (900) and the mix (180) are kept.
select is(json #> '{leased_job,start_within_seconds}', '1320',
  'a required run may wait while there is time for the other steps') from answer;
select is(json #> '{job,skipped_extras}', '["music"]', 'the job lists the skipped extras') from answer;
select is(pg_temp.state('music'), 'processing submitting 20%', 'skipped steps count as done in the percent');
select is((pg_temp.queued('music')).step_deadline_at, (pg_temp.queued('music')).deadline_at,
  'the picture may take until the deadline');
select is(pg_temp.skip('music') -> 'applied', 'false', 'the picture cannot be skipped');
update answer set json = pg_temp.make_step('music');
-- The action too: after the last step the lease still names it.
select is((json #>> '{leased_job,action}') || ' ' || (json #>> '{leased_job,step,name}'), 'submit mix',
  'a mix of which one part was made is not skipped') from answer;
select is(pg_temp.state('music'), 'processing submitting 85%', 'steps count by their typical times');
select is((pg_temp.queued('music')).step_deadline_at, (pg_temp.queued('music')).deadline_at,
  'a mix with a required part may take until the deadline');
select is(pg_temp.skip('music') -> 'applied', 'false', 'a mix with a required part cannot be skipped');
select is(pg_temp.refunds('music'), '', 'nothing is refunded before the video is delivered');
select is(pg_temp.make_step('music') #>> '{leased_job,action}', 'store', 'the video is stored after the last step');
select is(pg_temp.skip('music') -> 'applied', 'false', 'nothing can be skipped while the video is stored');
select is(pg_temp.complete('music') #> '{job,credits_refunded}', '600',
  'a delivered job refunds the price of its skipped extras');
select is(pg_temp.refunds('music'), '600 skipped_extras_refund', 'the ledger has the refund of the skipped extras');
select is(pg_temp.balance(), 99095, 'the user gets the refund of the skipped extras');
select is(pg_temp.complete('music') -> 'applied', 'false', 'a job without its extras is delivered once');
select is(
  public.fail_job(pg_temp.job('music'), (pg_temp.queued('music')).attempt, 'timeout', 'x') -> 'applied', 'false',
  'a job that was delivered without extras does not fail');
select is(pg_temp.balance(), 99095, 'skipped extras are refunded once');
select is(pg_temp.skip('music') -> 'applied', 'false', 'nothing can be skipped after the delivery');
select is_empty('select * from public.audit_credits()', 'the books balance after a delivery without extras');

-- Without any sound.
create temp table accounts as select pg_temp.balance() as balance;
select pg_temp.start_transition('silent', pg_temp.sounding('["music", "voiceover"]'));
select is(
  (select step_deadline_at - private.clock() from pg_temp.queued('silent')), interval '120 seconds',
  'an optional first step has its patience as deadline');
select pg_temp.skip('silent');
select is(
  pg_temp.at('silent') || ' ' || pg_temp.state('silent'), 'music pending submitting 6%',
  'a video without its voiceover still gets its music, and is pending until a submission is accepted');
select pg_temp.skip('silent');
update answer set json = pg_temp.make_step('silent');
select is(
  json #> '{job,skipped_extras}' || (json #> '{leased_job,action}'), '["music", "voiceover", "store"]',
  'a mix of which every part was skipped is skipped') from answer;
select pg_temp.complete('silent');
select is(pg_temp.refunds('silent'), '1500 skipped_extras_refund',
  'a mix of which every part was skipped is refunded too');
select is(pg_temp.balance(), balance - 5, 'the picture is not refunded') from accounts;

select pg_temp.start_transition('mute', pg_temp.sounding('["music", "voiceover"]'));
select pg_temp.make_until('mute', 'mix'), pg_temp.skip('mute'), pg_temp.deliver('mute');
select is(
  (select skipped_extras from public.video_jobs where node_id = 'mute'), '{music,voiceover}',
  'a skipped mix skips all its extras');
select is(pg_temp.refunds('mute'), '1500 skipped_extras_refund',
  'the extras of a skipped mix are refunded, even if they were made');

select pg_temp.start_transition('faceless', '{}');
select pg_temp.deliver('faceless'), public.give_up_thumbnail(pg_temp.job('faceless'), 2);
select pg_temp.start_transition('whole', pg_temp.sounding('["music", "voiceover"]'));
select is(
  pg_temp.deliver('whole') #> '{job,status}' || jsonb_build_array(pg_temp.refunds('whole')), '["completed", ""]',
  'an optional extra that was made is not refunded');

select pg_temp.start_transition('half', pg_temp.sounding('["music", "voiceover"]'));
select pg_temp.skip('half'), pg_temp.deliver('half');
select is(pg_temp.refunds('half'), '100 skipped_extras_refund',
  'an optional extra that was made is not refunded beside one that was skipped');

-- Failures after a skipped step.
update accounts set balance = pg_temp.balance();
select pg_temp.start_transition('failed', pg_temp.sounding('["voiceover"]'));
select pg_temp.skip('failed'), pg_temp.make_step('failed');
select is(
  public.fail_job(pg_temp.job('failed'), 3, 'provider_error', 'x') #> '{job,credits_refunded}', '1505',
  'a job that fails after a skipped step is refunded in full');
select is(pg_temp.refunds('failed'), '1505 generation_failed_refund', 'the refund of a failed job is one entry');
select is(public.fail_job(pg_temp.job('failed'), 3, 'provider_error',
  'x') -> 'applied', 'false', 'a job that fails after a skipped step fails once');
select is(pg_temp.complete('failed') -> 'applied', 'false', 'a failed job is not delivered');
select is(pg_temp.balance(), balance, 'a failed job leaves the balance as it was') from accounts;
select set_eq(
  $$ select path from private.files_to_delete where bucket = 'videos' $$,
  $$ select pg_temp.a() || '/' || pg_temp.job('failed') || ending
    from unnest(array['.mp4', '_thumb.jpg', '.vtt']) as ending $$,
  'the files of the first steps of a failed job are deleted');
select pg_temp.start_transition('refused', '{}');
select public.fail_job(pg_temp.job('refused'), 1, 'provider_error', 'x');
select is_empty(
  $$ select from private.files_to_delete where path like '%' || pg_temp.job('refused') || '%' $$,
  'a job that failed in its first step has no files to delete');
select pg_temp.start_transition('kind', pg_temp.sounding('["voiceover"]'));
select pg_temp.skip('kind');
select public.add_credits(pg_temp.a(), 100, 'by hand', pg_temp.job('kind'));
select pg_temp.deliver('kind');
select is(
  pg_temp.state('kind') || ' ' || pg_temp.refunds('kind'), 'completed completed 100% 100 by hand',
  'extras of a job that was refunded by hand are not refunded again');

-- The books.
select is_empty('select * from public.audit_credits()', 'the books balance after every kind of end');
create function pg_temp.audit_after(p_damage text) returns text language plpgsql as $$
declare
  v_found text;
begin
  begin
    alter table public.quota_log disable trigger user;
    alter table public.video_jobs disable trigger jobs_are_possible;
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
  ('a skipped extra without a refund', 'music',
    $$ delete from public.quota_log where job_id = pg_temp.job('music') and change > 0 $$),
  ('a refund of a skipped extra at another price', 'music',
    $$ update public.quota_log set change = 700 where job_id = pg_temp.job('music') and change > 0 $$),
  ('a refund of a free extra', 'faceless',
    $$ select public.add_credits(user_id, 1, 'x', job_id) from public.video_jobs where node_id = 'faceless' $$),
  ('a refund of a video with all its extras', 'whole',
    $$ select public.add_credits(user_id, 200, 'x', job_id) from public.video_jobs where node_id = 'whole' $$),
  ('a refund of a video with all its extras, even if the job has it too', 'whole',
    $$ update public.video_jobs set credits_refunded = 200 where node_id = 'whole';
      select public.add_credits(user_id, 200, 'x', job_id) from public.video_jobs where node_id = 'whole' $$)
) as damages (what, node, damage);

select * from finish();
rollback;
