import type { Mutation } from '../mutation.ts';
import { bankMutations } from './banks.ts';
import { batchMutations } from './batches.ts';
import { betMutations } from './bets.ts';
import { expiryMutations } from './expiry.ts';
import { nettingMutations } from './netting.ts';
import { operatorMutations } from './operators.ts';
import { otherOpMutations } from './otherOps.ts';
import { seatMutations } from './seats.ts';
import { shapeMutations } from './shapes.ts';
import { signatureMutations } from './signatures.ts';
import { storageMutations } from './storage.ts';
import { treasuryMutations } from './treasury.ts';

/** All mutations, in the order of the result. */
export const MUTATIONS: readonly Mutation[] = [
  ...treasuryMutations,
  ...signatureMutations,
  ...operatorMutations,
  ...bankMutations,
  ...seatMutations,
  ...expiryMutations,
  ...storageMutations,
  ...batchMutations,
  ...betMutations,
  ...otherOpMutations,
  ...nettingMutations,
  ...shapeMutations,
];
