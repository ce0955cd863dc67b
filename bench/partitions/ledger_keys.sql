-- The keys of ledger entries, for a ledger in partitions: a unique index of a partition knows no other partition.

-- Hashes, because the ledger outlives its users, and some keys name one.
create table private.ledger_keys (
  key bytea primary key
);

alter table private.ledger_keys enable row level security;
create policy "Only the service role keeps keys" on private.ledger_keys for all to service_role using (true) with check (true);
grant select, insert on private.ledger_keys to service_role;

-- What of an entry exists once: its transaction, the charge of its job, or the refund.
create function private.ledger_keys_of(
  p_change integer,
  p_job_id uuid,
  p_transaction_id text
)
returns bytea[]
language plpgsql
immutable
security invoker
set search_path = ''
as $$
begin
  return array_remove(array[
    sha256(convert_to('transaction:' || p_transaction_id, 'utf8')),
    sha256(convert_to(case when p_change < 0 then 'charge:' else 'refund:' end || p_job_id, 'utf8'))], null);
end;
$$;

revoke execute on function private.ledger_keys_of(integer, uuid, text) from public, anon, authenticated;
grant execute on function private.ledger_keys_of(integer, uuid, text) to service_role;

-- Refuses an entry of which something exists already, as the unique indexes of the ledger did: credits that are given are
-- left out, which add_credits reports, and a charge fails.
create function private.keep_ledger_keys()
returns trigger
language plpgsql
volatile
security invoker
set search_path = ''
as $$
begin
  insert into private.ledger_keys select unnest(private.ledger_keys_of(new.change, new.job_id, new.transaction_id));
  return new;
exception when unique_violation then
  if new.change > 0 then
    return null;
  end if;
  raise;
end;
$$;

revoke execute on function private.keep_ledger_keys() from public, anon, authenticated;

create trigger ledger_keys_are_used_once before insert on public.quota_log
  for each row execute function private.keep_ledger_keys();
