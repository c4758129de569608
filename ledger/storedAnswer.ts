import { fingerprintOf, requestKey } from './keys.ts';
import type { LedgerContext } from './ledger.ts';
import type { Answer, CanonicalRequest } from './request.ts';

/**
 * The answer that this very request (same key, same content) got before, if there is one. Reads only:
 * for a request that may no longer be accepted, such as a late retry in an ended session.
 */
export async function storedAnswer(
  context: LedgerContext,
  request: CanonicalRequest,
): Promise<Answer | undefined> {
  const key = requestKey(request.provider, request.brand, request.idempotencyKey);
  const row = await context.journal.read
    .selectFrom('request')
    .select(['fingerprint', 'answer_status', 'answer_body'])
    .where('deployment', '=', request.deployment)
    .where('request_key', '=', key)
    .executeTakeFirst();
  if (!row || Buffer.compare(row.fingerprint, fingerprintOf(request)) !== 0) return undefined;
  const outcome = row.answer_status < 400 ? 'accepted' : 'refused';
  return { outcome, status: row.answer_status, body: row.answer_body };
}
