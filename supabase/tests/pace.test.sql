-- When a client should ask again, and when the provider is asked: seldom at first, often near the expected end.
begin;
select plan(13);
\ir support/jobs.psql
update public.models set typical_seconds = 60 where name = 'Test';

create function pg_temp.at_second(p_second numeric) returns void language sql as $$
  select set_config('test.now', (timestamptz '2030-01-01 12:00:00+00' + make_interval(secs => p_second))::text, true)
$$;
create function pg_temp.pause(p_name text) returns numeric language sql as $$
  select (private.job_json(video_jobs) ->> 'poll_after_ms')::numeric / 1000 from public.video_jobs where node_id = p_name
$$;
-- A client that obeys asks for a run of so many seconds: how often until it knows, and how late that is.
create function pg_temp.ask_for(p_name text, p_seconds numeric) returns table (polls integer, late numeric, checks integer)
language plpgsql as $$
declare
  v_second numeric := 2;
  v_leased jsonb;
begin
  perform pg_temp.at_second(0);
  perform pg_temp.start(p_name), pg_temp.submit(p_name);
  polls := 0;
  checks := 0;
  loop
    perform pg_temp.at_second(v_second);
    polls := polls + 1;
    v_leased := public.lease_job(pg_temp.job(p_name));
    if v_leased is not null then
      checks := checks + 1;
      exit when v_second >= p_seconds;
      -- The answer of the provider takes a while.
      perform pg_temp.at_second(v_second + 0.1);
      perform public.record_progress(pg_temp.job(p_name), 1, 'generating');
    end if;
    v_second := v_second + 0.1 + pg_temp.pause(p_name);
    exit when polls > 100;
  end loop;
  late := v_second - p_seconds;
  perform public.fail_job(pg_temp.job(p_name), 1, 'timeout', 'x');
  return next;
end;
$$;

create temp table asked as
select seconds, found.* from (values (58), (59), (60), (61), (63)) as runs (seconds),
  lateral pg_temp.ask_for('run of ' || seconds, seconds) as found;
select ok(polls <= 12, format('at most twelve polls for a run of %s seconds: %s', seconds, polls)) from asked where seconds <= 60;
select ok(late < 1.5, format('the end of a run of %s seconds is known %s seconds later', seconds, late)) from asked;
select ok(late < 1, 'a run that ends when it is expected is known within a second') from asked where seconds = 60;
select is(checks, polls, 'a client that obeys never asks in vain') from asked where seconds = 60;

-- However often clients ask, the provider is asked once a pause.
select pg_temp.at_second(0), pg_temp.start('crowd'), pg_temp.submit('crowd'), pg_temp.at_second(30);
select isnt(public.lease_job(pg_temp.job('crowd')), null, 'the first of many clients has the provider asked');
select public.record_progress(pg_temp.job('crowd'), 1, 'generating');
select pg_temp.at_second(40);
select is(public.lease_job(pg_temp.job('crowd')), null, 'the others do not');

-- While the file is stored.
select public.advance_step(pg_temp.job('crowd'), 1, '{"video_url": "https://provider.test/v.mp4"}');
select is(pg_temp.pause('crowd'), 0.4, 'a client asks again at once while the file is stored');

select * from finish();
rollback;
