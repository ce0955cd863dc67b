import { type Issue, translateIssue } from "./issues.ts";
import { type Language, type Sentences, sentences } from "./languages.ts";

/**
 * Every error that an endpoint answers with, ordered by status: code → status and sentence in each language. Apps may
 * compare the sentences that are only a name ("Unauthorized", "Model not found"): they stay as they are. Every other
 * sentence says what is wrong, a colon, and what to do.
 */
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
      "Idempotency-Key must be 1 to 255 visible ASCII characters: send a UUID",
      "Idempotency-Key 1-255 görünür ASCII karakter olmalı: bir UUID gönderin",
      "Idempotency-Key debe tener de 1 a 255 caracteres ASCII visibles: envíe un UUID",
    ),
  },
  validation_failed: {
    status: 400,
    text: sentences(
      "Some fields are invalid: see issues, correct them and send the request again",
      "Bazı alanlar geçersiz: issues alanına bakın, düzeltin ve isteği yeniden gönderin",
      "Algunos campos no son válidos: vea issues, corríjalos y envíe la solicitud de nuevo",
    ),
  },
  invalid_json: {
    status: 400,
    text: sentences(
      "The body is not a JSON object in UTF-8: correct it and send the request again",
      "Gövde UTF-8 bir JSON nesnesi değil: düzeltin ve isteği yeniden gönderin",
      "El cuerpo no es un objeto JSON en UTF-8: corríjalo y envíe la solicitud de nuevo",
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
      "user_id is not your own: send your own id or leave the field out",
      "user_id sizin değil: kendi kimliğinizi gönderin ya da alanı hiç göndermeyin",
      "user_id no es el suyo: envíe el suyo u omita el campo",
    ),
  },
  model_not_found: { status: 404, text: sentences("Model not found", "Model bulunamadı", "Modelo no encontrado") },
  job_not_found: { status: 404, text: sentences("Job not found", "İş bulunamadı", "Trabajo no encontrado") },
  node_not_found: {
    status: 404,
    text: sentences(
      "There is no such node in your projects, or you may only view it: reload the project",
      "Projelerinizde böyle bir düğüm yok ya da onu yalnızca görüntüleyebilirsiniz: projeyi yeniden yükleyin",
      "No existe ese nodo en sus proyectos, o solo puede verlo: recargue el proyecto",
    ),
  },
  not_found: {
    status: 404,
    text: sentences(
      "There is nothing at this path: check its spelling",
      "Bu yolda hiçbir şey yok: yazımını kontrol edin",
      "No hay nada en esta ruta: revise cómo está escrita",
    ),
  },
  method_not_allowed: {
    status: 405,
    text: sentences(
      "This path does not accept this method: use one that the Allow header lists",
      "Bu yol bu yöntemi kabul etmiyor: Allow başlığındaki yöntemlerden birini kullanın",
      "Esta ruta no acepta este método: use uno de los que indica la cabecera Allow",
    ),
  },
  price_changed: {
    status: 409,
    text: sentences(
      "The video costs more than max_credits and nothing was charged: to agree to the price, send required_credits as max_credits",
      "Video max_credits değerinden pahalı ve ücret alınmadı: fiyatı kabul etmek için max_credits olarak required_credits değerini gönderin",
      "El video cuesta más que max_credits y no se cobró nada: para aceptar el precio, envíe required_credits como max_credits",
    ),
  },
  not_cancellable: {
    status: 409,
    text: sentences(
      "The video is already made or its job has ended, so it can no longer be cancelled: read its status",
      "Video zaten hazır ya da işi sona erdi, artık iptal edilemez: durumunu sorgulayın",
      "El video ya está hecho o su trabajo terminó, y no se puede cancelar: consulte su estado",
    ),
  },
  not_shareable: {
    status: 409,
    text: sentences(
      "Only a finished video can be shared: read its status",
      "Yalnızca hazır bir video paylaşılabilir: durumunu sorgulayın",
      "Solo se puede compartir un video terminado: consulte su estado",
    ),
  },
  share_limit_reached: {
    status: 409,
    text: sentences(
      "This video has too many links: revoke those that nobody needs any more, or use one that you have",
      "Bu videonun çok fazla bağlantısı var: artık gerekmeyenleri iptal edin ya da elinizdekilerden birini kullanın",
      "Este video tiene demasiados enlaces: revoque los que ya no hagan falta o use uno de los que tiene",
    ),
  },
  payload_too_large: {
    status: 413,
    text: sentences(
      "The body is larger than limit_bytes: send less in one request, and images through POST /uploads",
      "Gövde limit_bytes değerinden büyük: tek istekte daha az gönderin, görselleri POST /uploads ile yükleyin",
      "El cuerpo ocupa más de limit_bytes: envíe menos en una solicitud, y las imágenes con POST /uploads",
    ),
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
      "There is no uploaded file at image_path: PUT the image to its upload_url, then send the same request again",
      "image_path yolunda yüklenmiş dosya yok: görseli upload_url adresine PUT ile gönderin, sonra aynı isteği yineleyin",
      "No hay ningún archivo subido en image_path: súbalo a su upload_url con PUT y repita después la misma solicitud",
    ),
  },
  input_refused: {
    status: 422,
    text: sentences(
      "The uploaded file is not an image of the announced type: get a new upload_url for its real type and upload a JPEG, PNG, WebP or GIF",
      "Yüklenen dosya bildirilen türde bir görsel değil: gerçek türü için yeni bir upload_url alıp JPEG, PNG, WebP veya GIF yükleyin",
      "El archivo subido no es una imagen del tipo anunciado: pida un upload_url nuevo para su tipo real y suba un JPEG, PNG, WebP o GIF",
    ),
  },
  too_many_active_jobs: {
    status: 429,
    text: sentences(
      "You have too many unfinished videos: wait until one of them is finished",
      "Bitmemiş çok fazla videonuz var: birinin bitmesini bekleyin",
      "Tiene demasiados videos sin terminar: espere a que termine uno",
    ),
  },
  rate_limited: {
    status: 429,
    text: sentences(
      "You started too many videos in the last hour: try again later",
      "Son bir saatte çok fazla video başlattınız: daha sonra yeniden deneyin",
      "Inició demasiados videos en la última hora: inténtelo más tarde",
    ),
  },
  monthly_quota_reached: {
    status: 429,
    text: sentences(
      "Your seconds of video for this month are used up: try again next month",
      "Bu ayki video saniyeleriniz tükendi: gelecek ay yeniden deneyin",
      "Se agotaron sus segundos de video de este mes: inténtelo el mes que viene",
    ),
  },
  upload_limit_reached: {
    status: 429,
    text: sentences(
      "Too many uploads in the last 24 hours: use the upload addresses that you have, or try again later",
      "Son 24 saatte çok fazla yükleme: elinizdeki yükleme adreslerini kullanın ya da daha sonra yeniden deneyin",
      "Demasiadas subidas en las últimas 24 horas: use las direcciones de subida que ya tiene o inténtelo más tarde",
    ),
  },
  refusal_limit_reached: {
    status: 429,
    text: sentences(
      "Too many of your videos failed in the last 24 hours because of their images or texts: try again later",
      "Son 24 saatte çok fazla videonuz görselleri ya da metinleri yüzünden başarısız oldu: daha sonra yeniden deneyin",
      "En las últimas 24 horas fallaron demasiados videos suyos por sus imágenes o textos: inténtelo más tarde",
    ),
  },
  cancel_limit_reached: {
    status: 429,
    text: sentences(
      "You cancelled too many started videos in the last 24 hours: this one continues, let it finish",
      "Son 24 saatte başlamış çok fazla videoyu iptal ettiniz: bu video devam ediyor, bitmesini bekleyin",
      "Canceló demasiados videos ya empezados en las últimas 24 horas: este continúa, espere a que termine",
    ),
  },
  too_many_requests: {
    status: 429,
    text: sentences(
      "This link is being opened too often at the moment: try again in a minute",
      "Bu bağlantı şu anda çok sık açılıyor: bir dakika sonra yeniden deneyin",
      "Este enlace se abre con demasiada frecuencia en este momento: inténtelo en un minuto",
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
      "The provider of this model is not available and nothing was charged: try again later or use another model",
      "Bu modelin sağlayıcısına şu anda ulaşılamıyor ve ücret alınmadı: daha sonra yeniden deneyin ya da başka bir model kullanın",
      "El proveedor de este modelo no está disponible y no se cobró nada: inténtelo más tarde o use otro modelo",
    ),
  },
  unavailable: {
    status: 503,
    text: sentences(
      "The service is not available: try again in a moment",
      "Hizmet şu anda kullanılamıyor: birazdan yeniden deneyin",
      "El servicio no está disponible: inténtelo en un momento",
    ),
  },
} as const satisfies Record<string, { status: number; text: Sentences }>;

/** For `unavailable` where the request had a key: another key could charge a second time. */
const unavailableWithKey = sentences(
  "The service is not available: try again in a moment with the same Idempotency-Key",
  "Hizmet şu anda kullanılamıyor: birazdan aynı Idempotency-Key ile yeniden deneyin",
  "El servicio no está disponible: inténtelo en un momento con la misma Idempotency-Key",
);

export type RequestErrorCode = keyof typeof requestErrors;

/** A request that is refused or that failed: thrown by a handler, answered by `endpoint` as one JSON object. */
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

/** The three fields of every error answer. */
export function errorBody(
  code: RequestErrorCode,
  language: Language,
  requestId: string,
): { error: string; code: RequestErrorCode; request_id: string } {
  return { error: requestErrors[code].text[language], code, request_id: requestId };
}

/** The whole error answer in the client's language: the three fields, and those that belong to its code. */
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
