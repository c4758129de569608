import { mutationsOf } from '../mutation.ts';

/** PLAY, OPEN and SETTLE. */
export const betMutations = mutationsOf('BetBook.sol', 'play', [
  {
    name: 'an ended seat loses',
    breaks: ['R3', 'I8'],
    find: 'if (ended && (payout <= stake || _grantNo(b) == 0)) return Codes.SEAT_ENDED;',
    replace: 'if (ended && _grantNo(b) == 0) return Codes.SEAT_ENDED;',
  },
  {
    name: 'a PLAY is above what the grant says per bet',
    breaks: ['R2', 'I8'],
    find: `if (stake > (b.seatWord >> 96) & U96) return Codes.ABOVE_MAX_STAKE;
            if (stake > b.balance && !ended)`,
    replace: 'if (stake > b.balance && !ended)',
  },
  {
    name: 'a PLAY stakes more than is in the seat',
    breaks: ['R1', 'I2', 'I8', 'I9'],
    find: 'if (stake > b.balance && !ended) return Codes.SEAT_SHORT;',
    replace: '',
    kills: 'campaign/Invariants',
  },
  {
    name: 'a closed bank takes a PLAY',
    breaks: ['R7', 'R10', 'I18'],
    find: `if (b.closed != 0) return Codes.BANK_CLOSED;
            if (payout`,
    replace: 'if (payout',
    kills: 'campaign/Invariants',
  },
  {
    name: 'a PLAY wins what is reserved for open bets',
    breaks: ['R6', 'I3'],
    find: 'if (win > b.bankroll - b.reserved) return Codes.BANK_SHORT;',
    replace: 'if (win > b.bankroll) return Codes.BANK_SHORT;',
    kills: 'page',
  },
  {
    name: 'the bank is looked at before the seat',
    breaks: ['codes', 'I17'],
    find: `if (stake > b.balance && !ended) return Codes.SEAT_SHORT;
            if (b.closed != 0) return Codes.BANK_CLOSED;`,
    replace: `if (b.closed != 0) return Codes.BANK_CLOSED;
            if (stake > b.balance && !ended) return Codes.SEAT_SHORT;`,
    kills: 'campaign/Differential',
  },
  {
    name: 'the drawdown of a day has no limit',
    breaks: ['R5', 'I10'],
    find: 'return b.loss + risk > b.stopLoss || b.won + risk > b.dayWon;',
    replace: 'return b.won + risk > b.dayWon;',
    kills: 'day',
  },
  {
    name: 'what players win in a day has no limit',
    breaks: ['R5', 'I10'],
    find: 'return b.loss + risk > b.stopLoss || b.won + risk > b.dayWon;',
    replace: 'return b.loss + risk > b.stopLoss;',
    kills: 'day',
  },
  {
    name: 'a bank that cannot pay a winner goes on',
    breaks: ['R7', 'I18'],
    find: 'if (halts) _halt(b, code);',
    replace: '',
    kills: 'day',
  },
  {
    name: 'an OPEN takes a slot that is in use',
    breaks: ['I4', 'I5'],
    find: 'if (_isBusy(_sload(pageSlot))) o.code = Codes.SLOT_BUSY;',
    replace: 'if (false) o.code = Codes.SLOT_BUSY;',
    kills: 'page',
  },
  {
    name: 'what is to leave backs new bets',
    breaks: ['R4'],
    find: 'if (b.reserved + _exiting(b) + profit > b.bankroll && profit != 0) {',
    replace: 'if (b.reserved + profit > b.bankroll && profit != 0) {',
    kills: 'bank',
  },
  {
    name: 'a bet ends twice',
    breaks: ['I5'],
    find: 'if ((s.open >> offset) & 1 == 0) return Codes.ALREADY_CLOSED;',
    replace: '',
    kills: 'campaign/Invariants',
  },
  {
    name: 'a bet is settled past its due time',
    breaks: ['R8'],
    find: 'if (s.pastDue) return Codes.PAST_DUE;',
    replace: '',
    kills: 'page',
  },
  {
    name: 'a bonded bet is voided',
    breaks: ['R9', 'I12'],
    find: 'if (outcome == VOID && s.bonded) return Codes.VOID_OF_BONDED;',
    replace: '',
    kills: 'campaign/Invariants',
  },
  {
    name: 'a bet pays above its reserve',
    breaks: ['R6', 'I3'],
    find: 'return payout > reserve ? Codes.ABOVE_RESERVE : 0;',
    replace: 'reserve; return 0;',
    kills: 'page',
  },
  {
    name: 'a group settles the bet of another player',
    breaks: ['I13'],
    find: 'if (b.group != 0 && b.group != GROUPED | player) return Codes.GROUP_REFUSED;',
    replace: 'player;',
    kills: 'group',
  },
  {
    name: 'a PLAY wins more than there is room for, where that is quick',
    breaks: ['R5', 'I3', 'I10'],
    find: 'or(or(gt(payout, mostPayout), gt(win, room)), lt(gas(), gasToGoOn))',
    replace: 'or(gt(payout, mostPayout), lt(gas(), gasToGoOn))',
    kills: 'day',
  },
]);
