/**
 * An executor in a process of its own that dies (SIGKILL) at a crash point: `node executorChild.ts
 * '<JSON>'`. Run by the tests.
 */
import type { Hex } from 'viem';
import type { DeploymentFacts } from '../../ledger/ledger.ts';
import { createLocalSigner } from '../signer.ts';
import { executorOn, openLedger } from './stage.ts';

export interface ChildArgs {
  readonly ledgerPath: string;
  readonly deployment: string;
  readonly facts: DeploymentFacts;
  readonly signerKey: Hex;
  readonly rpcUrl: string;
  readonly dieAt: string;
}

const args = JSON.parse(process.argv[2] ?? '') as ChildArgs;
const ledger = await openLedger(args.ledgerPath, (point) => {
  if (point === args.dieAt) process.kill(process.pid, 'SIGKILL');
});
const signer = createLocalSigner(args.signerKey);
await executorOn({ ...args, ledger, signer }).start();
