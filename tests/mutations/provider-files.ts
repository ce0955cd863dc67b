// A file of a provider is fetched from its own hosts only, and is a whole video of an allowed size.
import type { Mutation } from "./mutation.ts";

const SHARED = "supabase/functions/_shared";
const MEDIA = `${SHARED}/providers/media.ts`;
const STORAGE = `${SHARED}/storage/upload.ts`;
const media = (name: string) => ({ file: `${SHARED}/providers/media_test.ts`, name });
const storage = (name: string) => ({ file: `${SHARED}/storage/upload_test.ts`, name });

export const fileMutations: readonly Mutation[] = [
  {
    name: "the hosts of the files",
    guard: "Only files on the provider's own hosts are opened.",
    file: MEDIA,
    find: "if (!allowedHosts.some((allowed) => permits(allowed, url))) throw notAllowed(withoutQuery(url));",
    replace: "",
    test: media('"https://10.0.0.1/1.mp4" is not allowed'),
  },
  {
    name: "the end of a host's name",
    guard: "A host whose name only ends like the provider's is not opened.",
    file: MEDIA,
    find: "url.hostname.endsWith(allowed.slice(1))",
    replace: "url.hostname.endsWith(allowed.slice(2))",
    test: media('"https://evilfal.media/1.mp4" is not allowed'),
  },
  {
    name: "https and its usual port",
    guard: "No other service of an allowed host is reached.",
    file: MEDIA,
    find: '  if (url.protocol !== "https:" || url.port !== "") return false;\n',
    replace: "",
    test: media('"https://fal.media:8443/1.mp4" is not allowed'),
  },
  {
    name: "the name and the password in an address",
    guard: "No URL with credentials in it is opened.",
    file: MEDIA,
    find: "if (url.username || url.password) throw",
    replace: "if (false) throw",
    test: media('"https://user:password@fal.media/1.mp4" is not allowed'),
  },
  {
    name: "the hosts of redirects",
    guard: "An allowed host cannot redirect to another one.",
    file: MEDIA,
    find: 'redirect: "manual"',
    replace: 'redirect: "follow"',
    test: media("a redirect to other is not followed"),
  },
  {
    name: "the key on the first host",
    guard: "Our key is sent to the provider only.",
    file: MEDIA,
    find: "current.origin === first.origin ? options.headers : undefined",
    replace: "options.headers",
    test: media("a redirect is followed, and the key is not sent to another origin"),
  },
  {
    name: "the type of a video",
    guard: "What is stored and delivered is a video.",
    file: STORAGE,
    find: 'throw new MediaError("media_wrong_type", `not of type ${kind}: ${declared || "no type"}`);',
    replace: 'return "video/mp4";',
    test: storage("1.mp4 of type text/html is refused unread"),
  },
  {
    name: "the declared size of a video",
    guard: "A file that is too large is not read.",
    file: STORAGE,
    find: "if (declared !== undefined && declared > media.maxBytes) {",
    replace: "if (false) {",
    test: storage("a video that declares too many bytes is refused unread"),
  },
  {
    name: "the stored size of a video",
    guard: "A file that is too large is not kept.",
    file: STORAGE,
    find: "if (bytes > maxBytes) {",
    replace: "if (false) {",
    test: storage("a video that turns out too large is removed"),
  },
  {
    name: "the whole of a video",
    guard: "A part of a video is not delivered as the video.",
    file: STORAGE,
    find: "(declared !== undefined && bytes !== declared)",
    replace: "false",
    test: storage("a video that Storage holds only in part is removed"),
  },
  {
    name: "a video of something",
    guard: "An empty file is not delivered as the video.",
    file: STORAGE,
    find: "if (response.body === null || declared === 0) {",
    replace: "if (response.body === null) {",
    also: [{ file: STORAGE, find: "if (bytes === 0 || ", replace: "if (" }],
    test: storage("an empty video is refused"),
  },
];
