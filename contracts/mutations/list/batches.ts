import { mutationsOf } from '../mutation.ts';

/** Who applies a batch, its numbers, its gas, its groups. */
export const batchMutations = mutationsOf('BetBook.sol', 'batch', [
  {
    name: 'a batch leaves a gap in the numbers',
    breaks: ['I6', 'errors'],
    find: 'if (first > next) revert LaneGap(next);',
    replace: 'if (first > next) next = first;',
  },
  {
    name: 'an executor applies batches before the notice is over',
    breaks: ['R10', 'role: executor'],
    find: 'if (readyAt == 0 || block.timestamp < readyAt) revert NotAllowed(msg.sender);',
    replace: 'if (readyAt == 0) revert NotAllowed(msg.sender);',
    kills: 'operator',
  },
  {
    name: 'anyone applies batches',
    breaks: ['I14', 'role: executor'],
    find: 'if (readyAt == 0 || block.timestamp < readyAt) revert NotAllowed(msg.sender);',
    replace: 'if (block.timestamp < readyAt) revert NotAllowed(msg.sender);',
    kills: 'operator',
  },
  {
    name: 'anyone applies the ops of a group',
    breaks: ['I14', 'role: book'],
    find: 'if (msg.sender != address(this)) revert NotAllowed(msg.sender);',
    replace: '',
    kills: 'group',
  },
  {
    name: 'a unit starts without the gas to write back what is netted',
    breaks: ['I15'],
    find: 'if (gasleft() >= gasBound + FLUSH_GAS) return true;',
    replace: 'if (gasleft() >= gasBound) return true;',
  },
  {
    name: 'a refused group keeps what its first ops did',
    breaks: ['I13'],
    find: 'if (b.group != 0) revert GroupStopped(0, 0);',
    replace: '',
    kills: 'group',
  },
  {
    name: 'a group that is refused by a win halts no bank',
    breaks: ['R7', 'I18'],
    find: 'revert GroupStopped(uint32(b.bankNo), halts ? code : 0);',
    replace: 'revert GroupStopped(uint32(b.bankNo), 0);',
    kills: 'group',
  },
  {
    name: 'a group starts before what is netted is written',
    breaks: ['I2', 'I17'],
    find: `b.cursor = end;
        _flush(b);`,
    replace: 'b.cursor = end;',
    kills: 'campaign/Differential',
  },
]);
