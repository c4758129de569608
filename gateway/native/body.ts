import { isAddress } from 'viem';
import { z } from 'zod';
import { CroupierError } from '../../platform/errors.ts';

const UINT96_MAX = 2n ** 96n - 1n;
const AMOUNT = /^(?:0|[1-9][0-9]{0,28})$/;
/** Later moments are milliseconds by mistake. */
const SECONDS_MAX = 100_000_000_000;
/** A sentence about a wrong body; what it quotes of the body is cut. */
const MESSAGE_CHARS_MAX = 300;

/** An amount in the token's smallest unit: a decimal string, no leading zeros, at most 2^96 − 1. */
export const amountSchema = z
  .string()
  .refine(
    (text) => AMOUNT.test(text) && BigInt(text) <= UINT96_MAX,
    'expected a whole number as a decimal string without leading zeros, at most 2^96 − 1',
  )
  .transform(BigInt);

/** A name that a provider gave: 1 to 128 visible ASCII characters. */
export const nameSchema = z
  .string()
  .regex(/^[\x21-\x7e]{1,128}$/, 'expected 1 to 128 visible ASCII characters');

/** A brand: empty, where a provider has one only. */
export const brandSchema = z
  .string()
  .regex(/^[\x21-\x7e]{0,128}$/, 'expected at most 128 visible ASCII characters');

/** An address; in lower-case hex once read. A mixed-case one must have the right checksum. */
export const addressSchema = z
  .string()
  .refine(
    (text) => isAddress(text, { strict: text !== text.toLowerCase() }),
    'expected an address: 0x and 40 hex digits, in lower case or with the right checksum',
  )
  .transform((text): `0x${string}` => `0x${text.slice(2).toLowerCase()}`);

/** A moment in seconds since the Unix epoch. */
export const momentSchema = z.int().min(0).max(SECONDS_MAX);

/** Up to 2,048 bytes in hex: an ECDSA signature, or what an ERC-1271 wallet takes for one. */
export const signatureSchema = z
  .string()
  .regex(/^0x(?:[0-9a-fA-F]{2}){1,2048}$/, 'expected 1 to 2048 bytes as 0x and hex digits')
  .transform((text): `0x${string}` => `0x${text.slice(2).toLowerCase()}`);

/**
 * The text of a body that must be UTF-8.
 * @throws CroupierError `REQUEST_MALFORMED` (final)
 */
export function textOf(body: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body);
  } catch (cause) {
    throw malformed('the body is not UTF-8', cause);
  }
}

/**
 * Reads a JSON text of exactly the form of `schema`: nothing is coerced, nothing unknown dropped.
 * @throws CroupierError `REQUEST_MALFORMED` (final), which names the first wrong field
 */
export function parseBody<Schema extends z.ZodType>(
  schema: Schema,
  text: string,
): z.output<Schema> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw malformed('the body is not JSON', cause);
  }
  return parseValue(schema, value, 'the body');
}

/**
 * Reads a value of exactly the form of `schema`; `what` names it in the sentence.
 * @throws CroupierError `REQUEST_MALFORMED` (final), which names the first wrong field
 */
export function parseValue<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  what: string,
): z.output<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const where = issue?.path.length ? issue.path.join('.') : what;
  throw malformed(`${where}: ${issue?.message ?? 'not as expected'}`);
}

function malformed(message: string, cause?: unknown): CroupierError {
  return new CroupierError({
    code: 'REQUEST_MALFORMED',
    errorClass: 'final',
    message: message.slice(0, MESSAGE_CHARS_MAX),
    cause,
  });
}
