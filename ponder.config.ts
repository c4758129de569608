import { type Address, isAddress } from 'viem';
import { createConfig, croupierConfig } from './indexer/config.ts';

// What is indexed, in the shape of Ponder's configuration. The contracts of a deployment are named by
// the environment, which `croupier dev` fills in by itself.
const croupier = croupierConfig({
  chainId: number('CHAIN_ID'),
  rpcUrl: text('CHAIN_RPC_URL'),
  wsUrl: text('CHAIN_WS_URL'),
  treasury: address('CROUPIER_TREASURY'),
  betBook: address('CROUPIER_BET_BOOK'),
  deployedBlock: number('CROUPIER_START_BLOCK'),
});

export default createConfig({
  ...croupier,
  contracts: {
    ...croupier.contracts,
    // Your own contracts follow here: their events become tables too (docs/your-own-game.md).
  },
});

function text(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`got no ${name} in the environment, expected one`);
  return value;
}

function number(name: string): number {
  const value = text(name);
  if (!/^\d{1,15}$/.test(value)) throw new Error(`got ${name}=${value}, expected a whole number`);
  return Number(value);
}

function address(name: string): Address {
  const value = text(name);
  if (!isAddress(value)) throw new Error(`got ${name}=${value}, expected an address`);
  return value;
}
