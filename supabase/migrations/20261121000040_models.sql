-- The catalogue: which models there are, who runs them, their settings and their prices.

create table public.models (
  id uuid primary key default gen_random_uuid(),
  name text not null,
  description text not null default '',
  category text not null,
  provider text not null,
  provider_model_id text not null,
  pricing_type text not null,
  cost_per_generation integer,
  cost_per_second integer,
  -- Which settings the model takes and how they become the provider's input; docs/models.md describes the format.
  settings_schema jsonb not null,
  typical_seconds integer not null default 60,
  -- How long a run may wait at the provider, which is sent with the submission, and how long it may take. Together they
  -- make the job's deadline.
  start_within_seconds integer not null default 900,
  max_run_seconds integer not null default 900,
  is_available boolean not null default true,
  unavailable_reason text,
  is_featured boolean not null default false,
  -- The model of a request that names none, one for each category.
  is_default boolean not null default false,
  -- Whether clients can open the provider's files. If not, they get our own copy.
  files_are_public boolean not null default true,
  thumbnail_url text,
  created_at timestamptz not null default now(),
  constraint models_category_is_known check (category in ('text-to-video', 'image-to-video', 'transition')),
  -- The known providers are in providers/registry.ts: a job of any other provider fails and is refunded.
  constraint models_provider_is_a_name check (provider ~ '^[a-z][a-z0-9_]*$'),
  constraint models_price_matches_its_type check (
    (pricing_type = 'per_generation' and cost_per_generation is not null and cost_per_second is null)
    or (pricing_type = 'per_second' and cost_per_second is not null and cost_per_generation is null)
  ),
  constraint models_price_is_positive check (coalesce(cost_per_generation, cost_per_second) > 0),
  constraint models_price_per_second_needs_a_duration check (
    pricing_type = 'per_generation' or settings_schema -> 'settings' -> 'duration' -> 'default' is not null
  ),
  constraint models_times_are_positive check (
    typical_seconds > 0 and start_within_seconds > 0 and max_run_seconds > 0
  ),
  constraint unavailable_model_says_why check (is_available or unavailable_reason is not null)
);

create unique index a_category_has_one_default_model on public.models (category) where is_default;

alter table public.models enable row level security;
create policy "Everybody reads the catalogue" on public.models for select to anon, authenticated using (true);
revoke all on public.models from anon, authenticated, service_role;
grant select on public.models to anon, authenticated;
grant select, insert, update, delete on public.models to service_role;
