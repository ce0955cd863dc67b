import { type Language, type Sentences, sentences } from "./languages.ts";

/** Why a job failed: `error_code` and `error_message` of the job. Each sentence says what went wrong and what to do. */
export const jobErrors = {
  provider_rejected_input: sentences(
    "The model refused this input: change the prompt, the images or the settings",
    "Model bu girdiyi reddetti: istemi, görselleri ya da ayarları değiştirin",
    "El modelo rechazó esta entrada: cambie el texto, las imágenes o los ajustes",
  ),
  image_rejected: sentences(
    "The model refused the image: use another picture, or another size or format",
    "Model görseli reddetti: başka bir görsel, boyut ya da biçim kullanın",
    "El modelo rechazó la imagen: use otra, o con otro tamaño o formato",
  ),
  input_missing: sentences(
    "The uploaded image was deleted before it was used: upload it again",
    "Yüklenen görsel kullanılmadan silindi: yeniden yükleyin",
    "La imagen subida se borró antes de usarse: súbala de nuevo",
  ),
  input_unavailable: sentences(
    "The uploaded image could not be read: try again",
    "Yüklenen görsel okunamadı: yeniden deneyin",
    "No se pudo leer la imagen subida: inténtelo de nuevo",
  ),
  content_policy: sentences(
    "The content policy of the model refused this prompt or image: change it",
    "Modelin içerik politikası bu istemi veya görseli reddetti: değiştirin",
    "La política de contenido del modelo rechazó este texto o imagen: cámbielo",
  ),
  no_media: sentences(
    "The model finished without a video: try again",
    "Model video üretmeden bitti: yeniden deneyin",
    "El modelo terminó sin producir un video: inténtelo de nuevo",
  ),
  provider_error: sentences(
    "The model failed while making the video: try again",
    "Model videoyu hazırlarken hata verdi: yeniden deneyin",
    "El modelo falló al crear el video: inténtelo de nuevo",
  ),
  provider_timeout: sentences(
    "The model did not finish in time: try a shorter video or another model",
    "Model zamanında bitiremedi: daha kısa bir video ya da başka bir model deneyin",
    "El modelo no terminó a tiempo: pruebe un video más corto u otro modelo",
  ),
  provider_busy: sentences(
    "The model is too busy: try again in a minute",
    "Model şu anda çok yoğun: bir dakika sonra yeniden deneyin",
    "El modelo está saturado: inténtelo en un minuto",
  ),
  provider_locked: sentences(
    "The model cannot be used at the moment: choose another model",
    "Model şu anda kullanılamıyor: başka bir model seçin",
    "El modelo no se puede usar en este momento: elija otro modelo",
  ),
  provider_unauthorized: sentences(
    "The model cannot be used at the moment: choose another model",
    "Model şu anda kullanılamıyor: başka bir model seçin",
    "El modelo no se puede usar en este momento: elija otro modelo",
  ),
  provider_model_missing: sentences(
    "The provider no longer has this model: choose another model",
    "Sağlayıcıda bu model artık yok: başka bir model seçin",
    "El proveedor ya no tiene este modelo: elija otro modelo",
  ),
  provider_unreachable: sentences(
    "The provider of the model could not be reached: try again",
    "Modelin sağlayıcısına ulaşılamadı: yeniden deneyin",
    "No se pudo contactar con el proveedor del modelo: inténtelo de nuevo",
  ),
  provider_bad_answer: sentences(
    "The provider sent an answer that could not be understood: try again",
    "Sağlayıcı anlaşılmayan bir yanıt verdi: yeniden deneyin",
    "El proveedor envió una respuesta que no se pudo entender: inténtelo de nuevo",
  ),
  result_expired: sentences(
    "The provider deleted the finished video before it could be stored: try again",
    "Sağlayıcı biten videoyu saklanmadan önce sildi: yeniden deneyin",
    "El proveedor borró el video terminado antes de que se pudiera guardar: inténtelo de nuevo",
  ),
  cancelled_by_provider: sentences(
    "The provider cancelled the video: try again",
    "Sağlayıcı videoyu iptal etti: yeniden deneyin",
    "El proveedor canceló el video: inténtelo de nuevo",
  ),
  media_unusable: sentences(
    "The model delivered a file that cannot be stored as a video: try again with other settings",
    "Modelin teslim ettiği dosya video olarak saklanamıyor: başka ayarlarla yeniden deneyin",
    "El modelo entregó un archivo que no se puede guardar como video: inténtelo con otros ajustes",
  ),
  storage_failed: sentences(
    "The finished video could not be stored: try again later",
    "Biten video saklanamadı: daha sonra yeniden deneyin",
    "No se pudo guardar el video terminado: inténtelo más tarde",
  ),
  timeout: sentences(
    "The video took too long: try again later or use another model",
    "Video çok uzun sürdü: daha sonra ya da başka bir modelle yeniden deneyin",
    "El video tardó demasiado: inténtelo más tarde o use otro modelo",
  ),
  cancelled: sentences("The video was cancelled", "Video iptal edildi", "El video se canceló"),
} as const satisfies Record<string, Sentences>;

export type JobErrorCode = keyof typeof jobErrors;

/** The sentence for a job's stored code; null for a code that this version does not know. */
export function jobErrorText(code: string, language: Language): string | null {
  return Object.entries(jobErrors).find(([known]) => known === code)?.[1][language] ?? null;
}
