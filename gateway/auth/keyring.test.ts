import { afterEach, beforeEach, expect, test } from 'vitest';
import { KEY, startGateway, type TestGateway } from '../test/startGateway.ts';
import { createKeyring } from './keyring.ts';

let gateway: TestGateway;

beforeEach(async () => {
  gateway = await startGateway();
});

afterEach(async () => {
  await gateway.close();
});

const setSecret = (secret: string) =>
  gateway.ledger.journal.transaction(async (tx) => {
    await tx.updateTable('provider').set({ secret }).execute();
  });

test('a key finds its provider, without the secret in the row', async () => {
  const { provider, secret } = await createKeyring(gateway.ledger).find(KEY.keyId);
  expect(provider).toMatchObject({ provider: 'dice', brand: 'blue' });
  expect(provider).not.toHaveProperty('secret');
  expect(secret.export().toString('hex')).toBe(KEY.secret);
});

test('a new secret counts after a second', async () => {
  const keyring = createKeyring(gateway.ledger);
  await keyring.find(KEY.keyId);
  await setSecret('cc'.repeat(32));
  gateway.shiftMs = 1_000;
  const { secret } = await keyring.find(KEY.keyId);
  expect(secret.export().toString('hex')).toBe('cc'.repeat(32));
});

test('an unknown key, and one with a secret that is none, are refused', async () => {
  const keyring = createKeyring(gateway.ledger);
  await expect(keyring.find('nobody')).rejects.toMatchObject({ code: 'KEY_UNKNOWN' });
  for (const secret of ['', 'not hex at all, but long enough', 'aa'.repeat(15)]) {
    await setSecret(secret);
    await expect(keyring.find(KEY.keyId)).rejects.toMatchObject({
      code: 'KEY_UNUSABLE',
      errorClass: 'fatal',
      message: expect.not.stringContaining(secret || 'no secret'),
    });
  }
});
