import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import hardhatIgnition from '@nomicfoundation/hardhat-ignition';
import { configVariable, defineConfig } from 'hardhat/config';
import { COMPILER_VERSION, compilerSettings } from './contracts/compiler.ts';

// The compiler from npm, so that nothing is downloaded at build time.
const compiler = {
  version: COMPILER_VERSION,
  path: createRequire(import.meta.url).resolve('solc/soljson.js'),
  settings: compilerSettings,
};

/**
 * These tests deploy artifacts and import interfaces only, so they need not be compiled as what they
 * test is. By way of the intermediate language it takes ten minutes to compile, this way half a one.
 */
const BY_ARTIFACT = ['contracts/test/campaign', 'contracts/test/unit'];
const byArtifactCompiler = {
  ...compiler,
  settings: { ...compilerSettings, viaIR: false, optimizer: { enabled: true, runs: 200 } },
};
const compilation = {
  isolated: false,
  toolVersionsInBuildInfo: true,
  compilers: [compiler],
  overrides: Object.fromEntries(
    BY_ARTIFACT.flatMap((folder) =>
      readdirSync(new URL(folder, import.meta.url)).map((name) => [
        `${folder}/${name}`,
        byArtifactCompiler,
      ]),
    ),
  ),
};

/** A count from the environment, or the one of every test run. */
function countOf(variable: string, usual: number): number {
  const count = Number(process.env[variable] ?? usual);
  if (Number.isSafeInteger(count) && count > 0) return count;
  throw new Error(`got ${variable}=${process.env[variable]}, expected a whole number above 0`);
}

/** 32 bytes in hex, or any text, which is hashed. Without it every run has Hardhat's own seed. */
function fuzzSeed(): { seed?: string } {
  const seed = process.env.CROUPIER_SEED;
  if (seed === undefined) return {};
  if (/^0x[0-9a-f]{64}$/i.test(seed)) return { seed };
  return { seed: `0x${createHash('sha256').update(seed).digest('hex')}` };
}

export default defineConfig({
  plugins: [hardhatIgnition],
  // What is tested is what is deployed: both profiles are the same, and share what is compiled.
  solidity: { profiles: { default: compilation, production: compilation } },
  paths: { tests: { solidity: 'contracts/test' }, ignition: 'contracts/ignition' },
  test: {
    solidity: {
      fuzz: { runs: countOf('CROUPIER_FUZZ_RUNS', 256), ...fuzzSeed() },
      invariant: {
        runs: countOf('CROUPIER_INVARIANT_RUNS', 256),
        depth: countOf('CROUPIER_INVARIANT_DEPTH', 200),
        // A handler's calls are ours: one that reverts tests nothing.
        failOnRevert: true,
      },
    },
  },
  coverage: { skipFiles: ['contracts/test/**', 'contracts/reference/**'] },
  networks: {
    croupier: {
      type: 'edr-simulated',
      // Not 31337, so that an explorer and its verifier take it for a chain of its own.
      chainId: 31829,
      // With mining on demand each block gains a second and the chain's clock runs away.
      allowBlocksWithSameTimestamp: true,
      mining: { auto: false, interval: 200 },
    },
    // Any chain, by an endpoint and a private key from the environment.
    live: {
      type: 'http',
      url: configVariable('CHAIN_RPC_URL'),
      accounts: [configVariable('CROUPIER_DEPLOYER_KEY')],
    },
  },
});
