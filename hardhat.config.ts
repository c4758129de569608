import { createRequire } from 'node:module';
import { defineConfig } from 'hardhat/config';
import { COMPILER_VERSION, compilerSettings } from './contracts/compiler.ts';

// The compiler from npm, so that nothing is downloaded at build time.
const compiler = {
  version: COMPILER_VERSION,
  path: createRequire(import.meta.url).resolve('solc/soljson.js'),
  settings: compilerSettings,
};

export default defineConfig({
  solidity: { profiles: { default: compiler, production: compiler } },
  networks: {
    croupier: {
      type: 'edr-simulated',
      // Not 31337, so that an explorer and its verifier take it for a chain of its own.
      chainId: 31829,
      // With mining on demand each block gains a second and the chain's clock runs away.
      allowBlocksWithSameTimestamp: true,
      mining: { auto: false, interval: 200 },
    },
  },
});
