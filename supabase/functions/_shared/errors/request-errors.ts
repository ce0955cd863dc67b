import { type Issue, translateIssue } from "./issues.ts";

/** The catalogue of everything that can go wrong, in the order of the contract: code → status and sentences. */

export const languages = ["en", "tr", "es"] as const;
export type Language = (typeof languages)[number];
type Sentences = Record<Language, string>;

function sentences(en: string, tr: string, es: string): Sentences {
  return { en, tr, es };
}

/** Errors that an endpoint answers with. The English strings of the seeds are kept to the letter. */
export const requestErrors = {
  idempotency_key_required: {
    status: 400,
    text: sentences(
      "Idempotency-Key header required",
      "Idempotency-Key başlığı gerekli",
      "Se requiere la cabecera Idempotency-Key",
    ),
  },
  idempotency_key_invalid: {
    status: 400,
    text: sentences(
      "Idempotency-Key must be 1 to 255 visible ASCII characters; a UUID is best",
      "Idempotency-Key 1-255 görünür ASCII karakter olmalı; en iyisi bir UUID",
      "Idempotency-Key debe tener de 1 a 255 caracteres ASCII visibles; lo mejor es un UUID",
    ),
  },
  validation_failed: {
    status: 400,
    text: sentences(
      "The request does not fit: see issues",
      "İstek uygun değil: issues alanına bakın",
      "La solicitud no es válida: vea issues",
    ),
  },
  invalid_json: {
    status: 400,
    text: sentences(
      "The body must be a JSON object in UTF-8",
      "Gövde UTF-8 bir JSON nesnesi olmalı",
      "El cuerpo debe ser un objeto JSON en UTF-8",
    ),
  },
  unauthorized: { status: 401, text: sentences("Unauthorized", "Yetkisiz", "No autorizado") },
  insufficient_credits: {
    status: 402,
    text: sentences("Insufficient credits", "Yetersiz kredi", "Créditos insuficientes"),
  },
  forbidden: {
    status: 403,
    text: sentences(
      "user_id must be your own, or be left out",
      "user_id sizinki olmalı ya da hiç gönderilmemeli",
      "user_id debe ser el suyo, u omitirse",
    ),
  },
  model_not_found: { status: 404, text: sentences("Model not found", "Model bulunamadı", "Modelo no encontrado") },
  job_not_found: { status: 404, text: sentences("Job not found", "İş bulunamadı", "Trabajo no encontrado") },
  not_found: {
    status: 404,
    text: sentences("Nothing is served at this path", "Bu yolda hiçbir şey yok", "No hay nada en esta ruta"),
  },
  method_not_allowed: {
    status: 405,
    text: sentences("Method not allowed", "Bu yönteme izin yok", "Método no permitido"),
  },
  price_changed: {
    status: 409,
    text: sentences(
      "The video costs more than max_credits: nothing was charged",
      "Video max_credits değerinden pahalı: ücret alınmadı",
      "El video cuesta más que max_credits: no se cobró nada",
    ),
  },
  not_cancellable: {
    status: 409,
    text: sentences(
      "The video is finished, or made already, and cannot be cancelled",
      "Video bitti ya da hazırlandı, iptal edilemez",
      "El video está terminado, o ya está hecho, y no se puede cancelar",
    ),
  },
  payload_too_large: {
    status: 413,
    text: sentences("The body is too large", "Gövde çok büyük", "El cuerpo es demasiado grande"),
  },
  idempotency_key_reused: {
    status: 422,
    text: sentences(
      "This Idempotency-Key was used for another request: use a new key",
      "Bu Idempotency-Key başka bir istekte kullanıldı: yeni bir anahtar kullanın",
      "Esta Idempotency-Key se usó en otra solicitud: use una nueva",
    ),
  },
  input_missing: {
    status: 422,
    text: sentences(
      "The image that was named has not been uploaded: PUT it to its upload_url first, then use the same key",
      "Adı verilen görsel yüklenmemiş: önce onu upload_url adresine PUT ile gönderin, sonra aynı anahtarı kullanın",
      "La imagen indicada no se ha subido: súbala primero a su upload_url con PUT y use después la misma clave",
    ),
  },
  input_refused: {
    status: 422,
    text: sentences(
      "The uploaded file is not an image of the type that was announced: get a new upload_url for its real type and upload a JPEG, PNG, WebP or GIF",
      "Yüklenen dosya bildirilen türde bir görsel değil: gerçek türü için yeni bir upload_url alıp JPEG, PNG, WebP veya GIF yükleyin",
      "El archivo subido no es una imagen del tipo anunciado: pida un upload_url nuevo para su tipo real y suba un JPEG, PNG, WebP o GIF",
    ),
  },
  too_many_active_jobs: {
    status: 429,
    text: sentences(
      "Too many videos are being made: wait for one to finish",
      "Çok fazla video hazırlanıyor: birinin bitmesini bekleyin",
      "Hay demasiados videos en curso: espere a que termine uno",
    ),
  },
  rate_limited: {
    status: 429,
    text: sentences(
      "Too many videos in the last hour: try again later",
      "Son bir saatte çok fazla video: daha sonra yeniden deneyin",
      "Demasiados videos en la última hora: inténtelo más tarde",
    ),
  },
  monthly_quota_reached: {
    status: 429,
    text: sentences(
      "This month's seconds of video are used up",
      "Bu ayın video saniyeleri tükendi",
      "Se agotaron los segundos de video de este mes",
    ),
  },
  upload_limit_reached: {
    status: 429,
    text: sentences(
      "Too many uploads in the last 24 hours: use the addresses that you have, or try again later",
      "Son 24 saatte çok fazla yükleme: elinizdeki adresleri kullanın ya da daha sonra yeniden deneyin",
      "Demasiadas subidas en las últimas 24 horas: use las direcciones que ya tiene o inténtelo más tarde",
    ),
  },
  refusal_limit_reached: {
    status: 429,
    text: sentences(
      "Too many videos were refused today for their images or texts, half way: try again later",
      "Bugün görselleri ya da metinleri yüzünden yarı yolda çok fazla video reddedildi: daha sonra yeniden deneyin",
      "Hoy se rechazaron demasiados videos a mitad de camino por sus imágenes o textos: inténtelo más tarde",
    ),
  },
  cancel_limit_reached: {
    status: 429,
    text: sentences(
      "Too many videos were cancelled today after their start: this one goes on",
      "Bugün başladıktan sonra çok fazla video iptal edildi: bu devam ediyor",
      "Hoy se cancelaron demasiados videos ya empezados: este sigue adelante",
    ),
  },
  provider_failed: {
    status: 500,
    text: sentences("Provider API failed", "Sağlayıcı API'si başarısız oldu", "Falló la API del proveedor"),
  },
  job_creation_failed: {
    status: 500,
    text: sentences("Failed to create job", "İş oluşturulamadı", "No se pudo crear el trabajo"),
  },
  internal_error: {
    status: 500,
    text: sentences("Internal server error", "Sunucu hatası", "Error interno del servidor"),
  },
  provider_unavailable: {
    status: 503,
    text: sentences(
      "The provider of this model is down: nothing was charged, try again later",
      "Bu modelin sağlayıcısı çalışmıyor: ücret alınmadı, daha sonra yeniden deneyin",
      "El proveedor de este modelo no funciona: no se cobró nada, inténtelo más tarde",
    ),
  },
  unavailable: {
    status: 503,
    text: sentences(
      "The service is out of reach: try again in a moment",
      "Hizmete ulaşılamıyor: birazdan yeniden deneyin",
      "El servicio no está disponible: inténtelo en un momento",
    ),
  },
} as const satisfies Record<string, { status: number; text: Sentences }>;

/** For `unavailable` where the request had a key: another key might charge once more. */
const unavailableWithKey = sentences(
  "The service is out of reach: try again in a moment with the same Idempotency-Key",
  "Hizmete ulaşılamıyor: birazdan aynı Idempotency-Key ile yeniden deneyin",
  "El servicio no está disponible: inténtelo en un momento con la misma Idempotency-Key",
);

export type RequestErrorCode = keyof typeof requestErrors;

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

/** What a caller did wrong or what broke: thrown by a handler, answered by `endpoint` in the contract's envelope. */
export class RequestError extends Error {
  override readonly name = "RequestError";
  constructor(
    readonly code: RequestErrorCode,
    readonly fields: Readonly<Record<string, unknown> & { issues?: Issue[] }> = {},
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(code);
  }
}

/** The envelope of every error answer, without the fields that are the code's own. */
export function errorBody(
  code: RequestErrorCode,
  language: Language,
  requestId: string,
): { error: string; code: RequestErrorCode; request_id: string } {
  return { error: requestErrors[code].text[language], code, request_id: requestId };
}

/** The whole answer to a request that was refused, in the caller's language. */
export function refusalBody(
  error: RequestError,
  { language, requestId, hasKey }: { language: Language; requestId: string; hasKey: boolean },
): Record<string, unknown> {
  const { issues, ...fields } = error.fields;
  return {
    ...errorBody(error.code, language, requestId),
    ...(error.code === "unavailable" && hasKey ? { error: unavailableWithKey[language] } : {}),
    ...fields,
    ...(issues === undefined ? {} : { issues: issues.map((issue) => translateIssue(issue, language)) }),
  };
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
