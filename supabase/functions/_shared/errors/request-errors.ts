import { type Issue, translateIssue } from "./issues.ts";
import { type Language, type Sentences, sentences } from "./languages.ts";

/** The catalogue of everything that can go wrong, in the order of the contract: code → status and sentences. */

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
