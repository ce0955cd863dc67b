import { type Language, type Sentences, sentences } from "./languages.ts";

/** Why a job failed, as `error_code` and `error_message` of the job tell it. */
export const jobErrors = {
  provider_rejected_input: sentences(
    "The model refused this input",
    "Model bu girdiyi reddetti",
    "El modelo rechazó esta entrada",
  ),
  image_rejected: sentences(
    "The model refused the image: use another picture, or another size or format",
    "Model görseli reddetti: başka bir görsel, boyut ya da biçim kullanın",
    "El modelo rechazó la imagen: use otra, o con otro tamaño o formato",
  ),
  input_missing: sentences(
    "The image that was named has not been uploaded",
    "Adı verilen görsel yüklenmemiş",
    "La imagen indicada no se ha subido",
  ),
  input_unavailable: sentences(
    "The uploaded image could not be read",
    "Yüklenen görsel okunamadı",
    "No se pudo leer la imagen subida",
  ),
  content_policy: sentences(
    "The content policy of the model refused this prompt or image",
    "Modelin içerik politikası bu istemi veya görseli reddetti",
    "La política de contenido del modelo rechazó este texto o imagen",
  ),
  no_media: sentences(
    "The model finished without a video",
    "Model video üretmeden bitti",
    "El modelo terminó sin producir un video",
  ),
  provider_error: sentences(
    "The model failed while making the video",
    "Model videoyu hazırlarken hata verdi",
    "El modelo falló al crear el video",
  ),
  provider_timeout: sentences(
    "The model did not finish in its time",
    "Model zamanında bitiremedi",
    "El modelo no terminó a tiempo",
  ),
  provider_busy: sentences("The model is too busy", "Model şu anda çok yoğun", "El modelo está saturado"),
  provider_locked: sentences(
    "The model cannot be used at the moment",
    "Model şu anda kullanılamıyor",
    "El modelo no se puede usar en este momento",
  ),
  provider_unauthorized: sentences(
    "The model cannot be used at the moment",
    "Model şu anda kullanılamıyor",
    "El modelo no se puede usar en este momento",
  ),
  provider_model_missing: sentences(
    "The provider no longer has this model",
    "Sağlayıcıda bu model artık yok",
    "El proveedor ya no tiene este modelo",
  ),
  provider_unreachable: sentences(
    "The model could not be reached",
    "Modele ulaşılamadı",
    "No se pudo contactar con el modelo",
  ),
  provider_bad_answer: sentences(
    "The provider gave an answer that nobody understands",
    "Sağlayıcı anlaşılmayan bir yanıt verdi",
    "El proveedor dio una respuesta incomprensible",
  ),
  result_expired: sentences(
    "The finished video was gone before it could be stored",
    "Biten video saklanamadan kayboldu",
    "El video terminado desapareció antes de guardarse",
  ),
  cancelled_by_provider: sentences(
    "The provider cancelled the generation",
    "Sağlayıcı üretimi iptal etti",
    "El proveedor canceló la generación",
  ),
  media_unusable: sentences(
    "What the model delivered is not a video that can be stored",
    "Modelin teslim ettiği, saklanabilir bir video değil",
    "Lo que entregó el modelo no es un video que se pueda guardar",
  ),
  storage_failed: sentences(
    "The finished video could not be stored",
    "Biten video saklanamadı",
    "No se pudo guardar el video terminado",
  ),
  timeout: sentences("The video took too long", "Video çok uzun sürdü", "El video tardó demasiado"),
  cancelled: sentences("The video was cancelled", "Video iptal edildi", "El video se canceló"),
} as const satisfies Record<string, Sentences>;

export type JobErrorCode = keyof typeof jobErrors;

/** The sentence for a job's stored code; null for a code that this version does not know. */
export function jobErrorText(code: string, language: Language): string | null {
  return Object.entries(jobErrors).find(([known]) => known === code)?.[1][language] ?? null;
}
