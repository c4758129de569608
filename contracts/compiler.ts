/**
 * One compiler and one set of settings for everything: `compile.ts` and Hardhat. The optimizer stands
 * first because Hardhat puts it there in its profile for deployments: in another order, the same
 * settings would count as different ones and everything would be compiled twice.
 */
export const COMPILER_VERSION = '0.8.37';

export const compilerSettings = {
  optimizer: { enabled: true, runs: 10_000 },
  viaIR: true,
  evmVersion: 'paris',
  metadata: { bytecodeHash: 'ipfs' },
} as const;
