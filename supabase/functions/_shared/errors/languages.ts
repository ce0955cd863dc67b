/** The languages that people are answered in. */

export const languages = ["en", "tr", "es"] as const;
export type Language = (typeof languages)[number];
/** One sentence in each language. */
export type Sentences = Record<Language, string>;

export function sentences(en: string, tr: string, es: string): Sentences {
  return { en, tr, es };
}

/** The first of our languages in an `Accept-Language` header, by the caller's preference; English otherwise. */
export function preferredLanguage(acceptLanguage: string | null): Language {
  const wanted = (acceptLanguage ?? "").split(",").map((range) => {
    const [tag = "", ...parameters] = range.trim().toLowerCase().split(";");
    const quality = parameters.map((part) => part.trim()).find((part) => part.startsWith("q="));
    return { language: tag.split("-")[0], quality: quality === undefined ? 1 : Number(quality.slice(2)) };
  });
  wanted.sort((a, b) => b.quality - a.quality);
  for (const { language, quality } of wanted) {
    const known = languages.find((candidate) => candidate === language);
    if (known !== undefined && quality > 0) return known;
  }
  return "en";
}
