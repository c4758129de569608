import { createHash } from 'node:crypto';
import type { Address } from 'viem';
import { type PrivateKeyAccount, privateKeyToAccount } from 'viem/accounts';
import { grantTypedData, permitTypedData } from '../../contracts/encoding/grant.ts';
import type { NativeGrant } from '../../gateway/client.ts';
import { BUY_IN_UNITS, OVER_BALANCE_STAKE_UNITS } from './plan.ts';

/** R2 allows 30 days; the chain's clock may be a little behind what we were told. */
const GRANT_S = 29 * 86_400;
const SIGNATURE_S = 86_400;
const TOKEN_NAME = 'Mock Token';
const TOKEN_VERSION = '1';

/** What players sign for: a deployment over a new mock token. */
export interface DemoChain {
  /** The deployment's id. */
  readonly deployment: string;
  readonly chainId: number;
  readonly treasury: Address;
  readonly betBook: Address;
  readonly token: Address;
  readonly operator: Address;
}

/** The key of a demo player: the same for the same seed and number, and worth nothing. */
export function demoAccount(seed: string, playerNo: number): PrivateKeyAccount {
  const key = createHash('sha256')
    .update(`croupier demo player ${playerNo} of ${seed}`)
    .digest('hex');
  return privateKeyToAccount(`0x${key}`);
}

/**
 * Lets a player who never signed anything on this deployment sign the deposit of the buy-in and the
 * grant of a seat. `chainTimeS` is the time of a recent block.
 */
export async function signGrant(
  account: PrivateKeyAccount,
  chain: DemoChain,
  chainTimeS: number,
): Promise<NativeGrant> {
  const { chainId, treasury, betBook, token, operator } = chain;
  const deadline = chainTimeS + SIGNATURE_S;
  const expiry = chainTimeS + GRANT_S;
  const permit = permitTypedData({
    chainId,
    token,
    tokenName: TOKEN_NAME,
    tokenVersion: TOKEN_VERSION,
    owner: account.address,
    spender: treasury,
    value: BUY_IN_UNITS,
    nonce: 0n,
    deadline: BigInt(deadline),
  });
  const grant = {
    operator,
    buyIn: BUY_IN_UNITS,
    topUp: 0n,
    maxStake: OVER_BALANCE_STAKE_UNITS,
    expiry,
    grantNo: 1,
  };
  const allowing = { expiry, nonce: 0, deadline };
  const typedGrant = grantTypedData({ chainId, treasury, betBook, grant, allowing });
  return {
    player: account.address.toLowerCase() as Address,
    deposit: {
      amount: `${BUY_IN_UNITS}`,
      deadline,
      signature: await account.signTypedData(permit),
    },
    grant: {
      buyIn: `${grant.buyIn}`,
      topUp: `${grant.topUp}`,
      maxStake: `${grant.maxStake}`,
      expiry,
      grantNo: grant.grantNo,
    },
    allow: allowing,
    signature: await account.signTypedData(typedGrant),
  };
}
