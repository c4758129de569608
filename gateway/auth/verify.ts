import { type KeyObject, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { type Dictionary, type InnerList, isInnerList, parseDictionary } from 'structured-headers';
import { CroupierError } from '../../platform/errors.ts';
import {
  COVERED_COMPONENTS,
  type CoveredComponent,
  digestOf,
  hmacOf,
  isCoveredComponent,
  SIGNATURE_LABEL,
  signatureBase,
} from './signatureBase.ts';

/** How far a provider's clock may be from ours, in both directions. */
const CLOCK_SKEW_S = 300;
/** A longer header is not read at all. */
const HEADER_CHARS_MAX = 2_048;
const IDEMPOTENCY_KEY = /^[\x21-\x7e](?:[\x20-\x7e]{0,126}[\x21-\x7e])?$/;

/** A signature as sent. Nothing in it is believed before `checkSignature`. */
export interface ClaimedSignature {
  readonly keyId: string;
  readonly idempotencyKey: string;
  readonly contentDigest: string;
  readonly input: InnerList;
  readonly signature: Uint8Array;
  readonly expectedDigest: Uint8Array;
}

/**
 * Reads the signature headers of a request.
 * @throws CroupierError (final) `SIGNATURE_MISSING`, `SIGNATURE_MALFORMED`, `SIGNATURE_EXPIRED`,
 * `DIGEST_MISSING`, `DIGEST_MALFORMED`, `IDEMPOTENCY_KEY_MISSING`, `IDEMPOTENCY_KEY_MALFORMED`
 */
export function readSignature(headers: IncomingHttpHeaders, nowS: number): ClaimedSignature {
  const inputs = dictionaryHeader(headers, 'signature-input', 'SIGNATURE');
  const signatures = dictionaryHeader(headers, 'signature', 'SIGNATURE');
  const digests = dictionaryHeader(headers, 'content-digest', 'DIGEST');
  const idempotencyKey = headerText(headers, 'idempotency-key');
  if (idempotencyKey === undefined) {
    throw refusal('IDEMPOTENCY_KEY_MISSING', 'got no Idempotency-Key header, expected one');
  }
  if (!IDEMPOTENCY_KEY.test(idempotencyKey)) {
    throw refusal(
      'IDEMPOTENCY_KEY_MALFORMED',
      `got an Idempotency-Key of ${idempotencyKey.length} characters, expected 1 to 128 printable ASCII characters`,
    );
  }

  const input = inputs.get(SIGNATURE_LABEL);
  if (input === undefined || !isInnerList(input)) {
    throw malformed(`Signature-Input has no list "${SIGNATURE_LABEL}"`);
  }
  checkCoverage(input);
  const { keyId } = checkParameters(input, nowS);

  const expectedDigest = digests.get('sha-256')?.[0];
  if (!(expectedDigest instanceof ArrayBuffer)) {
    throw refusal('DIGEST_MALFORMED', 'got a Content-Digest without a sha-256 byte sequence');
  }
  const signature = signatures.get(SIGNATURE_LABEL)?.[0];
  if (!(signature instanceof ArrayBuffer)) {
    throw malformed(`Signature has no byte sequence "${SIGNATURE_LABEL}"`);
  }
  return {
    keyId,
    idempotencyKey,
    contentDigest: headerText(headers, 'content-digest') ?? '',
    input,
    signature: new Uint8Array(signature),
    expectedDigest: new Uint8Array(expectedDigest),
  };
}

/**
 * Checks the claim against the raw body, the method and the URI that the client addressed.
 * @throws CroupierError (final) `DIGEST_MISMATCH`, `SIGNATURE_INVALID`
 */
export function checkSignature(
  claim: ClaimedSignature,
  request: { method: string; targetUri: string; body: Uint8Array; secret: KeyObject },
): void {
  if (!equal(claim.expectedDigest, digestOf(request.body))) {
    throw refusal('DIGEST_MISMATCH', 'the body is not the one that Content-Digest was made of');
  }
  const base = signatureBase(claim.input, {
    '@method': request.method,
    '@target-uri': request.targetUri,
    'content-digest': claim.contentDigest,
    'idempotency-key': claim.idempotencyKey,
  });
  if (!equal(claim.signature, hmacOf(request.secret, base))) {
    throw refusal(
      'SIGNATURE_INVALID',
      `the signature does not fit ${request.method} ${request.targetUri} with these headers`,
    );
  }
}

/** Exactly our components, each once and without parameters, in any order. */
function checkCoverage(input: InnerList): void {
  const seen = new Set<CoveredComponent>();
  for (const [name, parameters] of input[0]) {
    if (!isCoveredComponent(name) || parameters.size > 0 || seen.has(name)) {
      throw malformed('it covers something else than each of the expected components once');
    }
    seen.add(name);
  }
  if (seen.size < COVERED_COMPONENTS.length) {
    throw malformed(`it covers only ${[...seen].join(' ') || 'nothing'}`);
  }
}

function checkParameters(input: InnerList, nowS: number): { keyId: string } {
  const parameters = input[1];
  const keyId = parameters.get('keyid');
  const createdS = parameters.get('created');
  const expiresS = parameters.get('expires');
  const nonce = parameters.get('nonce');
  const algorithm = parameters.get('alg');
  if (typeof keyId !== 'string' || keyId === '') throw malformed('it has no keyid');
  if (!isSeconds(createdS)) throw malformed('it has no integer created');
  if (!isSeconds(expiresS)) throw malformed('it has no integer expires');
  if (typeof nonce !== 'string' || nonce === '') throw malformed('it has no nonce');
  if (algorithm !== undefined && algorithm !== 'hmac-sha256') {
    throw malformed('its alg is another one than hmac-sha256');
  }
  if (Math.abs(nowS - createdS) > CLOCK_SKEW_S) {
    throw refusal(
      'SIGNATURE_EXPIRED',
      `got created=${createdS}, expected at most ${CLOCK_SKEW_S} seconds from ${nowS}`,
    );
  }
  if (expiresS < nowS) {
    throw refusal('SIGNATURE_EXPIRED', `got expires=${expiresS}, expected at least ${nowS}`);
  }
  return { keyId };
}

function isSeconds(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value);
}

/** Constant time for equal lengths; a length is no secret. */
function equal(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && timingSafeEqual(left, right);
}

function headerText(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value.join(', ') : value;
}

function dictionaryHeader(
  headers: IncomingHttpHeaders,
  name: string,
  kind: 'SIGNATURE' | 'DIGEST',
): Dictionary {
  const text = headerText(headers, name);
  if (text === undefined) {
    throw refusal(`${kind}_MISSING`, `got no ${name} header, expected one`);
  }
  if (text.length > HEADER_CHARS_MAX) {
    throw refusal(
      `${kind}_MALFORMED`,
      `got a ${name} header of ${text.length} characters, expected at most ${HEADER_CHARS_MAX}`,
    );
  }
  try {
    return parseDictionary(text);
  } catch {
    throw refusal(`${kind}_MALFORMED`, `the ${name} header is not a dictionary of RFC 8941`);
  }
}

function malformed(what: string): CroupierError {
  const expected = COVERED_COMPONENTS.map((name) => `"${name}"`).join(' ');
  return refusal(
    'SIGNATURE_MALFORMED',
    `${what}; expected ${SIGNATURE_LABEL}=(${expected});created=…;expires=…;keyid="…";nonce="…"`,
  );
}

function refusal(code: string, message: string): CroupierError {
  return new CroupierError({ code, errorClass: 'final', message });
}
