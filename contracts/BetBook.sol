// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Banks} from "./Banks.sol";
import {Codes} from "./Codes.sol";
import {IBetBook} from "./IBetBook.sol";
import {ITreasury} from "./ITreasury.sol";
import {Pages} from "./Pages.sol";
import {Seats} from "./Seats.sol";

/// @notice Applies numbered items to lanes. Plain Solidity on purpose: this is the reference that an
/// optimised implementation is compared with, state and logs.
contract BetBook is Seats, Pages {
    uint8 private constant OP_PLAY = 1;
    uint8 private constant OP_OPEN = 2;
    uint8 private constant OP_SETTLE = 3;
    uint8 private constant OP_CREDIT = 4;

    uint8 private constant LOST = 0;
    uint8 private constant FULL = 1;
    uint8 private constant VOID = 2;
    uint8 private constant EXPLICIT = 3;

    uint256 private constant MAX_PAGE = 64;
    uint256 private constant LEAF_BYTES = 48;
    uint256 private constant RUN_HEADER_BYTES = 24;
    uint256 private constant OPEN_BET_BYTES = 40;

    /// @notice The most gas that one PLAY item can use. `contracts/encoding/batch.ts` has the same numbers.
    uint256 public constant PLAY_GAS = 24_000;
    /// @notice The most gas that an OPEN can use, and that each of its bets adds.
    uint256 public constant OPEN_GAS = 40_000;
    uint256 public constant OPEN_BET_GAS = 50_000;
    /// @notice The most gas that a SETTLE can use, that each bet of its page and that each outcome adds.
    uint256 public constant SETTLE_GAS = 30_000;
    uint256 public constant SETTLE_LEAF_GAS = 200;
    uint256 public constant SETTLE_BET_GAS = 30_000;
    /// @notice The most gas that a CREDIT can use.
    uint256 public constant CREDIT_GAS = 20_000;
    /// @notice The most gas that is needed after the last unit.
    uint256 public constant FLUSH_GAS = 30_000;

    /// @dev Where a batch stands. `cursor` is the reader's place in `ops`; `seq` the number of the unit there;
    /// `next` the first number that is not used yet when the batch starts.
    struct Batch {
        uint48 lane;
        uint32 operatorNo;
        uint16 shardMask;
        uint48 seq;
        uint48 next;
        bool stopped;
        uint256 cursor;
    }

    /// @dev The fields of an OPEN that all its bets share.
    struct Opening {
        uint32 slot;
        uint40 due;
        bytes8 round;
        uint80 page;
        uint8 code;
        uint8 offset;
        uint64 mask;
    }

    /// @dev The fields of a SETTLE that all its outcomes share.
    struct Settling {
        uint80 page;
        uint48 firstSeq;
        bool bonded;
        uint8 count;
        bool matches;
        uint256 leavesAt;
        uint64 open;
        uint64 settled;
    }

    struct Bet {
        address player;
        uint32 bankNo;
        uint96 stake;
        uint96 profit;
    }

    constructor(ITreasury treasury_, uint32 noticeS_) Banks(treasury_) Seats(noticeS_) {}

    /// @inheritdoc IBetBook
    function applyBatch(
        uint48 lane_,
        uint48 first,
        bytes32 evidence,
        bytes calldata ops
    ) external returns (uint48) {
        (uint32 operatorNo, uint16 shards) = _checkExecutor(lane_);
        uint48 next = lane[lane_];
        if (first > next) revert LaneGap(next);
        Batch memory b = Batch(lane_, operatorNo, shards - 1, first, next, false, 0);
        while (b.cursor < ops.length && !b.stopped) {
            uint256 op = _read(b, ops, 1);
            if (op == OP_PLAY) _applyPlay(b, ops);
            else if (op == OP_OPEN) _applyOpen(b, ops);
            else if (op == OP_SETTLE) _applySettle(b, ops);
            else if (op == OP_CREDIT) _applyCredit(b, ops);
            else revert MalformedOps(b.cursor - 1);
        }
        if (b.seq <= next) return next;
        lane[lane_] = b.seq;
        emit BatchApplied(lane_, next, b.seq, evidence);
        return b.seq;
    }

    /// @inheritdoc IBetBook
    function readId(
        uint128 id
    ) external pure returns (uint32 operatorNo, uint16 shard, uint32 bankNo, uint48 seq) {
        return (uint32(id >> 96), uint16(id >> 80), uint32(id >> 48), uint48(id));
    }

    // ---------------------------------------------------------------------------------- PLAY

    function _applyPlay(Batch memory b, bytes calldata ops) private {
        uint256 runs = _readCount(b, ops, type(uint8).max);
        for (uint256 i = 0; i < runs && !b.stopped; i++) _applyPlayRun(b, ops);
    }

    /// @dev The seat and the bankroll are read and written once for the whole run.
    function _applyPlayRun(Batch memory b, bytes calldata ops) private {
        address player = _readPlayer(b, ops);
        uint32 bankNo = uint32(_read(b, ops, 4));
        uint256 items = _readCount(b, ops, type(uint8).max);
        Seat memory seat_;
        Chips memory chips;
        uint96 maxPayout;
        bool loaded = false;
        bool changed = false;
        for (uint256 i = 0; i < items; i++) {
            uint96 stake = uint96(_read(b, ops, 12));
            uint96 payout = uint96(_read(b, ops, 12));
            bytes16 refBet = bytes16(uint128(_read(b, ops, 16)));
            bytes16 refWin = bytes16(uint128(_read(b, ops, 16)));
            if (!_isTurn(b, 1, PLAY_GAS)) {
                if (b.stopped) break;
                continue;
            }
            if (!loaded) {
                seat_ = _seats[b.operatorNo][player];
                chips = _chips[bankNo];
                maxPayout = _limits[bankNo].maxPayout;
                loaded = true;
            }
            uint128 id = _id(b, bankNo, b.seq);
            uint8 code = _refusePlay(b, seat_, chips, maxPayout, stake, payout);
            if (code == 0) {
                seat_.balance = uint96(uint256(seat_.balance) + payout - stake);
                chips.bankroll = uint96(uint256(chips.bankroll) + stake - payout);
                changed = true;
                emit Played(id, player, stake, payout, refBet, refWin);
            } else {
                emit Rejected(id, player, code, refBet);
            }
            b.seq++;
        }
        if (changed) {
            _seats[b.operatorNo][player].balance = seat_.balance;
            _chips[bankNo].bankroll = chips.bankroll;
        }
    }

    /// @dev A net win reaches an ended seat too, whatever is left in it: the bet was decided before it
    /// landed, and only the bank can lose by it.
    function _refusePlay(
        Batch memory b,
        Seat memory seat_,
        Chips memory chips,
        uint96 maxPayout,
        uint96 stake,
        uint96 payout
    ) private view returns (uint8) {
        if (stake == 0) return Codes.STAKE_ZERO;
        bool ended = _hasEnded(seat_.expiry);
        if (seat_.grantNo == 0 || (ended && payout <= stake)) return Codes.SEAT_ENDED;
        if (stake > seat_.maxStake) return Codes.ABOVE_MAX_STAKE;
        if (!ended && stake > seat_.balance) return Codes.SEAT_SHORT;
        if (chips.operatorNo != b.operatorNo) return Codes.BANK_CLOSED;
        if (payout > maxPayout) return Codes.ABOVE_MAX_PAYOUT;
        if (payout > stake && payout - stake > chips.bankroll - chips.reserved) {
            return Codes.BANK_SHORT;
        }
        return 0;
    }

    // ---------------------------------------------------------------------------------- OPEN

    function _applyOpen(Batch memory b, bytes calldata ops) private {
        Opening memory o;
        o.slot = uint32(_read(b, ops, 4));
        o.due = uint40(_read(b, ops, 5));
        o.round = bytes8(uint64(_read(b, ops, 8)));
        bool bonded = _readBool(b, ops);
        uint256 runs = _readCount(b, ops, MAX_PAGE);
        uint256 end = b.cursor;
        uint256 bets = 0;
        for (uint256 i = 0; i < runs; i++) {
            uint256 items = _readAt(ops, end + RUN_HEADER_BYTES, 1);
            bets += items;
            if (items == 0 || bets > MAX_PAGE) revert MalformedOps(end + RUN_HEADER_BYTES);
            end += RUN_HEADER_BYTES + 1 + items * OPEN_BET_BYTES;
        }
        if (end > ops.length) revert MalformedOps(b.cursor);
        if (!_isTurn(b, uint48(bets), OPEN_GAS + bets * OPEN_BET_GAS)) {
            b.cursor = end;
            return;
        }
        o.page = (uint80(b.lane) << 32) | o.slot;
        if (_isBusy(_pages[b.lane][o.slot])) o.code = Codes.SLOT_BUSY;
        else if (block.timestamp >= o.due) o.code = Codes.PAST_DUE;
        PreimageWriter memory writer = _startPreimage(
            b.seq,
            o.due,
            o.round,
            bonded,
            uint8(bets)
        );
        for (uint256 i = 0; i < runs; i++) _applyOpenRun(b, ops, o, writer);
        // A page of refused bets leaves the slot as it was.
        if (o.mask != 0) {
            _pages[b.lane][o.slot] = _pageWord(_finishPreimage(writer), o.mask);
        }
    }

    function _applyOpenRun(
        Batch memory b,
        bytes calldata ops,
        Opening memory o,
        PreimageWriter memory writer
    ) private {
        Bet memory bet;
        bet.player = _readPlayer(b, ops);
        bet.bankNo = uint32(_read(b, ops, 4));
        uint256 items = _read(b, ops, 1);
        Seat memory seat_ = _seats[b.operatorNo][bet.player];
        Chips memory chips = _chips[bet.bankNo];
        uint96 locked = 0;
        for (uint256 i = 0; i < items; i++) {
            bet.stake = uint96(_read(b, ops, 12));
            bet.profit = uint96(_read(b, ops, 12));
            bytes16 ref = bytes16(uint128(_read(b, ops, 16)));
            uint256 maxPayout = uint256(bet.stake) + bet.profit;
            if (maxPayout > type(uint96).max) revert MalformedOps(b.cursor - OPEN_BET_BYTES);
            _addLeaf(writer, bet.player, bet.bankNo, bet.stake, bet.profit);
            uint128 id = _id(b, bet.bankNo, b.seq);
            uint8 code = o.code != 0
                ? o.code
                : _refuseOpen(b, seat_, chips, bet, o.due, _limits[bet.bankNo]);
            if (code == 0) {
                seat_.balance -= bet.stake;
                chips.reserved += bet.profit;
                locked += bet.stake;
                o.mask |= uint64(1) << o.offset;
                emit Opened(
                    id,
                    bet.player,
                    bet.stake,
                    uint96(maxPayout),
                    o.page,
                    o.due,
                    o.round,
                    ref
                );
            } else {
                emit OpenRejected(
                    id,
                    bet.player,
                    bet.stake,
                    uint96(maxPayout),
                    o.page,
                    code,
                    ref
                );
            }
            o.offset++;
            b.seq++;
        }
        if (locked != 0) {
            _seats[b.operatorNo][bet.player].balance = seat_.balance;
            _chips[bet.bankNo].reserved = chips.reserved;
            _locked[bet.bankNo] += locked;
        }
    }

    function _refuseOpen(
        Batch memory b,
        Seat memory seat_,
        Chips memory chips,
        Bet memory bet,
        uint40 due,
        Limits storage limits_
    ) private view returns (uint8) {
        if (bet.stake == 0) return Codes.STAKE_ZERO;
        if (seat_.grantNo == 0 || _hasEnded(seat_.expiry)) return Codes.SEAT_ENDED;
        if (bet.stake > seat_.maxStake) return Codes.ABOVE_MAX_STAKE;
        if (bet.stake > seat_.balance) return Codes.SEAT_SHORT;
        if (chips.operatorNo != b.operatorNo) return Codes.BANK_CLOSED;
        if (due > block.timestamp + limits_.maxHorizon) return Codes.BEYOND_HORIZON;
        if (uint256(bet.stake) + bet.profit > limits_.maxPayout) return Codes.ABOVE_MAX_PAYOUT;
        if (bet.profit > chips.bankroll - chips.reserved) return Codes.BANK_SHORT;
        return 0;
    }

    // -------------------------------------------------------------------------------- SETTLE

    /// @dev Accepted after `due` too: nobody can expire a page yet, so a refusal would lock the stake.
    function _applySettle(Batch memory b, bytes calldata ops) private {
        Settling memory s;
        uint32 slot = uint32(_read(b, ops, 4));
        s.page = (uint80(b.lane) << 32) | slot;
        uint256 preimageAt = b.cursor;
        s.firstSeq = uint48(_read(b, ops, 6));
        _skip(b, ops, 13);
        s.bonded = _readBool(b, ops);
        s.count = uint8(_readCount(b, ops, MAX_PAGE));
        s.leavesAt = b.cursor;
        _skip(b, ops, s.count * LEAF_BYTES);
        uint256 preimageEnd = b.cursor;
        uint256 outcomes = _readCount(b, ops, MAX_PAGE);
        bool turn = _isTurn(
            b,
            1,
            SETTLE_GAS + s.count * SETTLE_LEAF_GAS + outcomes * SETTLE_BET_GAS
        );
        if (b.stopped) return;
        uint256 word = 0;
        bytes32 pageHash = 0;
        if (turn) {
            word = _pages[b.lane][slot];
            pageHash = keccak256(ops[preimageAt:preimageEnd]);
            s.matches = _isPageOf(word, pageHash);
            s.open = _openMask(word);
        }
        for (uint256 i = 0; i < outcomes; i++) _applyOutcome(b, ops, s, turn);
        if (!turn) return;
        if (s.settled != 0) _pages[b.lane][slot] = _pageWord(pageHash, s.open);
        emit Closed(_id(b, 0, b.seq), s.page, s.settled, s.open);
        b.seq++;
    }

    function _applyOutcome(
        Batch memory b,
        bytes calldata ops,
        Settling memory s,
        bool turn
    ) private {
        uint256 offset = _read(b, ops, 1);
        if (offset >= s.count) revert MalformedOps(b.cursor - 1);
        uint256 outcome = _read(b, ops, 1);
        if (outcome > EXPLICIT) revert MalformedOps(b.cursor - 1);
        uint96 payout = outcome == EXPLICIT ? uint96(_read(b, ops, 12)) : 0;
        bytes16 ref = bytes16(uint128(_read(b, ops, 16)));
        if (!turn) return;
        if (!s.matches) {
            emit Rejected(_id(b, 0, b.seq), address(0), Codes.PAGE_MISMATCH, ref);
            return;
        }
        Bet memory bet = _readLeaf(ops, s.leavesAt + offset * LEAF_BYTES);
        uint128 id = _id(b, bet.bankNo, s.firstSeq + uint48(offset));
        uint64 bit = uint64(1) << uint8(offset);
        if (s.open & bit == 0) {
            emit Rejected(id, bet.player, Codes.ALREADY_CLOSED, ref);
            return;
        }
        if (outcome == VOID && s.bonded) {
            emit Rejected(id, bet.player, Codes.VOID_OF_BONDED, ref);
            return;
        }
        if (outcome == FULL) payout = bet.stake + bet.profit;
        if (outcome == VOID) payout = bet.stake;
        if (payout > bet.stake + bet.profit) {
            emit Rejected(id, bet.player, Codes.ABOVE_RESERVE, ref);
            return;
        }
        s.open &= ~bit;
        s.settled |= bit;
        _release(b, bet, payout);
        if (outcome == VOID) emit Voided(id, bet.player, payout, ref);
        else emit Settled(id, bet.player, payout, ref);
    }

    /// @dev Ends an open bet: its stake and its reserve are free, `payout` goes to the seat.
    function _release(Batch memory b, Bet memory bet, uint96 payout) private {
        Chips storage chips = _chips[bet.bankNo];
        chips.reserved -= bet.profit;
        chips.bankroll = uint96(uint256(chips.bankroll) + bet.stake - payout);
        _locked[bet.bankNo] -= bet.stake;
        if (payout != 0) _seats[b.operatorNo][bet.player].balance += payout;
    }

    // -------------------------------------------------------------------------------- CREDIT

    /// @dev An ended seat takes it: what a player won is theirs.
    function _applyCredit(Batch memory b, bytes calldata ops) private {
        address player = _readPlayer(b, ops);
        uint32 bankNo = uint32(_read(b, ops, 4));
        uint96 amount = uint96(_read(b, ops, 12));
        bytes16 ref = bytes16(uint128(_read(b, ops, 16)));
        if (!_isTurn(b, 1, CREDIT_GAS)) return;
        Seat storage seat_ = _seats[b.operatorNo][player];
        Chips storage chips = _chips[bankNo];
        uint128 id = _id(b, bankNo, b.seq);
        uint8 code = 0;
        if (seat_.grantNo == 0) code = Codes.SEAT_ENDED;
        else if (chips.operatorNo != b.operatorNo) code = Codes.BANK_CLOSED;
        else if (amount > chips.bankroll - chips.reserved) code = Codes.BANK_SHORT;
        if (code == 0) {
            chips.bankroll -= amount;
            seat_.balance += amount;
            emit Credited(id, player, amount, ref);
        } else {
            emit Rejected(id, player, code, ref);
        }
        b.seq++;
    }

    // --------------------------------------------------------------------------------- units

    /// @dev Whether the unit at the reader's place is to be applied now. If not, it was applied before
    /// and is passed over, or the gas does not suffice and the batch stops.
    function _isTurn(
        Batch memory b,
        uint48 numbers,
        uint256 gasBound
    ) private view returns (bool) {
        if (b.seq < b.next) {
            if (b.seq + numbers > b.next) revert UnitSplit(b.next);
            b.seq += numbers;
            return false;
        }
        if (gasleft() < gasBound + FLUSH_GAS) {
            if (b.seq == b.next) revert GasTooLow(gasBound + FLUSH_GAS);
            b.stopped = true;
            return false;
        }
        return true;
    }

    function _id(Batch memory b, uint32 bankNo, uint48 seq) private pure returns (uint128) {
        return (uint128(b.lane) << 80) | (uint128(bankNo) << 48) | seq;
    }

    // -------------------------------------------------------------------------------- reading

    function _readPlayer(Batch memory b, bytes calldata ops) private pure returns (address player) {
        player = address(uint160(_read(b, ops, 20)));
        if (uint16(uint160(player)) & b.shardMask != uint16(b.lane)) {
            revert WrongShard(player, b.lane);
        }
    }

    function _readBool(Batch memory b, bytes calldata ops) private pure returns (bool) {
        uint256 value = _read(b, ops, 1);
        if (value > 1) revert MalformedOps(b.cursor - 1);
        return value == 1;
    }

    function _readCount(
        Batch memory b,
        bytes calldata ops,
        uint256 most
    ) private pure returns (uint256 count) {
        count = _read(b, ops, 1);
        if (count == 0 || count > most) revert MalformedOps(b.cursor - 1);
    }

    function _readLeaf(bytes calldata ops, uint256 position) private pure returns (Bet memory) {
        return
            Bet(
                address(uint160(_readAt(ops, position, 20))),
                uint32(_readAt(ops, position + 20, 4)),
                uint96(_readAt(ops, position + 24, 12)),
                uint96(_readAt(ops, position + 36, 12))
            );
    }

    function _skip(Batch memory b, bytes calldata ops, uint256 size) private pure {
        b.cursor += size;
        if (b.cursor > ops.length) revert MalformedOps(b.cursor - size);
    }

    function _read(
        Batch memory b,
        bytes calldata ops,
        uint256 size
    ) private pure returns (uint256 value) {
        value = _readAt(ops, b.cursor, size);
        unchecked {
            b.cursor += size;
        }
    }

    /// @dev `size` (1 to 32) bytes as a big-endian number. Positions stay far below 2^256.
    function _readAt(
        bytes calldata ops,
        uint256 position,
        uint256 size
    ) private pure returns (uint256) {
        unchecked {
            if (position + size > ops.length) revert MalformedOps(position);
            return uint256(bytes32(ops[position:])) >> (256 - 8 * size);
        }
    }
}
