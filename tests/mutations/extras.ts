// Voiceover, music and subtitles of any video: what they cost, when they are refused, and what they leave behind.
import type { Mutation } from "./mutation.ts";

const SETTINGS = "supabase/migrations/20261121000055_extra_settings.sql";
const BURN_IN = "supabase/migrations/20261121000097_burn_in.sql";
const BUILD_STEPS = "supabase/migrations/20261121000100_build_steps.sql";
const EXTRAS = "supabase/migrations/20261121000105_extras.sql";
const DELETION = "supabase/migrations/20261121000210_file_deletion.sql";
const NEW_VIDEO = "supabase/functions/_shared/jobs/new-video.ts";
const FILES = "supabase/functions/_shared/jobs/files.ts";
const FIELDS = "supabase/functions/_shared/http/extra-fields.ts";
const extras = (name: string) => ({ file: "supabase/tests/extras.test.sql", name });
const videos = (name: string) => ({ file: "tests/api/extras_test.ts", name });
const WAITING = "if (!leased.step.optional) return await fail(context, leased, submission.error);";

export const extraMutations: readonly Mutation[] = [
  {
    name: "the subtitles in the picture among the steps",
    guard: "Subtitles in the picture are made and paid for.",
    file: BUILD_STEPS,
    find: "\n    || private.burn_in_steps(p_settings, v_video);",
    replace: ";",
    test: extras('{"burn_in": true} costs 6410'),
  },
  {
    name: "the wish of the owner in the subtitles in the picture",
    guard: "A video is delivered without its subtitles only if its owner allows it.",
    file: BURN_IN,
    find: "coalesce(p_settings -> 'deliver_without' ? 'subtitles', false))",
    replace: "true)",
    test: extras("with [] spared"),
  },
  {
    name: "the characters that no font has",
    guard: "No user pays for a box instead of a letter.",
    file: EXTRAS,
    find: "\n      || private.undrawable_subtitles(v_settings);",
    replace: ";",
    test: extras("们: settings.subtitles.1.text must not have characters that cannot be drawn into the picture: 们"),
  },
  {
    name: "the subtitles of which nothing can be seen",
    guard: "No user pays for subtitles in the picture that are not there.",
    file: BURN_IN,
    find: "case when not v_is_seen then",
    replace: "case when false then",
    test: extras(
      '{🎉,"👍 \u200b\u00ad\u202e"}: settings.burn_in must be false: nothing of the subtitles can be drawn into the picture',
    ),
  },
  {
    name: "the length of the subtitles in the picture",
    guard: "A visitor who asks for a price cannot keep the database busy for minutes.",
    file: BURN_IN,
    find: "  if v_issues <> '[]' then\n    return v_issues;",
    replace: "  if false then\n    return v_issues;",
    test: extras("a subtitle that is too long is refused for its length, and its characters are not looked at"),
  },
  {
    name: "the mix among the steps that can be switched off",
    guard: "A voice that nobody can mix into the video is not paid for.",
    file: "supabase/migrations/20261121000080_pipeline_steps.sql",
    find: "('mix', 'enable_voiceover'), ",
    replace: "",
    test: extras("without a mix there is neither voice nor music"),
  },
  {
    name: "the shortest time of a subtitle",
    guard: "A video is not refused by the tool, and refunded, when its run is paid for.",
    file: "supabase/functions/_shared/jobs/drawn-subtitles.ts",
    find: "Math.max(startTime + 0.001, endTime)",
    replace: "endTime",
    test: {
      file: "supabase/functions/_shared/jobs/drawn-subtitles_test.ts",
      name: "a subtitle shorter than the clock of its format is shown for one tick",
    },
  },
  {
    name: "the lengths that need a tool which is switched off",
    guard: "No runs are paid for that nobody can join.",
    file: EXTRAS,
    find: "  v_issues := v_issues || private.unavailable_lengths(v_schema -> 'segments', v_settings);\n",
    replace: "",
    test: extras("16 seconds: settings.duration must be 3 to 15"),
  },
  {
    name: "the sound of the model beside music",
    guard: "A video with music is charged as the silent run that it is made of.",
    file: EXTRAS,
    find: "v_settings := v_settings || '{\"generate_audio\": false}';",
    replace: "null;",
    test: extras("and the price is that of a silent run"),
  },
  {
    name: "the two sounds at once",
    guard: "What was asked for is not silently left out.",
    file: EXTRAS,
    find: "if p_settings -> 'generate_audio' = 'true' then",
    replace: "if false then",
    test: extras("both sounds at once are refused"),
  },
  {
    name: "the volume of the music in the sound of the model",
    guard: "Music at no volume does not take the model's own sound away.",
    file: EXTRAS,
    find: "(p_settings ->> 'enable_music')::boolean and (p_settings ->> 'music_volume')::numeric > 0, false);",
    replace: "(p_settings ->> 'enable_music')::boolean, false);",
    test: extras('{"enable_music": true, "music_volume": 0}: true'),
  },
  {
    name: "the rules of the length",
    guard: "No user pays for a voice that is cut off, or for music of no length.",
    file: EXTRAS,
    find: " || private.length_problems(v_settings)",
    replace: "",
    test: extras('unknown {"enable_music": true}'),
  },
  {
    name: "the extras in the settings of a model",
    guard: "Every model takes the extras.",
    file: SETTINGS,
    find: "'settings', private.extra_settings() || coalesce(p_schema -> 'settings', '{}'))",
    replace: "'settings', coalesce(p_schema -> 'settings', '{}'))",
    test: extras("with one of them all have their defaults, and the sound of the model itself is off"),
  },
  {
    name: "the subtitles that are drawn",
    guard: "No user pays for drawing subtitles that there are not.",
    file: FIELDS,
    find: 'demand(!extras.burn_in || extras.enable_subtitles === true, "enable_subtitles", "burn_in");',
    replace: "",
    test: videos('a generation with {"burn_in":true} is refused and not charged'),
  },
  {
    name: "the optional step that is refused while the user waits",
    guard: "A video that its owner takes without a voice is not failed for it.",
    file: NEW_VIDEO,
    find: WAITING,
    replace: WAITING.replace("!leased.step.optional", "true"),
    test: videos("a voice that is refused while the user waits is given back, where the video may do without it"),
  },
  {
    name: "the step that is refused while the user waits",
    guard: "A user who requires the voice is told at once, and refunded.",
    file: NEW_VIDEO,
    find: WAITING,
    replace: "",
    test: videos("a voice that is refused while the user waits is a refund where the video needs it"),
  },
  {
    name: "the file of subtitles in the files of a job",
    guard: "What a user wrote does not stay when the video is deleted.",
    file: DELETION,
    find: "\n    || case when 'subtitles' = any (p_job.step_names) then array['.ass'] end)",
    replace: ")",
    test: videos("a tool that takes a file gets a signed address of it, and of the fonts; it is deleted with the job"),
  },
  {
    name: "the file of subtitles in the files of an undelivered job",
    guard: "A refunded job leaves no file.",
    file: FILES,
    find: ", drawn: `${base}.ass` };",
    replace: ", drawn: `${base}.vtt.ass` };",
    test: videos("a tool that takes a file gets a signed address of it, and of the fonts; it is deleted with the job"),
  },
];
