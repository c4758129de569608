import { mutationsOf } from '../mutation.ts';

export const seatMutations = mutationsOf('Seats.sol', 'seats', [
  {
    name: 'a seat is taken with money that never came',
    breaks: ['R1', 'I2'],
    find: 'treasury.pull(msg.sender, grant.buyIn);',
    replace: '',
    kills: 'campaign/Invariants',
  },
  {
    name: 'buy-in and top-up together lose their highest bits',
    breaks: ['R2', 'errors'],
    find: 'if (amount > type(uint96).max) revert GrantTooLarge(amount);',
    replace: '',
    kills: 'errors',
  },
  {
    name: 'a signed leave has no deadline',
    breaks: ['I16'],
    find: 'if (block.timestamp > deadline) revert DeadlinePassed(deadline);',
    replace: '',
  },
  {
    name: 'a signed leave is late in the second of its deadline',
    breaks: ['I16'],
    find: 'if (block.timestamp > deadline) revert DeadlinePassed(deadline);',
    replace: 'if (block.timestamp >= deadline) revert DeadlinePassed(deadline);',
  },
  {
    name: 'a signed leave counts for every grant',
    breaks: ['R3', 'I16'],
    find: 'if (grantNo != expected) revert GrantNoMismatch(grantNo, expected);',
    replace: 'expected;',
  },
  {
    name: 'anyone signs a leave',
    breaks: ['I14', 'I16', 'role: player'],
    find: 'if (!_signedByKey(player, structHash, signature)) revert SignatureInvalid(player);',
    replace: '(structHash, signature);',
  },
  {
    name: 'a contract approves a leave by ERC-1271',
    breaks: ['R2'],
    find: '_signedByKey(player, structHash, signature)',
    replace: '_signedBy(player, structHash, signature)',
  },
  {
    name: 'a live seat is swept',
    breaks: ['R3', 'I8'],
    find: `if (!_hasEnded(seat_.expiry)) revert SeatLive(seat_.expiry);
        uint96 amount`,
    replace: 'uint96 amount',
  },
  {
    name: 'a swept seat keeps its balance',
    breaks: ['I2', 'I8'],
    find: 'seat_.balance = 0;',
    replace: '',
  },
  {
    name: 'what is swept is still owed',
    breaks: ['I2'],
    find: '_owed -= amount;',
    replace: '',
    kills: 'campaign/Invariants',
  },
  {
    name: 'whoever sweeps a seat gets what is in it',
    breaks: ['R3', 'I8', 'I9'],
    find: 'treasury.push(player, amount);',
    replace: 'treasury.push(msg.sender, amount);',
  },
  {
    name: 'a seat is live in the second of its expiry',
    breaks: ['R3'],
    find: 'return block.timestamp >= expiry;',
    replace: 'return block.timestamp > expiry;',
  },
  {
    name: 'a live seat is taken again',
    breaks: ['R2'],
    find: `if (!_hasEnded(seat_.expiry)) revert SeatLive(seat_.expiry);
        if (grant.grantNo`,
    replace: 'if (grant.grantNo',
  },
  {
    name: 'a grant has any number',
    breaks: ['R2', 'I16'],
    find: 'if (grant.grantNo != seat_.grantNo + 1) {',
    replace: 'if (false) {',
  },
  {
    name: 'a grant lasts for ever',
    breaks: ['R2'],
    find: ' || grant.expiry > block.timestamp + MAX_GRANT_S',
    replace: '',
  },
  {
    name: 'a grant of exactly 30 days is refused',
    breaks: ['R2'],
    find: 'grant.expiry > block.timestamp + MAX_GRANT_S',
    replace: 'grant.expiry >= block.timestamp + MAX_GRANT_S',
  },
  {
    name: 'a new grant loses what is in the seat',
    breaks: ['R2', 'I2'],
    find: 'seat_.balance += grant.buyIn;',
    replace: 'seat_.balance = grant.buyIn;',
  },
  {
    name: 'a new grant keeps the old limit per bet',
    breaks: ['R2', 'I8'],
    find: 'seat_.maxStake = grant.maxStake;',
    replace: 'if (seat_.maxStake == 0) seat_.maxStake = grant.maxStake;',
  },
  {
    name: 'the buy-in is not owed',
    breaks: ['I2'],
    find: '_owed += grant.buyIn;',
    replace: '',
    kills: 'campaign/Invariants',
  },
  {
    name: 'an ended seat is left',
    breaks: ['R3', 'errors'],
    find: 'if (_hasEnded(seat_.expiry)) revert SeatNotLive(seat_.expiry);',
    replace: '',
  },
  {
    name: 'leaving takes no notice',
    breaks: ['R3'],
    find: 'uint256 endsAt = block.timestamp + noticeS;',
    replace: 'uint256 endsAt = block.timestamp;',
  },
  {
    name: 'leaving takes two notice periods',
    breaks: ['R3', 'I11'],
    find: 'uint256 endsAt = block.timestamp + noticeS;',
    replace: 'uint256 endsAt = block.timestamp + 2 * uint256(noticeS);',
    kills: 'campaign/Invariants',
  },
  {
    name: 'leaving again delays the end',
    breaks: ['R3', 'I11'],
    find: 'if (endsAt < seat_.expiry) seat_.expiry',
    replace: 'seat_.expiry',
  },
]);
