import { mutationsOf } from '../mutation.ts';

/** How banks and seats are read and written back. */
export const nettingMutations = mutationsOf('Netting.sol', 'day', [
  {
    name: 'another operator’s bank takes bets',
    breaks: ['I14'],
    find: 'b.closed = b.foreign || b.halted ||',
    replace: 'b.closed = b.halted ||',
    kills: 'play',
  },
  {
    name: 'a paused bank takes bets',
    breaks: ['R10', 'I18'],
    find: ' || block.timestamp < (chips >> 224) ? 1 : 0;',
    replace: ' ? 1 : 0;',
    kills: 'campaign/Invariants',
  },
  {
    name: 'batches see announced limits at once',
    breaks: ['R10', 'I10'],
    find: 'if (readyAt != 0 && block.timestamp >= readyAt) {',
    replace: 'if (readyAt != 0) {',
    kills: 'bank',
  },
]);
