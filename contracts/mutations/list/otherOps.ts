import { mutationsOf } from '../mutation.ts';

/** CREDIT, TOPUP and RELEASE. */
export const otherOpMutations = mutationsOf('BetBook.sol', 'otherOps', [
  {
    name: 'a CREDIT pays what is reserved for open bets',
    breaks: ['R5', 'R6', 'I3'],
    find: 'amount > b.bankroll - b.reserved',
    replace: 'amount > b.bankroll',
  },
  {
    name: 'the credits of a day have no limit',
    breaks: ['R5', 'I10'],
    find: 'if (credited + amount > b.dayCredit) code = Codes.DAY_LIMIT;',
    replace: 'credited;',
  },
  {
    name: 'a top-up is above what the grant says',
    breaks: ['R1', 'R2', 'I9'],
    find: 'if (amount == 0 || amount > left || !_pull',
    replace: 'if (amount == 0 || !_pull',
  },
]);
