import { mutationsOf } from '../mutation.ts';

/** The bytes of a batch. */
export const shapeMutations = mutationsOf('Shapes.sol', 'batch', [
  {
    name: 'a player is served in a lane that is not theirs',
    breaks: ['I6', 'errors'],
    find: 'if ((player ^ b.lane) & b.shardMask != 0) {',
    replace: 'if ((player ^ b.lane) & b.shardMask > U96) {',
  },
  {
    name: 'a group holds ops of several players',
    breaks: ['bytes', 'I13'],
    find: 'if (group != 0 && group != GROUPED | player) _malformed(b, pos);',
    replace: 'group;',
  },
]);
