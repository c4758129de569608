import type { Address } from 'viem';

const GRANT_FIELDS = [
  { name: 'operator', type: 'address' },
  { name: 'buyIn', type: 'uint96' },
  { name: 'topUp', type: 'uint96' },
  { name: 'maxStake', type: 'uint96' },
  { name: 'expiry', type: 'uint32' },
  { name: 'grantNo', type: 'uint32' },
] as const;

const ALLOW_FIELDS = [
  { name: 'client', type: 'address' },
  { name: 'amount', type: 'uint96' },
  { name: 'expiry', type: 'uint40' },
  { name: 'nonce', type: 'uint48' },
  { name: 'deadline', type: 'uint40' },
] as const;

/** A seat's grant as BetBook's `sit` takes it. Money in smallest units. */
export interface Grant {
  readonly operator: Address;
  readonly buyIn: bigint;
  readonly topUp: bigint;
  readonly maxStake: bigint;
  /** Seconds since the Unix epoch, at most 30 days ahead. */
  readonly expiry: number;
  /** One more than the seat's. */
  readonly grantNo: number;
}

/** What goes with a grant's signature; times in seconds since the Unix epoch. */
export interface Allowing {
  /** The Treasury's allowance holds until then. */
  readonly expiry: number;
  /** Nonce of the Treasury's allowance for (player, BetBook). */
  readonly nonce: number;
  /** The signature may be used up to then. */
  readonly deadline: number;
}

/** What a player signs once to take a seat, for viem's `signTypedData`. */
export function grantTypedData(args: {
  chainId: number;
  treasury: Address;
  betBook: Address;
  grant: Grant;
  allowing: Allowing;
}) {
  const { chainId, treasury, betBook, grant, allowing } = args;
  return {
    domain: treasuryDomain(chainId, treasury),
    types: { Allow: [...ALLOW_FIELDS, { name: 'grant', type: 'Grant' }], Grant: GRANT_FIELDS },
    primaryType: 'Allow',
    message: { client: betBook, amount: grant.buyIn + grant.topUp, ...allowing, grant },
  } as const;
}

/** What a player signs to let any client pull, without a grant. */
export function allowTypedData(args: {
  chainId: number;
  treasury: Address;
  client: Address;
  amount: bigint;
  allowing: Allowing;
}) {
  const { chainId, treasury, client, amount, allowing } = args;
  return {
    domain: treasuryDomain(chainId, treasury),
    types: { Allow: ALLOW_FIELDS },
    primaryType: 'Allow',
    message: { client, amount, ...allowing },
  } as const;
}

/** What a player without gas signs to leave. `deadline` in seconds since the Unix epoch. */
export function leaveTypedData(args: {
  chainId: number;
  betBook: Address;
  player: Address;
  operator: Address;
  grantNo: number;
  deadline: number;
}) {
  const { chainId, betBook, player, operator, grantNo, deadline } = args;
  return {
    domain: { name: 'Croupier BetBook', version: '1', chainId, verifyingContract: betBook },
    types: {
      Leave: [
        { name: 'player', type: 'address' },
        { name: 'operator', type: 'address' },
        { name: 'grantNo', type: 'uint32' },
        { name: 'deadline', type: 'uint40' },
      ],
    },
    primaryType: 'Leave',
    message: { player, operator, grantNo, deadline },
  } as const;
}

/** What a player without gas signs to withdraw. `nonce` is the Treasury's `withdrawNonce`. */
export function withdrawTypedData(args: {
  chainId: number;
  treasury: Address;
  player: Address;
  to: Address;
  amount: bigint;
  nonce: bigint;
  deadline: number;
}) {
  const { chainId, treasury, player, to, amount, nonce, deadline } = args;
  return {
    domain: treasuryDomain(chainId, treasury),
    types: {
      Withdraw: [
        { name: 'player', type: 'address' },
        { name: 'to', type: 'address' },
        { name: 'amount', type: 'uint96' },
        { name: 'nonce', type: 'uint64' },
        { name: 'deadline', type: 'uint40' },
      ],
    },
    primaryType: 'Withdraw',
    message: { player, to, amount, nonce, deadline },
  } as const;
}

/** An ERC-2612 permit; the mock token's name is `Mock Token`, its version `1`. */
export function permitTypedData(args: {
  chainId: number;
  token: Address;
  tokenName: string;
  tokenVersion: string;
  owner: Address;
  spender: Address;
  value: bigint;
  nonce: bigint;
  deadline: bigint;
}) {
  const { chainId, token, tokenName, tokenVersion, ...message } = args;
  return {
    domain: { name: tokenName, version: tokenVersion, chainId, verifyingContract: token },
    types: {
      Permit: [
        { name: 'owner', type: 'address' },
        { name: 'spender', type: 'address' },
        { name: 'value', type: 'uint256' },
        { name: 'nonce', type: 'uint256' },
        { name: 'deadline', type: 'uint256' },
      ],
    },
    primaryType: 'Permit',
    message,
  } as const;
}

function treasuryDomain(chainId: number, treasury: Address) {
  return { name: 'Croupier Treasury', version: '1', chainId, verifyingContract: treasury } as const;
}
