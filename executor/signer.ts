import { type Address, type Hex, keccak256 } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';

/** What an EIP-1559 transaction of ours holds. */
export interface TransactionToSign {
  readonly chainId: number;
  readonly nonce: number;
  readonly to: Address;
  readonly data: Hex;
  readonly gas: bigint;
  readonly maxFeePerGasWei: bigint;
  readonly maxPriorityFeePerGasWei: bigint;
}

export interface SignedTransaction {
  /** The bytes for `eth_sendRawTransaction`. */
  readonly raw: Hex;
  readonly hash: Hex;
}

/** Holds a key, or knows who does; the key itself never leaves it. */
export interface Signer {
  /** Lower case. */
  readonly address: Address;
  signTransaction(transaction: TransactionToSign): Promise<SignedTransaction>;
}

/** A signer whose key is in this process's memory: for dev chains and tests. */
export function createLocalSigner(privateKey: Hex): Signer {
  const account = privateKeyToAccount(privateKey);
  return {
    address: account.address.toLowerCase() as Address,
    signTransaction: async (transaction) => {
      const raw = await account.signTransaction({
        type: 'eip1559',
        chainId: transaction.chainId,
        nonce: transaction.nonce,
        to: transaction.to,
        data: transaction.data,
        gas: transaction.gas,
        maxFeePerGas: transaction.maxFeePerGasWei,
        maxPriorityFeePerGas: transaction.maxPriorityFeePerGasWei,
      });
      return { raw, hash: keccak256(raw) };
    },
  };
}
