import type { Language } from "./languages.ts";

/** What is wrong with one field of a request. */
export interface Issue {
  path: string;
  message: string;
}

/**
 * The sentences of issues. Schemas and the database's procedures write them in English, and the English sentence is the
 * key of its translations here. `{list}` stands for any text, every other name in braces for one word.
 */
const sentences: readonly Readonly<Record<Language, string>>[] = [
  { en: "not valid", tr: "geçerli değil", es: "no es válido" },
  {
    en: "not a field of this request",
    tr: "bu isteğin bir alanı değil",
    es: "no es un campo de esta solicitud",
  },
  {
    en: "not a setting of this model, which takes: {list}",
    tr: "bu modelin bir ayarı değil; model şunları alır: {list}",
    es: "no es un ajuste de este modelo, que admite: {list}",
  },
  { en: "not a setting of this model", tr: "bu modelin bir ayarı değil", es: "no es un ajuste de este modelo" },
  {
    en: "not taken by this model: leave it out",
    tr: "bu model bunu almaz: göndermeyin",
    es: "este modelo no lo admite: omítalo",
  },
  {
    en: "required by this model: send the https address of an image, or an image_path from POST /uploads",
    tr:
      "bu model için gerekli: bir görselin https adresini ya da POST /uploads yanıtındaki image_path değerini gönderin",
    es: "este modelo lo requiere: envíe la dirección https de una imagen, o un image_path de POST /uploads",
  },
  {
    en: "required by this model: use POST /transitions/create-and-generate/",
    tr: "bu model için gerekli: POST /transitions/create-and-generate/ kullanın",
    es: "este modelo lo requiere: use POST /transitions/create-and-generate/",
  },
  {
    en: "required: send either this field or {other}, not both",
    tr: "gerekli: ya bu alanı ya da {other} gönderin, ikisini birden değil",
    es: "se requiere: envíe este campo o {other}, no ambos",
  },
  {
    en: "required where {flag} is true",
    tr: "{flag} true ise gerekli",
    es: "se requiere cuando {flag} es true",
  },
  {
    en: "must not be sent together with {other}",
    tr: "{other} ile birlikte gönderilmemeli",
    es: "no debe enviarse junto con {other}",
  },
  { en: "must be text", tr: "metin olmalı", es: "debe ser texto" },
  { en: "must be text or a number", tr: "metin ya da sayı olmalı", es: "debe ser texto o un número" },
  {
    en: "must be text without NUL or lone surrogates",
    tr: "NUL veya eşsiz vekil karakter içermeyen bir metin olmalı",
    es: "debe ser texto sin NUL ni sustitutos sueltos",
  },
  {
    en: "must have a name of 1 to 64 characters without NUL or lone surrogates",
    tr: "adı NUL veya eşsiz vekil içermeyen 1-64 karakter olmalı",
    es: "su nombre debe tener de 1 a 64 caracteres, sin NUL ni sustitutos sueltos",
  },
  {
    en: "must be {minimum} to {maximum} characters",
    tr: "{minimum}-{maximum} karakter olmalı",
    es: "debe tener de {minimum} a {maximum} caracteres",
  },
  {
    en: "must be text of at most {maximum} characters",
    tr: "en çok {maximum} karakterlik bir metin olmalı",
    es: "debe ser texto de {maximum} caracteres como máximo",
  },
  {
    en: "must be at most {maximum} characters for a video of {seconds} seconds",
    tr: "{seconds} saniyelik bir video için en çok {maximum} karakter olmalı",
    es: "debe tener como máximo {maximum} caracteres para un video de {seconds} segundos",
  },
  { en: "must not be blank", tr: "boş olmamalı", es: "no debe estar en blanco" },
  { en: "must not have empty lines", tr: "boş satır içermemeli", es: "no debe tener líneas vacías" },
  { en: "must be one of: {list}", tr: "şunlardan biri olmalı: {list}", es: "debe ser uno de: {list}" },
  { en: "must be true or false", tr: "true ya da false olmalı", es: "debe ser true o false" },
  {
    en: "must be false: it is not available at the moment",
    tr: "false olmalı: şu anda sunulmuyor",
    es: "debe ser false: no está disponible en este momento",
  },
  {
    en: "must be text, a number, true or false",
    tr: "metin, sayı, true ya da false olmalı",
    es: "debe ser texto, un número, true o false",
  },
  {
    en: "must be a number from {minimum} to {maximum}",
    tr: "{minimum} ile {maximum} arasında bir sayı olmalı",
    es: "debe ser un número de {minimum} a {maximum}",
  },
  {
    en: "must be a whole number from {minimum} to {maximum}",
    tr: "{minimum} ile {maximum} arasında bir tam sayı olmalı",
    es: "debe ser un número entero de {minimum} a {maximum}",
  },
  {
    en: "must be {minimum} to {maximum}",
    tr: "{minimum} ile {maximum} arasında olmalı",
    es: "debe ser de {minimum} a {maximum}",
  },
  { en: "must be a number", tr: "sayı olmalı", es: "debe ser un número" },
  { en: "must be a number of seconds", tr: "saniye sayısı olmalı", es: "debe ser un número de segundos" },
  { en: "must not be negative", tr: "negatif olmamalı", es: "no debe ser negativo" },
  { en: "must be after startTime", tr: "startTime değerinden sonra olmalı", es: "debe ser posterior a startTime" },
  {
    en: "must not be after the end of the video",
    tr: "videonun sonundan sonra olmamalı",
    es: "no debe ser posterior al final del video",
  },
  {
    en: "must be false: the length of the videos of this model is not known",
    tr: "false olmalı: bu modelin videolarının süresi bilinmiyor",
    es: "debe ser false: se desconoce la duración de los videos de este modelo",
  },
  {
    en: "must be false or left out beside voiceover and music",
    tr: "seslendirme ve müzik varken false olmalı ya da gönderilmemeli",
    es: "debe ser false u omitirse junto con la voz en off y la música",
  },
  {
    en: "must not have characters that cannot be drawn into the picture: {list}",
    tr: "görüntüye çizilemeyen karakterler içermemeli: {list}",
    es: "no debe tener caracteres que no se puedan dibujar en la imagen: {list}",
  },
  {
    en: "must be false: nothing of the subtitles can be drawn into the picture",
    tr: "false olmalı: altyazıların hiçbir karakteri görüntüye çizilemiyor",
    es: "debe ser false: nada de los subtítulos se puede dibujar en la imagen",
  },
  {
    en: "must be at most {maximum} characters together where {flag} is true",
    tr: "{flag} true iken hepsi birlikte en çok {maximum} karakter olmalı",
    es: "deben tener como máximo {maximum} caracteres en total cuando {flag} es true",
  },
  {
    en: "must be Unix milliseconds, or ISO 8601 with a time zone",
    tr: "Unix milisaniyesi ya da saat dilimli ISO 8601 olmalı",
    es: "deben ser milisegundos de Unix, o ISO 8601 con zona horaria",
  },
  { en: "must be an object", tr: "bir nesne olmalı", es: "debe ser un objeto" },
  { en: "must not have __proto__", tr: "__proto__ içermemeli", es: "no debe tener __proto__" },
  { en: "must be a list", tr: "bir liste olmalı", es: "debe ser una lista" },
  {
    en: "must be a list of {minimum} to {maximum} transitions",
    tr: "{minimum} ile {maximum} arasında geçiş içeren bir liste olmalı",
    es: "debe ser una lista de {minimum} a {maximum} transiciones",
  },
  {
    en: "must be a list of at most {maximum}",
    tr: "en çok {maximum} öğelik bir liste olmalı",
    es: "debe ser una lista de {maximum} como máximo",
  },
  {
    en: "must have at most {maximum} settings",
    tr: "en çok {maximum} ayar olmalı",
    es: "debe tener {maximum} ajustes como máximo",
  },
  {
    en: "must be at most {maximum} characters when it is percent-encoded",
    tr: "yüzde kodlamasıyla en çok {maximum} karakter olmalı",
    es: "debe tener {maximum} caracteres como máximo con codificación por ciento",
  },
  {
    en: "must be smaller than {size} KiB",
    tr: "{size} KiB değerinden küçük olmalı",
    es: "debe ocupar menos de {size} KiB",
  },
  {
    en: "must be a positive whole number",
    tr: "pozitif bir tam sayı olmalı",
    es: "debe ser un número entero positivo",
  },
  { en: "must not be repeated", tr: "yinelenmemeli", es: "no debe repetirse" },
  { en: "must be at most {maximum}", tr: "en çok {maximum} olmalı", es: "debe ser {maximum} como máximo" },
  { en: "must be a list of UUIDs", tr: "UUID listesi olmalı", es: "debe ser una lista de UUID" },
  {
    en: "must be a list of {minimum} to {maximum} UUIDs",
    tr: "{minimum} ile {maximum} arasında UUID içeren bir liste olmalı",
    es: "debe ser una lista de {minimum} a {maximum} UUID",
  },
  {
    en: "must be { job_ids: [1 to 100 UUIDs] }",
    tr: "{ job_ids: [1-100 UUID] } olmalı",
    es: "debe ser { job_ids: [de 1 a 100 UUID] }",
  },
  { en: "must be a UUID", tr: "UUID olmalı", es: "debe ser un UUID" },
  {
    en: "must have either job_id, a UUID, or node_id, 1 to 128 characters, and besides it only download",
    tr: "ya job_id (UUID) ya da node_id (1-128 karakter) içermeli; yanında yalnızca download olabilir",
    es: "debe tener job_id, un UUID, o bien node_id, de 1 a 128 caracteres, y además solo download",
  },
  {
    en: "must be a public https URL",
    tr: "herkese açık bir https adresi olmalı",
    es: "debe ser una URL https pública",
  },
  {
    en: "must be image/jpeg, image/png, image/webp or image/gif",
    tr: "image/jpeg, image/png, image/webp ya da image/gif olmalı",
    es: "debe ser image/jpeg, image/png, image/webp o image/gif",
  },
  {
    en: "must be pending, processing, completed or failed",
    tr: "pending, processing, completed ya da failed olmalı",
    es: "debe ser pending, processing, completed o failed",
  },
  {
    en: "must be an image_path that POST /uploads returned",
    tr: "POST /uploads yanıtındaki bir image_path olmalı",
    es: "debe ser un image_path que devolvió POST /uploads",
  },
  {
    en: "must be the next_cursor of a page of this list",
    tr: "bu listenin bir sayfasındaki next_cursor olmalı",
    es: "debe ser el next_cursor de una página de esta lista",
  },
  {
    en: "must have the id of a run",
    tr: "bir çalıştırmanın kimliğini içermeli",
    es: "debe tener el identificador de una ejecución",
  },
];

/** The issue in the client's language; in English where its sentence has no translation. */
export function translateIssue(issue: Issue, language: Language): Issue {
  if (language === "en") return issue;
  for (const sentence of sentences) {
    const facts = factsOf(issue.message, sentence.en);
    if (facts !== null) return { ...issue, message: render(sentence[language], facts) };
  }
  return issue;
}

/** The values that a message has where its pattern has names in braces; null when the message is another sentence. */
function factsOf(message: string, pattern: string): Record<string, string> | null {
  // Every second part of the split is a name.
  const parts = pattern.split(/\{(\w+)\}/).map((part, index) =>
    index % 2 === 0 ? part.replaceAll(/\W/g, "\\$&") : `(?<${part}>${part === "list" ? ".+" : "\\S+"})`
  );
  const match = new RegExp(`^${parts.join("")}$`, "s").exec(message);
  return match === null ? null : { ...match.groups };
}

function render(pattern: string, facts: Readonly<Record<string, string>>): string {
  return pattern.replaceAll(/\{(\w+)\}/g, (name, fact: string) => facts[fact] ?? name);
}
