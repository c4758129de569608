import { createHmac, createSecretKey } from 'node:crypto';
import { expect, test } from 'vitest';
import { CroupierError } from '../../platform/errors.ts';
import { signRequest } from './sign.ts';
import { checkSignature, readSignature } from './verify.ts';

const NOW_S = 1_700_000_000;
const SECRET = '00112233445566778899aabbccddeeff';
const URL_OF_REQUEST = 'http://127.0.0.1:8080/v1/requests?a=%20b';
const BODY = Buffer.from('{"hello":"wörld"}');

const signed = signRequest({
  method: 'POST',
  url: URL_OF_REQUEST,
  body: BODY,
  keyId: 'dice-1',
  secret: SECRET,
  idempotencyKey: 'key 1',
  nowS: NOW_S,
  nonce: 'n1',
});

function verify(
  headers: Record<string, string>,
  change: { method?: string; targetUri?: string; body?: Uint8Array; nowS?: number } = {},
): string {
  const claim = readSignature(headers, change.nowS ?? NOW_S);
  checkSignature(claim, {
    method: change.method ?? 'POST',
    targetUri: change.targetUri ?? URL_OF_REQUEST,
    body: change.body ?? BODY,
    secret: createSecretKey(SECRET, 'hex'),
  });
  return claim.keyId;
}

function codeOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof CroupierError) return error.code;
    throw error;
  }
  return 'none';
}

function without(name: string): Record<string, string> {
  return Object.fromEntries(Object.entries(signed).filter(([header]) => header !== name));
}

function replaced(name: string, from: string | RegExp, to: string): Record<string, string> {
  const text = signed[name] ?? '';
  const changed = text.replace(from, to);
  if (changed === text) throw new Error(`nothing to replace in ${text}`);
  return { ...signed, [name]: changed };
}

test('a signed request is verified', () => {
  expect(verify(signed)).toBe('dice-1');
});

test('the signature is the HMAC of the base text of RFC 9421', () => {
  const parameters = signed['signature-input']?.replace('sig=', '');
  const base = [
    '"@method": POST',
    `"@target-uri": ${URL_OF_REQUEST}`,
    `"content-digest": ${signed['content-digest']}`,
    '"idempotency-key": key 1',
    `"@signature-params": ${parameters}`,
  ].join('\n');
  const mac = createHmac('sha256', Buffer.from(SECRET, 'hex')).update(base).digest('base64');
  expect(signed.signature).toBe(`sig=:${mac}:`);
  expect(parameters).toBe(
    '("@method" "@target-uri" "content-digest" "idempotency-key")' +
      `;created=${NOW_S};expires=${NOW_S + 300};keyid="dice-1";nonce="n1";alg="hmac-sha256"`,
  );
});

test('a change of anything that is covered is noticed', () => {
  expect(codeOf(() => verify(signed, { method: 'PUT' }))).toBe('SIGNATURE_INVALID');
  expect(codeOf(() => verify(signed, { targetUri: `${URL_OF_REQUEST}&b=1` }))).toBe(
    'SIGNATURE_INVALID',
  );
  expect(codeOf(() => verify(signed, { body: Buffer.from('{"hello":"world"}') }))).toBe(
    'DIGEST_MISMATCH',
  );
  expect(codeOf(() => verify({ ...signed, 'idempotency-key': 'key 2' }))).toBe('SIGNATURE_INVALID');
  expect(codeOf(() => verify(replaced('signature-input', 'nonce="n1"', 'nonce="n2"')))).toBe(
    'SIGNATURE_INVALID',
  );
  expect(codeOf(() => verify(replaced('signature', /:.{4}/, ':AAAA')))).toBe('SIGNATURE_INVALID');
  expect(codeOf(() => verify(replaced('signature', /:.*:/, ':AAAA:')))).toBe('SIGNATURE_INVALID');
});

test('a digest that was made anew for another body does not help', () => {
  const body = Buffer.from('{"stake":"1"}');
  const other = signRequest({
    method: 'POST',
    url: URL_OF_REQUEST,
    body,
    keyId: 'dice-1',
    secret: 'ff',
    idempotencyKey: 'key 1',
    nowS: NOW_S,
    nonce: 'n1',
  });
  const mixed = { ...signed, 'content-digest': other['content-digest'] ?? '' };
  expect(codeOf(() => verify(mixed, { body }))).toBe('SIGNATURE_INVALID');
});

test('a missing header is named', () => {
  expect(codeOf(() => verify(without('signature')))).toBe('SIGNATURE_MISSING');
  expect(codeOf(() => verify(without('signature-input')))).toBe('SIGNATURE_MISSING');
  expect(codeOf(() => verify(without('content-digest')))).toBe('DIGEST_MISSING');
  expect(codeOf(() => verify(without('idempotency-key')))).toBe('IDEMPOTENCY_KEY_MISSING');
});

test('a signature that covers less, more or something else is refused', () => {
  for (const [from, to] of [
    [' "idempotency-key"', ''],
    ['"@method"', '"@method";req'],
    ['"@method"', '"@method" "@method"'],
    ['"@method"', '"@method" "host"'],
    [/\(.*\)/, '()'],
    ['sig=', 'other='],
    [/created=\d+;/, ''],
    [/created=\d+;/, 'created="1";'],
    [/expires=\d+;/, ''],
    [/;nonce="n1"/, ''],
    [/keyid="dice-1"/, 'keyid=""'],
    ['hmac-sha256', 'rsa-pss-sha512'],
    [/\(/, '('.repeat(2)],
  ] as const) {
    expect(codeOf(() => verify(replaced('signature-input', from, to)))).toBe('SIGNATURE_MALFORMED');
  }
  const long = { ...signed, signature: 'a'.repeat(2_049) };
  expect(codeOf(() => verify(long))).toBe('SIGNATURE_MALFORMED');
  expect(codeOf(() => verify({ ...signed, signature: 'sig=1' }))).toBe('SIGNATURE_MALFORMED');
  expect(codeOf(() => verify({ ...signed, 'content-digest': 'sha-512=:AAAA:' }))).toBe(
    'DIGEST_MALFORMED',
  );
  expect(codeOf(() => verify({ ...signed, 'idempotency-key': 'ü' }))).toBe(
    'IDEMPOTENCY_KEY_MALFORMED',
  );
  expect(codeOf(() => verify({ ...signed, 'idempotency-key': 'k'.repeat(129) }))).toBe(
    'IDEMPOTENCY_KEY_MALFORMED',
  );
});

test('clocks may differ by five minutes, and a signature ends when it says', () => {
  expect(codeOf(() => verify(signed, { nowS: NOW_S - 300 }))).toBe('none');
  expect(codeOf(() => verify(signed, { nowS: NOW_S - 301 }))).toBe('SIGNATURE_EXPIRED');
  expect(codeOf(() => verify(signed, { nowS: NOW_S + 300 }))).toBe('none');
  expect(codeOf(() => verify(signed, { nowS: NOW_S + 301 }))).toBe('SIGNATURE_EXPIRED');
  const short = replaced('signature-input', /expires=\d+/, `expires=${NOW_S + 10}`);
  expect(codeOf(() => verify(short, { nowS: NOW_S + 11 }))).toBe('SIGNATURE_EXPIRED');
});
