// What a row of the catalogue must have before a user is charged by it.
import type { Mutation } from "./mutation.ts";

const MODELS = "supabase/migrations/20261121000040_models.sql";
const SETTING_CHECKS = "supabase/migrations/20261121000060_setting_checks.sql";
const MODEL_CHECKS = "supabase/migrations/20261121000070_model_checks.sql";
const checks = (name: string) => ({ file: "supabase/tests/catalogue_checks.test.sql", name });

export const catalogueMutations: readonly Mutation[] = [
  {
    name: "the CHECK of a price per second",
    guard: "No model is sold by the second without a length.",
    file: MODELS,
    find: "pricing_type = 'per_generation' or settings_schema -> 'settings' -> 'duration' -> 'default' is not null",
    replace: "true",
    test: { file: "supabase/tests/constraints.test.sql", name: "a price per second of no duration is refused" },
  },
  {
    name: "the lengths of a model",
    guard: "No model is sold for a length of nothing.",
    file: SETTING_CHECKS,
    find: '? (@.type() != "number" || @ <= 0)\')\n    else',
    replace: '? (@.type() != "number" || @ < 0)\')\n    else',
    test: checks(`duration {"values": [0, 4]}: settings.duration must be numbers above 0`),
  },
  {
    name: "the factor of a price",
    guard: "No setting makes a video free.",
    file: SETTING_CHECKS,
    find: 'strict $.price_factor.* ? (@.type() != "number" || @ <= 0)',
    replace: 'strict $.price_factor.* ? (@.type() != "number" || @ < 0)',
    test: checks(`{"values": ["a"], "price_factor": {"a": 0}}: must have a number above 0 for each price_factor`),
  },
  {
    name: "the value of a factor",
    guard: "A surcharge that is misspelt is not silently nothing.",
    file: SETTING_CHECKS,
    find: "from jsonb_object_keys(p_spec -> v_key) as value where not v_values ? value;",
    replace: "from jsonb_object_keys(p_spec -> v_key) as value where false;",
    test: checks(
      `{"values": ["a"], "price_factor": {"b": 2}}: has a price_factor for "b", which is not one of its values`,
    ),
  },
  {
    name: "the path of an output",
    guard: "No job is charged whose steps the functions cannot read.",
    file: MODEL_CHECKS,
    find: "not (private.is_name(p_schema -> 'output') and p_schema ->> 'output' ~ '^[^.]+(\\.[^.]+)*$')",
    replace: "not (p_schema ->> 'output' ~ '^[^.]+(\\.[^.]+)*$')",
    test: checks(
      `{"output": 5.5}: output must be names with dots between: the path to the video in the provider's output`,
    ),
  },
  {
    name: "the trigger on models",
    guard: "What does not fit never becomes a price.",
    file: MODEL_CHECKS,
    find: "  if v_problems is not null then\n    raise exception 'The model",
    replace: "  if false then\n    raise exception 'The model",
    test: checks("an invalid model is refused with all its problems"),
  },
];
