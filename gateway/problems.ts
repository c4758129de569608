import { CroupierError, type ErrorClass } from '../platform/errors.ts';

/** The status and title of every problem that the gateway itself answers. */
const PROBLEMS: Readonly<Record<string, readonly [status: number, title: string]>> = {
  BODY_INCOMPLETE: [400, 'The body has another length than announced'],
  REQUEST_MALFORMED: [400, 'The request does not have the expected form'],
  BODY_TOO_LARGE: [413, 'The body is too large'],
  BRAND_OF_OTHER_KEY: [422, 'The key is for another brand'],
  CALL_UNKNOWN: [404, 'There is no such call'],
  BANK_UNKNOWN: [404, 'There is no such bank'],
  BET_UNKNOWN: [404, 'There is no such bet'],
  DEPLOYMENT_NOT_ACTIVE: [422, 'The deployment is not in use'],
  DIGEST_MALFORMED: [401, 'The Content-Digest header cannot be read'],
  DIGEST_MISMATCH: [401, 'The body is not the one that was signed'],
  DIGEST_MISSING: [401, 'The Content-Digest header is missing'],
  GATEWAY_TIMEOUT: [503, 'No answer in time; the outcome is unknown'],
  HTTP_MALFORMED: [400, 'The request is not HTTP'],
  IDEMPOTENCY_KEY_MALFORMED: [400, 'The Idempotency-Key header cannot be used'],
  IDEMPOTENCY_KEY_MISSING: [400, 'The Idempotency-Key header is missing'],
  INTERNAL: [500, 'Something failed here; the outcome is unknown'],
  KEY_UNKNOWN: [401, 'The key of the signature is unknown'],
  KEY_UNUSABLE: [500, 'The key of the provider is set up wrongly'],
  MEDIA_TYPE_UNSUPPORTED: [415, 'The body is not JSON'],
  METHOD_NOT_ALLOWED: [405, 'The resource does not have this method'],
  PATH_MALFORMED: [400, 'The path or query cannot be read'],
  PLAYER_UNKNOWN: [404, 'The player has no seat here'],
  QUEUE_FULL: [503, 'Too many requests wait already'],
  REQUEST_TIMEOUT: [408, 'The request did not arrive in time'],
  RESOURCE_UNKNOWN: [404, 'There is no such resource'],
  SESSION_EXPIRED: [401, 'The session has ended'],
  SESSION_UNKNOWN: [404, 'There is no such session'],
  SIGNATURE_EXPIRED: [401, 'The signature is not valid at this time'],
  SIGNATURE_INVALID: [401, 'The signature is wrong'],
  SIGNATURE_MALFORMED: [401, 'The signature headers cannot be used'],
  SIGNATURE_MISSING: [401, 'The request is not signed'],
  TOKEN_INVALID: [401, 'The operator token is wrong or missing'],
  WAREHOUSE_QUERY_FAILED: [422, 'The query failed'],
  WAREHOUSE_QUERY_TIMEOUT: [422, 'The query took too long'],
};

/** Codes that are not in the table come from other services; their class says enough. */
const BY_CLASS: Readonly<Record<ErrorClass, readonly [status: number, title: string]>> = {
  retryable: [503, 'Not now; the same request may succeed later'],
  final: [422, 'Refused for good'],
  fatal: [500, 'An operator has to look at this'],
};

/** An RFC 9457 problem as answered. `body` is its JSON text. */
export interface Problem {
  readonly status: number;
  readonly body: string;
}

/**
 * The problem that an error is answered with. An error that is not ours says nothing of itself: the
 * outcome is unknown, and the same request may be sent again.
 */
export function problemOf(error: unknown): Problem {
  if (!(error instanceof CroupierError)) {
    const detail = 'got an unexpected failure; the same request with the same key may be repeated';
    return problem('INTERNAL', 'retryable', detail, {});
  }
  return problem(error.code, error.errorClass, error.message, error.details);
}

function problem(
  code: string,
  errorClass: ErrorClass,
  detail: string,
  details: Readonly<Record<string, string | number | boolean>>,
): Problem {
  const [status, title] = PROBLEMS[code] ?? BY_CLASS[errorClass];
  const type = `urn:croupier:problem:${code.toLowerCase()}`;
  return {
    status,
    body: JSON.stringify({ ...details, type, title, status, detail, code, errorClass }),
  };
}
