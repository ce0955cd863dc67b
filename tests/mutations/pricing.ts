// What a video costs, and what it may be asked with.
import type { Mutation } from "./mutation.ts";

const MODELS = "supabase/migrations/20261121000040_models.sql";
const MODEL_SETTINGS = "supabase/migrations/20261121000050_model_settings.sql";
const PRICING = "supabase/migrations/20261121000090_pricing.sql";
const pricing = (name: string) => ({ file: "supabase/tests/pricing.test.sql", name });
const constraints = (name: string) => ({ file: "supabase/tests/constraints.test.sql", name });

export const pricingMutations: readonly Mutation[] = [
  {
    name: "the number of settings",
    guard: "Very many or very large settings do not keep the database busy.",
    file: MODEL_SETTINGS,
    find: "limit 41) as names) > 40",
    replace: "limit 41) as names) > 41",
    test: pricing("must have at most 40 settings, settings"),
  },
  {
    name: "the size of all settings",
    guard: "Very many or very large settings do not keep the database busy.",
    file: MODEL_SETTINGS,
    find: "when pg_column_size(p_settings) > 262144 then",
    replace: "when false then",
    test: pricing("must be smaller than 256 KiB, settings"),
  },
  {
    name: "the size of a setting",
    guard: "A very large setting does not keep the database busy.",
    file: MODEL_SETTINGS,
    find: "if pg_column_size(p_value) > 131072 then",
    replace: "if false then",
    test: pricing("must be smaller than 128 KiB, settings.negative_prompt"),
  },
  {
    name: "the seconds in the price",
    guard: "A longer video costs more.",
    file: PRICING,
    find: "(p_settings ->> 'duration')::numeric, (p_model",
    replace: "1, (p_model",
    test: pricing('{"duration": 8} costs 24'),
  },
  {
    name: "the factors in the price",
    guard: "A better video costs more.",
    file: PRICING,
    find: "v_price := v_price * v_factor;",
    replace: "null;",
    test: pricing('{"resolution": "4k"} costs 18'),
  },
  {
    name: "the rounding of the price",
    guard: "A part of a credit is a credit.",
    file: PRICING,
    find: "return ceil(v_price)::integer;",
    replace: "return floor(v_price)::integer;",
    test: pricing('{"generate_audio": false} costs 9'),
  },
  {
    name: "the CHECK of a model's price",
    guard: "No model is free.",
    file: MODELS,
    find: "check (coalesce(cost_per_generation, cost_per_second) > 0)",
    replace: "check (true)",
    test: constraints("a price of zero is refused"),
  },
];
