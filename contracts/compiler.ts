/** One compiler and one set of settings for everything: `compile.ts` and Hardhat. */
export const COMPILER_VERSION = '0.8.37';

export const compilerSettings = {
  viaIR: true,
  optimizer: { enabled: true, runs: 10_000 },
  evmVersion: 'paris',
  metadata: { bytecodeHash: 'ipfs' },
} as const;
