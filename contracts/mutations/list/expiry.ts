import { mutationsOf } from '../mutation.ts';

export const expiryMutations = mutationsOf('Expiry.sol', 'expire', [
  {
    name: 'a page expires by another’s bytes',
    breaks: ['R8', 'I5'],
    find: 'if (!_isPageOf(word, keccak256(preimage))) revert PageMismatch(page_);',
    replace: '',
  },
  {
    name: 'a page expires before it is due',
    breaks: ['R8'],
    find: 'if (block.timestamp < due) revert NotDue(due);',
    replace: '',
  },
  {
    name: 'a page is not yet due in its second',
    breaks: ['R8'],
    find: 'if (block.timestamp < due) revert NotDue(due);',
    replace: 'if (block.timestamp <= due) revert NotDue(due);',
  },
  {
    name: 'an expired page stays open',
    breaks: ['I5'],
    find: '_pages[lane_][slot] = FREE;',
    replace: '',
  },
  {
    name: 'bets that ended already expire too',
    breaks: ['I5'],
    find: 'if ((mask >> offset) & 1 == 0) continue;',
    replace: 'if (PAGE_HEADER_BYTES + offset * LEAF_BYTES >= preimage.length) continue;',
  },
  {
    name: 'an expired bonded page gives the stakes back',
    breaks: ['R9'],
    find: 'bool bonded = preimage[19] != 0;',
    replace: 'bool bonded = false;',
  },
  {
    name: 'an expired page pays as if it were bonded',
    breaks: ['R8'],
    find: 'bool bonded = preimage[19] != 0;',
    replace: 'bool bonded = true;',
  },
  {
    name: 'expired stakes stay locked',
    breaks: ['I4'],
    find: 'slots.vault.locked -= stake;',
    replace: '',
    kills: 'campaign/Invariants',
  },
  {
    name: 'expired profits stay reserved',
    breaks: ['I4'],
    find: 'slots.chips.reserved -= profit;',
    replace: '',
  },
  {
    name: 'an expired bonded page costs the bank nothing',
    breaks: ['R9', 'I2'],
    find: 'slots.chips.bankroll -= profit;',
    replace: '',
  },
  {
    name: 'an expired bonded page counts with yesterday’s losses',
    breaks: ['R5', 'I10'],
    find: '(day.loss, day.won, day.day, day.halted) = (0, 0, _today(), false);',
    replace: '(day.day, day.halted) = (_today(), false);',
  },
  {
    name: 'an expired bonded page brings yesterday’s halt back',
    breaks: ['R7', 'I18'],
    find: '(day.loss, day.won, day.day, day.halted) = (0, 0, _today(), false);',
    replace: '(day.loss, day.won, day.day) = (0, 0, _today());',
  },
  {
    name: 'an expired bonded page is no loss of the day',
    breaks: ['R5', 'I10'],
    find: 'day.loss += profit;',
    replace: '',
  },
  {
    name: 'an expired bonded page is nothing won in the day',
    breaks: ['R5', 'I10'],
    find: 'day.won += profit;',
    replace: '',
  },
  {
    name: 'expired stakes go nowhere',
    breaks: ['R8', 'I2'],
    find: 'uint96 paid = stake;',
    replace: 'uint96 paid = 0;',
  },
]);
