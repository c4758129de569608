import { createSecretKey, type KeyObject } from 'node:crypto';
import type { LedgerContext } from '../../ledger/ledger.ts';
import { findProviderByKey, type Provider } from '../../ledger/providers.ts';
import { CroupierError } from '../../platform/errors.ts';

/** How soon a new secret, or a provider's move to another deployment, is noticed. */
const KEPT_MS = 1_000;
const KEPT_MAX = 1_000;
/** At least 16 bytes in hex. Text that is not hex would decode to an empty secret, known to all. */
const SECRET = /^(?:[0-9a-fA-F]{2}){16,}$/;

/** A provider as its key found it. */
export interface KeyHolder {
  readonly provider: Omit<Provider, 'secret'>;
  readonly secret: KeyObject;
}

export interface Keyring {
  /** @throws CroupierError `KEY_UNKNOWN` (final), `KEY_UNUSABLE` (fatal): its secret is no secret */
  find(keyId: string): Promise<KeyHolder>;
}

/** Finds providers by key, and remembers each for a second. */
export function createKeyring(ledger: LedgerContext): Keyring {
  const kept = new Map<string, { holder: KeyHolder; untilMs: number }>();

  async function find(keyId: string): Promise<KeyHolder> {
    const nowMs = ledger.clock.nowMs();
    const known = kept.get(keyId);
    if (known && nowMs < known.untilMs) return known.holder;
    const row = await findProviderByKey(ledger, keyId);
    if (!row) {
      throw new CroupierError({
        code: 'KEY_UNKNOWN',
        errorClass: 'final',
        message: 'got a keyid that no provider has, expected a known one',
      });
    }
    const { secret, ...provider } = row;
    if (!SECRET.test(secret)) {
      throw new CroupierError({
        code: 'KEY_UNUSABLE',
        errorClass: 'fatal',
        message: `got a secret of provider ${provider.provider} that is not hex or too short, expected at least 16 bytes in hex`,
      });
    }
    const holder = { provider, secret: createSecretKey(secret, 'hex') };
    if (kept.size >= KEPT_MAX) kept.clear();
    kept.set(keyId, { holder, untilMs: nowMs + KEPT_MS });
    return holder;
  }

  return { find };
}
