// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Codes} from "./Codes.sol";
import {IDesk} from "./IDesk.sol";
import {IBetBook} from "./IBetBook.sol";
import {ITreasury} from "./ITreasury.sol";
import {Desk} from "./Desk.sol";
import {BookStorage} from "./BookStorage.sol";
import {Batch, Opening, Settling} from "./Netting.sol";
import {Shapes} from "./Shapes.sol";

/// @notice Applies numbered items to lanes. `reference/PlainBetBook.sol` says the same without regard to
/// gas; tests hold that both agree in state and logs.
/// @dev Reads calldata by whole words, after `Shapes` has checked where each op ends.
contract BetBook is Shapes {
    /// @notice Something in a group was refused; ends the call that applied it. `code` is not zero where
    /// it halts the bank.
    error GroupStopped(uint32 bankNo, uint8 code);

    /// @dev Of a page's preimage and what is written behind its end, in whole words.
    uint256 private constant PREIMAGE_BYTES = 3_136;
    uint256 private constant OPENED_BYTES = 192;

    /// @notice The code of the functions at the end of this contract.
    Desk public immutable desk;

    constructor(ITreasury treasury_, uint32 noticeS_) BookStorage(treasury_, noticeS_) {
        desk = new Desk(treasury_, noticeS_);
    }

    // --------------------------------------------------------------------------------- batch

    /// @inheritdoc IBetBook
    function applyBatch(
        uint48 lane_,
        uint48 first,
        bytes32 evidence,
        bytes calldata ops
    ) external returns (uint48) {
        uint16 shards = _checkExecutor(lane_);
        uint48 next = _lanes[lane_];
        if (first > next) revert LaneGap(next);
        Batch memory b;
        _start(b, lane_, ops);
        (b.shardMask, b.seq, b.next) = (shards - 1, first, next);
        while (b.cursor < b.end) {
            if (_byteAt(b.cursor) == OP_PLAY) _applyPlay(b);
            else _applyUnit(b);
        }
        uint48 seq = uint48(b.seq);
        if (seq <= next) return next;
        _flush(b);
        _lanes[lane_] = seq;
        emit BatchApplied(lane_, next, seq, evidence);
        return seq;
    }

    /// @notice Only this contract calls it: the ops of a group in a call of their own, which reverts with
    /// `GroupStopped` when anything in it is refused, and so leaves nothing behind.
    /// @param seq Number of the first op.
    /// @param group The group's player, marked as in `Shapes`.
    function applyGroup(uint48 lane_, uint48 seq, uint256 group, bytes calldata ops) external {
        if (msg.sender != address(this)) revert NotAllowed(msg.sender);
        Batch memory b;
        _start(b, lane_, ops);
        (b.seq, b.group) = (seq, group);
        while (b.cursor < b.end) {
            if (_byteAt(b.cursor) == OP_PLAY) _applyOnePlay(b);
            else _applyOp(b);
        }
        _flush(b);
    }

    /// @dev Reverts unless the lane exists and the caller is an active executor of its operator.
    function _checkExecutor(uint48 lane_) private view returns (uint16 shards) {
        uint32 operatorNo = uint32(lane_ >> 16);
        shards = _shards[operatorNo];
        if (uint16(lane_) >= shards) revert LaneUnknown(lane_);
        uint40 readyAt = executorReadyAt[operatorNo][msg.sender];
        if (readyAt == 0 || block.timestamp < readyAt) revert NotAllowed(msg.sender);
    }

    function _start(Batch memory b, uint48 lane_, bytes calldata ops) private pure {
        uint256 start;
        uint256 seatsSlot;
        uint256 pagesSlot;
        assembly ("memory-safe") {
            start := ops.offset
            seatsSlot := _seats.slot
            pagesSlot := _pages.slot
        }
        (b.start, b.cursor, b.end) = (start, start, start + ops.length);
        b.lane = lane_;
        b.operatorNo = lane_ >> 16;
        b.seatsSlot = _slotOf(b.operatorNo, seatsSlot);
        b.pagesSlot = _slotOf(lane_, pagesSlot);
        b.player = NOBODY;
        b.bankNo = NO_BANK;
    }

    /// @dev Any unit but PLAY items. The outcomes of a SETTLE are checked as they are applied.
    function _applyUnit(Batch memory b) private {
        if (_byteAt(b.cursor) == OP_SETTLE && b.seq >= b.next) {
            if (_isGasEnough(b, _settleBound(b, b.cursor + 1, 0))) _applySettle(b);
            return;
        }
        (uint256 after_, uint256 numbers, uint256 gasBound) = _shapeOf(b, b.cursor, 0);
        if (b.seq < b.next) {
            if (b.seq + numbers > b.next) revert UnitSplit(uint48(b.next));
            b.seq += numbers;
            b.cursor = after_;
        } else if (_isGasEnough(b, gasBound)) {
            _applyOp(b);
        }
    }

    /// @dev The op at the cursor, whose form was checked. Each moves the cursor behind itself.
    function _applyOp(Batch memory b) private {
        uint256 op = _byteAt(b.cursor);
        if (op == OP_OPEN) _applyOpen(b);
        else if (op == OP_SETTLE) _applySettle(b);
        else if (op == OP_CREDIT) _applyCredit(b);
        else if (op == OP_FINISH) _applyFinish(b);
        else if (op == OP_TOPUP) _applyTopUp(b);
        else if (op == OP_RELEASE) _applyRelease(b);
        else _applyGroup(b);
    }

    /// @dev Whether a unit may start. If not, the batch ends before it.
    function _isGasEnough(Batch memory b, uint256 gasBound) private view returns (bool) {
        if (gasleft() >= gasBound + FLUSH_GAS) return true;
        if (b.seq == b.next) revert GasTooLow(gasBound + FLUSH_GAS);
        b.end = b.cursor;
        return false;
    }

    // ---------------------------------------------------------------------------------- PLAY

    function _applyPlay(Batch memory b) private {
        unchecked {
            uint256 pos = b.cursor + 1;
            uint256 runs = _byteAt(pos);
            if (runs == 0 || pos >= b.end) _malformed(b, pos);
            ++pos;
            while (runs != 0) {
                uint256 head = _load(pos);
                uint256 items = (head >> 56) & 0xff;
                uint256 end = pos + RUN_BYTES + items * PLAY_BYTES;
                if (items == 0 || end > b.end) _malformed(b, pos);
                if (((head >> 96) ^ b.lane) & b.shardMask != 0) _checkPlayer(b, pos, 0);
                if (b.seq < b.next) {
                    uint256 skipped = b.next - b.seq;
                    if (skipped > items) skipped = items;
                    b.seq += skipped;
                    items -= skipped;
                }
                if (items == 0) {
                    (pos, runs) = (end, runs - 1);
                } else {
                    if (!_isGasEnough(b, PLAY_RUN_GAS + PLAY_GAS)) return;
                    (pos, runs) = _playRuns(b, end - items * PLAY_BYTES, end, head, runs);
                }
            }
            b.cursor = pos;
        }
    }

    /// @dev The PLAY of a group: one run of one item.
    function _applyOnePlay(Batch memory b) private {
        unchecked {
            uint256 pos = b.cursor + 2;
            b.cursor = pos + RUN_BYTES + PLAY_BYTES;
            _playRuns(b, pos + RUN_BYTES, b.cursor, _load(pos), 1);
        }
    }

    /// @dev Applies a run and, as far as that is quick, runs behind it.
    /// @param pos Of the first item that is not skipped.
    /// @param end Of the run.
    /// @param head The run's player and bank.
    /// @param runs How many are left, with this one.
    /// @return Where the last applied run ends.
    /// @return How many runs are left; none where the batch ends here.
    function _playRuns(
        Batch memory b,
        uint256 pos,
        uint256 end,
        uint256 head,
        uint256 runs
    ) private returns (uint256, uint256) {
        unchecked {
            _turnToSeat(b, head >> 96);
            for (;;) {
                _turnToBank(b, (head >> 64) & U32, FOR_PLAY);
                (pos, end, head, runs) = _playFast(b, pos, end, head, runs);
                if (pos == end) return (pos, runs);
                if (b.group == 0 && gasleft() < PLAY_GAS + FLUSH_GAS) {
                    b.end = b.cursor;
                    return (pos, 0);
                }
                _playSlowly(b, pos, head);
                pos += PLAY_BYTES;
                if (pos == end) return (pos, runs - 1);
            }
        }
    }

    /// @dev Applies items as long as the gas suffices and they pass one comparison with all that they
    /// could fail: the seat is live and has the stake, the bank is open and has room for the win. Goes on
    /// with the next run where that has the same bank. Takes and returns where it stands as `_playRuns`
    /// has it, `pos` at `end` where a run is done.
    function _playFast(
        Batch memory b,
        uint256 pos,
        uint256 end,
        uint256 head,
        uint256 runs
    ) private returns (uint256, uint256, uint256, uint256) {
        unchecked {
            uint256 room = b.room;
            if (room == NO_ROOM) return (pos, end, head, runs);
            bytes32 topic = Played.selector;
            uint256 gasToGoOn = b.group == 0 ? PLAY_GAS + FLUSH_GAS : 0;
            uint256 id = _id(b, (head >> 64) & U32, b.seq);
            uint256 mostPayout = b.maxPayout;
            uint256 bankroll = b.bankroll;
            uint256 loss = b.loss;
            uint256 chips = b.balance;
            uint256 mostStake = b.mostStake;
            for (;;) {
                assembly ("memory-safe") {
                    let data := mload(0x40)
                    for {} lt(pos, end) {} {
                        let word := calldataload(pos)
                        let stake := shr(160, word)
                        let payout := and(shr(64, word), 0xffffffffffffffffffffffff)
                        let win := mul(gt(payout, stake), sub(payout, stake))
                        if or(
                            or(or(gt(stake, chips), gt(stake, mostStake)), iszero(stake)),
                            or(or(gt(payout, mostPayout), gt(win, room)), lt(gas(), gasToGoOn))
                        ) {
                            break
                        }
                        chips := sub(add(chips, payout), stake)
                        bankroll := sub(add(bankroll, stake), payout)
                        room := sub(room, win)
                        loss := sub(add(loss, payout), stake)
                        loss := mul(sgt(loss, 0), loss)
                        word := calldataload(add(pos, 24))
                        mstore(data, stake)
                        mstore(add(data, 32), payout)
                        mstore(add(data, 64), shl(128, shr(128, word)))
                        mstore(add(data, 96), shl(128, word))
                        log3(data, 128, topic, id, shr(96, head))
                        id := add(id, 1)
                        pos := add(pos, PLAY_BYTES)
                    }
                    runs := sub(runs, eq(pos, end))
                }
                if (_above(end, pos) | _above(1, runs) != 0) break;
                uint256 next = _load(pos);
                uint256 items = (next >> 56) & 0xff;
                uint256 nextEnd = pos + RUN_BYTES + items * PLAY_BYTES;
                // Another bank, another shard, no item, or bytes missing.
                uint256 other = (next ^ head) & ((b.shardMask << 96) | (U32 << 64));
                if (other | _above(1, items) | _above(nextEnd, b.end) != 0) break;
                if (gasleft() < PLAY_RUN_GAS + PLAY_GAS + FLUSH_GAS) break;
                (pos, end, head) = (pos + RUN_BYTES, nextEnd, next);
                (chips, mostStake) = _nextSeat(b, next >> 96, chips);
            }
            b.won += b.room - room;
            (b.balance, b.mostStake) = (chips, mostStake);
            (b.bankroll, b.room, b.loss, b.seq) = (bankroll, room, loss, id & U48);
            return (pos, end, head, runs);
        }
    }

    /// @dev Asks one by one what is wrong with an item; it may be nothing.
    function _playSlowly(Batch memory b, uint256 pos, uint256 head) private {
        unchecked {
            uint128 id = uint128(_id(b, (head >> 64) & U32, b.seq));
            uint256 word = _load(pos);
            uint256 stake = word >> 160;
            uint256 payout = (word >> 64) & U96;
            uint8 code = _refusePlay(b, stake, payout);
            if (code == 0) {
                b.loadedFor = 0;
                b.balance = b.balance + payout - stake;
                _countDay(b, stake, payout);
                emit Played(
                    id,
                    address(uint160(head >> 96)),
                    uint96(stake),
                    uint96(payout),
                    bytes16(bytes32(_load(pos + 24))),
                    bytes16(bytes32(_load(pos + 40)))
                );
                ++b.seq;
                return;
            }
            // A house that cannot pay one winner takes from no other loser.
            bool halts = payout > stake &&
                (code == Codes.ABOVE_MAX_PAYOUT ||
                    code == Codes.BANK_SHORT ||
                    code == Codes.DAY_LIMIT);
            if (b.group != 0) revert GroupStopped(uint32(b.bankNo), halts ? code : 0);
            bytes16 ref = bytes16(bytes32(_load(pos + 24)));
            emit Rejected(id, address(uint160(head >> 96)), code, ref);
            ++b.seq;
            if (halts) _halt(b, code);
        }
    }

    /// @dev A net win reaches an ended seat too, whatever is left in it: the bet was decided before it
    /// landed, and only the bank can lose by it.
    function _refusePlay(
        Batch memory b,
        uint256 stake,
        uint256 payout
    ) private view returns (uint8) {
        unchecked {
            if (stake == 0) return Codes.STAKE_ZERO;
            bool ended = _isSeatClosed(b);
            if (ended && (payout <= stake || _grantNo(b) == 0)) return Codes.SEAT_ENDED;
            if (stake > (b.seatWord >> 96) & U96) return Codes.ABOVE_MAX_STAKE;
            if (stake > b.balance && !ended) return Codes.SEAT_SHORT;
            if (b.closed != 0) return Codes.BANK_CLOSED;
            if (payout > b.maxPayout) return Codes.ABOVE_MAX_PAYOUT;
            uint256 win = payout > stake ? payout - stake : 0;
            if (win > b.bankroll - b.reserved) return Codes.BANK_SHORT;
            return _isDayOver(b, win) ? Codes.DAY_LIMIT : 0;
        }
    }

    /// @dev Whether the bank could lose more today than its limits say, with `win` on top of what is
    /// reserved.
    function _isDayOver(Batch memory b, uint256 win) private pure returns (bool) {
        unchecked {
            uint256 risk = b.reserved + win;
            return b.loss + risk > b.stopLoss || b.won + risk > b.dayWon;
        }
    }

    function _halt(Batch memory b, uint8 code) private {
        (b.halted, b.closed, b.loadedFor) = (true, 1, 0);
        emit Halted(uint32(b.bankNo), code, _nextEvent());
    }

    // ---------------------------------------------------------------------------------- OPEN

    function _applyOpen(Batch memory b) private {
        unchecked {
            uint256 pos = b.cursor + 1;
            uint256 head = _load(pos);
            Opening memory o = b.opening;
            if (o.preimageAt == 0) o.preimageAt = _setAside(PREIMAGE_BYTES);
            o.leafAt = o.preimageAt + PAGE_HEADER_BYTES;
            o.page = (b.lane << 32) | (head >> 224);
            o.due = (head >> 184) & U40;
            o.round = (head << 72) & (U64 << 192);
            (o.bit, o.mask, o.code) = (1, 0, 0);
            uint256 pageSlot = _slotOf(head >> 224, b.pagesSlot);
            if (_isBusy(_sload(pageSlot))) o.code = Codes.SLOT_BUSY;
            else if (block.timestamp >= o.due) o.code = Codes.PAST_DUE;
            uint256 firstSeq = b.seq;
            uint256 runs = (head >> 104) & 0xff;
            pos += OPEN_BYTES;
            while (runs != 0) (pos, runs) = _openRuns(b, o, pos, runs);
            b.cursor = pos;
            // A page of refused bets leaves the slot as it was.
            if (o.mask != 0) {
                // Due time, round and bonded stand in the op as they do in the preimage.
                uint256 header = (firstSeq << 208) |
                    (((head << 32) >> 144) << 96) |
                    ((b.seq - firstSeq) << 88);
                bytes32 pageHash = _hashPreimage(o.preimageAt, o.leafAt, header);
                _sstore(pageSlot, _pageWord(pageHash, uint64(o.mask)));
            }
        }
    }

    /// @dev Opens the bets of the run at `pos` and, as far as that is quick, of runs behind it. Takes how
    /// many runs are left; returns where the last one ends, and how many are left then.
    function _openRuns(
        Batch memory b,
        Opening memory o,
        uint256 pos,
        uint256 runs
    ) private returns (uint256, uint256) {
        unchecked {
            uint256 head = _load(pos);
            pos += RUN_BYTES;
            uint256 end = pos + ((head >> 56) & 0xff) * BET_BYTES;
            _turnToSeat(b, head >> 96);
            for (;;) {
                _turnToBank(b, (head >> 64) & U32, FOR_OPEN);
                (pos, end, head, runs) = _openFast(b, o, pos, end, head, runs);
                if (pos == end) return (pos, runs);
                _openSlowly(b, o, pos, head);
                pos += BET_BYTES;
                if (pos == end) return (pos, runs - 1);
            }
        }
    }

    /// @dev Opens bets as long as they pass one comparison with all that they could fail. Goes on with the
    /// next run where that has the same bank, see `_playFast`.
    function _openFast(
        Batch memory b,
        Opening memory o,
        uint256 pos,
        uint256 end,
        uint256 head,
        uint256 runs
    ) private returns (uint256, uint256, uint256, uint256) {
        unchecked {
            uint256 room = b.room;
            if (room == NO_ROOM || o.code != 0 || o.due > block.timestamp + b.maxHorizon) {
                return (pos, end, head, runs);
            }
            bytes32 topic = Opened.selector;
            uint256 id = _id(b, (head >> 64) & U32, b.seq);
            uint256 mostPayout = b.maxPayout;
            uint256 leafAt = o.leafAt;
            uint256 stakes = 0;
            uint256 chips = b.balance;
            uint256 mostStake = b.mostStake;
            for (;;) {
                assembly ("memory-safe") {
                    for {} lt(pos, end) {} {
                        let bet := calldataload(pos)
                        let stake := shr(160, bet)
                        let profit := and(shr(64, bet), 0xffffffffffffffffffffffff)
                        let payout := add(stake, profit)
                        if or(
                            or(or(gt(stake, chips), gt(stake, mostStake)), iszero(stake)),
                            or(gt(payout, mostPayout), gt(profit, room))
                        ) {
                            break
                        }
                        // A leaf is the first 24 bytes of the run's and of the bet's; each word's rest is
                        // written over by what follows, or lies behind the preimage.
                        mstore(leafAt, head)
                        mstore(add(leafAt, 24), bet)
                        leafAt := add(leafAt, LEAF_BYTES)
                        chips := sub(chips, stake)
                        stakes := add(stakes, stake)
                        room := sub(room, profit)
                        mstore(o, stake)
                        mstore(add(o, 32), payout)
                        mstore(add(o, 160), shl(128, shr(128, calldataload(add(pos, 24)))))
                        log3(o, OPENED_BYTES, topic, id, shr(96, head))
                        id := add(id, 1)
                        pos := add(pos, BET_BYTES)
                    }
                    runs := sub(runs, eq(pos, end))
                }
                if (_above(end, pos) | _above(1, runs) != 0) break;
                uint256 next = _load(pos);
                if ((next ^ head) & (U32 << 64) != 0) break;
                (pos, head) = (pos + RUN_BYTES, next);
                end = pos + ((next >> 56) & 0xff) * BET_BYTES;
                (chips, mostStake) = _nextSeat(b, next >> 96, chips);
            }
            uint256 bit = o.bit << ((id & U48) - b.seq);
            // All bits from the first to the last that was opened.
            o.mask |= bit - o.bit;
            b.reserved += b.room - room;
            b.locked += stakes;
            (b.balance, b.mostStake) = (chips, mostStake);
            (b.room, b.seq, o.bit, o.leafAt) = (room, id & U48, bit, leafAt);
            return (pos, end, head, runs);
        }
    }

    /// @dev Asks one by one what is wrong with a bet; it may be nothing.
    function _openSlowly(Batch memory b, Opening memory o, uint256 pos, uint256 head) private {
        unchecked {
            uint256 bet = _load(pos);
            uint256 stake = bet >> 160;
            uint256 profit = (bet >> 64) & U96;
            if (stake + profit > U96) _malformed(b, pos);
            uint256 leafAt = o.leafAt;
            assembly ("memory-safe") {
                mstore(leafAt, head)
                mstore(add(leafAt, 24), bet)
            }
            o.leafAt = leafAt + LEAF_BYTES;
            uint256 code = o.code != 0 ? o.code : _refuseOpen(b, o.due, stake, profit);
            if (code == 0) {
                b.balance -= stake;
                b.reserved += profit;
                b.locked += stake;
                o.mask |= o.bit;
                b.loadedFor = 0;
                emit Opened(
                    _id(b, (head >> 64) & U32, b.seq),
                    address(uint160(head >> 96)),
                    uint96(stake),
                    uint96(stake + profit),
                    uint80(o.page),
                    uint40(o.due),
                    bytes8(bytes32(o.round)),
                    bytes16(bytes32(_load(pos + 24)))
                );
            } else {
                _refuseInGroup(b);
                _emitOpenRejected(b, head, pos, o.page, code);
            }
            o.bit <<= 1;
            ++b.seq;
        }
    }

    function _refuseOpen(
        Batch memory b,
        uint256 due,
        uint256 stake,
        uint256 profit
    ) private view returns (uint256) {
        unchecked {
            if (stake == 0) return Codes.STAKE_ZERO;
            if (_isSeatClosed(b)) return Codes.SEAT_ENDED;
            if (stake > (b.seatWord >> 96) & U96) return Codes.ABOVE_MAX_STAKE;
            if (stake > b.balance) return Codes.SEAT_SHORT;
            if (b.closed != 0) return Codes.BANK_CLOSED;
            if (due > block.timestamp + b.maxHorizon) return Codes.BEYOND_HORIZON;
            if (stake + profit > b.maxPayout) return Codes.ABOVE_MAX_PAYOUT;
            // What is to leave backs no new bet.
            if (b.reserved + _exiting(b) + profit > b.bankroll && profit != 0) {
                return Codes.BANK_SHORT;
            }
            return _isDayOver(b, profit) ? Codes.DAY_LIMIT : 0;
        }
    }

    /// @param head The run's player and bank.
    /// @param pos Where the bet is.
    function _emitOpenRejected(
        Batch memory b,
        uint256 head,
        uint256 pos,
        uint256 page_,
        uint256 code
    ) private {
        unchecked {
            uint256 bet = _load(pos);
            uint256 stake = bet >> 160;
            uint256 maxPayout = stake + ((bet >> 64) & U96);
            if (maxPayout > U96) _malformed(b, pos);
            emit OpenRejected(
                _id(b, (head >> 64) & U32, b.seq),
                address(uint160(head >> 96)),
                uint96(stake),
                uint96(maxPayout),
                uint80(page_),
                uint8(code),
                bytes16(bytes32(_load(pos + 24)))
            );
        }
    }

    /// @dev Memory that nothing else uses.
    function _setAside(uint256 size) private pure returns (uint256 pos) {
        assembly ("memory-safe") {
            pos := mload(0x40)
            mstore(0x40, add(pos, size))
        }
    }

    /// @dev Writes the header's 21 bytes without touching the leaves behind them.
    function _hashPreimage(
        uint256 pos,
        uint256 end,
        uint256 header
    ) private pure returns (bytes32 pageHash) {
        assembly ("memory-safe") {
            let leaf := shr(168, shl(168, mload(pos)))
            mstore(pos, or(header, leaf))
            pageHash := keccak256(pos, sub(end, pos))
        }
    }

    // -------------------------------------------------------------------------------- SETTLE

    function _applySettle(Batch memory b) private {
        unchecked {
            uint256 pos = b.cursor + 1;
            uint256 head = _load(pos);
            uint256 slot = head >> 224;
            uint256 pageSlot = _slotOf(slot, b.pagesSlot);
            uint256 count = (head >> 56) & 0xff;
            Settling memory s = b.settling;
            s.count = count;
            s.settled = 0;
            s.firstSeq = (head >> 176) & U48;
            s.pastDue = block.timestamp >= (head >> 136) & U40;
            s.bonded = (head >> 64) & 0xff != 0;
            s.leavesAt = pos + SETTLE_BYTES;
            pos = s.leavesAt + count * LEAF_BYTES;
            bytes32 pageHash = _hashCalldata(s.leavesAt - PAGE_HEADER_BYTES, pos);
            uint256 word = _sload(pageSlot);
            s.matches = _isPageOf(word, pageHash);
            s.plain = s.matches && !s.pastDue && b.group == 0;
            s.open = _openMask(word);
            uint256 outcomes = _byteAt(pos);
            ++pos;
            for (;;) {
                if (s.plain) (pos, outcomes) = _settleFast(b, s, pos, outcomes);
                if (outcomes == 0) break;
                pos = _settleSlowly(b, s, pos);
                --outcomes;
            }
            if (pos > b.end) _malformed(b, pos);
            b.cursor = pos;
            if (s.settled != 0) _sstore(pageSlot, _pageWord(pageHash, uint64(s.open)));
            _emitClosed(b, slot, s.settled, s.open);
        }
    }

    /// @dev Settles bets of a page that matches, as long as they are open, lost or paid in full, and of the
    /// bank that is loaded. Takes and returns where the next outcome is and how many are left.
    function _settleFast(
        Batch memory b,
        Settling memory s,
        uint256 pos,
        uint256 outcomes
    ) private returns (uint256, uint256) {
        unchecked {
            // Of any other purpose, more than a bank's number.
            uint256 bankNo = b.loadedFor ^ FOR_SETTLE;
            uint256 firstId = _id(b, bankNo, s.firstSeq);
            uint256 leavesAt = s.leavesAt;
            uint256 open = s.open;
            uint256 loss = b.loss;
            // Stakes in the upper half, profits in the lower: of all bets, and of those that are paid.
            uint256 settled = 0;
            uint256 paid = 0;
            for (; outcomes != 0; --outcomes) {
                uint256 word = _load(pos);
                uint256 offset = word >> 248;
                uint256 full = (word >> 240) & 0xff;
                uint256 leafAt = leavesAt + offset * LEAF_BYTES;
                uint256 leaf = _load(leafAt);
                // Bits behind the page's last bet are never set.
                uint256 fault = ((leaf >> 64) & U32) ^ bankNo;
                if (fault | _above(full, FULL) | (((open >> offset) & 1) ^ 1) != 0) break;
                open ^= 1 << offset;
                uint256 bet = _load(leafAt + 24) >> 64;
                settled += bet;
                paid += full * bet;
                uint256 payout = full * ((bet >> 96) + (bet & U96));
                loss = _drawdown(loss, bet >> 96, payout);
                if (payout != 0) {
                    _turnToSeat(b, leaf >> 96);
                    b.balance += payout;
                }
                _emitSettled(
                    Settled.selector,
                    firstId + offset,
                    leaf >> 96,
                    payout,
                    _load(pos + 2)
                );
                pos += OUTCOME_BYTES;
            }
            s.settled |= s.open ^ open;
            s.open = open;
            b.reserved -= settled & U96;
            b.locked -= settled >> 96;
            b.bankroll = b.bankroll + (settled >> 96) - (paid >> 96) - (paid & U96);
            b.won += paid & U96;
            b.loss = loss;
            return (pos, outcomes);
        }
    }

    /// @dev Where the outcome ends.
    function _settleSlowly(
        Batch memory b,
        Settling memory s,
        uint256 pos
    ) private returns (uint256) {
        unchecked {
            uint256 word = _load(pos);
            uint256 offset = word >> 248;
            uint256 outcome = (word >> 240) & 0xff;
            if (offset >= s.count || outcome > EXPLICIT) _malformed(b, pos);
            uint256 leaf = s.leavesAt + offset * LEAF_BYTES;
            uint256 bet = _load(leaf + 24);
            uint256 stake = bet >> 160;
            uint256 reserve = stake + ((bet >> 64) & U96);
            uint256 payout = 0;
            pos += 2;
            if (outcome == EXPLICIT) {
                payout = (word >> 144) & U96;
                pos += PAYOUT_BYTES;
            } else if (outcome != 0) {
                payout = outcome == FULL ? reserve : stake;
            }
            word = _load(leaf);
            if (!s.plain || (s.open >> offset) & 1 == 0 || payout > reserve || outcome == VOID) {
                uint8 code = _refuseSettle(b, s, outcome, payout, word >> 96, offset, reserve);
                if (code != 0) {
                    _refuseInGroup(b);
                    _rejectOutcome(b, s, word, offset, code, bytes16(bytes32(_load(pos))));
                    return pos + 16;
                }
            }
            s.open ^= 1 << offset;
            s.settled |= 1 << offset;
            _turnToBank(b, (word >> 64) & U32, FOR_SETTLE);
            b.reserved = b.reserved + stake - reserve;
            b.locked -= stake;
            _countDay(b, stake, payout);
            if (payout != 0) {
                _turnToSeat(b, word >> 96);
                b.balance += payout;
            }
            _emitSettled(
                outcome == VOID ? Voided.selector : Settled.selector,
                _id(b, (word >> 64) & U32, s.firstSeq + offset),
                word >> 96,
                payout,
                _load(pos)
            );
            return pos + 16;
        }
    }

    /// @dev Settled and Voided have the same form; a voided bet pays its stake.
    function _emitSettled(
        bytes32 topic,
        uint256 id,
        uint256 player,
        uint256 payout,
        uint256 ref
    ) private {
        assembly ("memory-safe") {
            mstore(0, payout)
            mstore(32, shl(128, shr(128, ref)))
            log3(0, 64, topic, id, player)
        }
    }

    function _refuseSettle(
        Batch memory b,
        Settling memory s,
        uint256 outcome,
        uint256 payout,
        uint256 player,
        uint256 offset,
        uint256 reserve
    ) private pure returns (uint8) {
        if (!s.plain) {
            if (!s.matches) return Codes.PAGE_MISMATCH;
            if (b.group != 0 && b.group != GROUPED | player) return Codes.GROUP_REFUSED;
        }
        if ((s.open >> offset) & 1 == 0) return Codes.ALREADY_CLOSED;
        if (s.pastDue) return Codes.PAST_DUE;
        if (outcome == VOID && s.bonded) return Codes.VOID_OF_BONDED;
        return payout > reserve ? Codes.ABOVE_RESERVE : 0;
    }

    /// @param leaf The first word of the bet's leaf: its player and bank.
    function _rejectOutcome(
        Batch memory b,
        Settling memory s,
        uint256 leaf,
        uint256 offset,
        uint8 code,
        bytes16 ref
    ) private {
        unchecked {
            if (code == Codes.PAGE_MISMATCH) {
                emit Rejected(_id(b, 0, b.seq), address(0), code, ref);
            } else {
                uint128 id = _id(b, (leaf >> 64) & U32, s.firstSeq + offset);
                emit Rejected(id, address(uint160(leaf >> 96)), code, ref);
            }
        }
    }

    /// @dev Uses the SETTLE's number.
    function _emitClosed(Batch memory b, uint256 slot, uint256 settled, uint256 open) private {
        uint80 page_ = uint80((b.lane << 32) | slot);
        emit Closed(_id(b, 0, b.seq), page_, uint64(settled), uint64(open));
        ++b.seq;
    }

    function _hashCalldata(uint256 pos, uint256 end) private pure returns (bytes32 hash) {
        assembly ("memory-safe") {
            let free := mload(0x40)
            calldatacopy(free, pos, sub(end, pos))
            hash := keccak256(free, sub(end, pos))
        }
    }

    // ----------------------------------------------------------------- CREDIT, FINISH, seats

    /// @dev An ended seat takes it: what a player won is theirs.
    function _applyCredit(Batch memory b) private {
        unchecked {
            uint256 word = _load(b.cursor + 1);
            address player = address(uint160(word >> 96));
            uint256 bankNo = (word >> 64) & U32;
            word = _load(b.cursor + 25);
            uint256 amount = word >> 160;
            bytes16 ref = bytes16(uint128(word >> 32));
            b.cursor += 1 + CREDIT_BYTES;
            _turnToSeat(b, uint160(player));
            _turnToBank(b, bankNo);
            Credits storage credits = _banks[uint32(bankNo)].credits;
            uint256 credited = credits.day == _today() ? credits.credited : 0;
            uint8 code = 0;
            if (_grantNo(b) == 0) {
                code = Codes.SEAT_ENDED;
            } else if (b.foreign) {
                code = Codes.BANK_CLOSED;
            } else if (amount > b.bankroll - b.reserved) {
                code = Codes.BANK_SHORT;
            } else {
                _loadLimits(b);
                if (credited + amount > b.dayCredit) code = Codes.DAY_LIMIT;
            }
            if (code != 0) {
                _reject(b, bankNo, player, code, ref);
                return;
            }
            b.loadedFor = 0;
            b.bankroll -= amount;
            b.balance += amount;
            (credits.credited, credits.day) = (uint96(credited + amount), _today());
            emit Credited(_id(b, bankNo, b.seq), player, uint96(amount), ref);
            ++b.seq;
        }
    }

    function _applyFinish(Batch memory b) private {
        unchecked {
            uint256 word = _load(b.cursor + 1);
            b.cursor += 1 + FINISH_BYTES;
            emit RoundFinalized(_id(b, word >> 224, b.seq), bytes8(uint64(word >> 160)));
            ++b.seq;
        }
    }

    /// @dev The Treasury answers without calling anyone, and has its own limits. Its call fails for no lack
    /// of gas: the bound leaves it a multiple of what it can use.
    function _applyTopUp(Batch memory b) private {
        unchecked {
            uint256 word = _load(b.cursor + 1);
            address player = address(uint160(word >> 96));
            uint256 amount = word & U96;
            bytes16 ref = bytes16(bytes32(_load(b.cursor + 33)));
            b.cursor += 1 + TOPUP_BYTES;
            _turnToSeat(b, uint160(player));
            if (_isSeatClosed(b)) {
                _reject(b, 0, player, Codes.SEAT_ENDED, ref);
                return;
            }
            uint96 left = _topUpLeft(uint32(b.operatorNo), player, uint32(_grantNo(b)));
            if (amount == 0 || amount > left || !_pull(player, uint96(amount))) {
                _reject(b, 0, player, Codes.TOP_UP_REFUSED, ref);
                return;
            }
            _topUps[uint32(b.operatorNo)][player].left = left - uint96(amount);
            _owed += uint96(amount);
            b.balance += amount;
            emit ToppedUp(_id(b, 0, b.seq), player, uint96(amount), ref);
            ++b.seq;
        }
    }

    function _pull(address player, uint96 amount) private returns (bool) {
        try treasury.pull(player, amount) {
            return true;
        } catch {
            return false;
        }
    }

    function _applyRelease(Batch memory b) private {
        unchecked {
            uint256 word = _load(b.cursor + 1);
            address player = address(uint160(word >> 96));
            bytes16 ref = bytes16(bytes32(_load(b.cursor + 21)));
            b.cursor += 1 + RELEASE_BYTES;
            _turnToSeat(b, uint160(player));
            if (_isSeatClosed(b)) {
                _reject(b, 0, player, Codes.SEAT_ENDED, ref);
                return;
            }
            _endSeat(b);
            emit Released(_id(b, 0, b.seq), player, ref);
            ++b.seq;
        }
    }

    function _reject(
        Batch memory b,
        uint256 bankNo,
        address player,
        uint8 code,
        bytes16 ref
    ) private {
        _refuseInGroup(b);
        emit Rejected(_id(b, bankNo, b.seq), player, code, ref);
        ++b.seq;
    }

    // --------------------------------------------------------------------------------- GROUP

    /// @dev In a call of its own, so that a refusal undoes all of it. Any other failure is not the group's
    /// and ends the batch.
    function _applyGroup(Batch memory b) private {
        uint256 head = _load(b.cursor + 1);
        uint256 from = b.cursor + 1 + GROUP_BYTES;
        (uint256 end, uint256 numbers, ) = _shapeOf(b, b.cursor, 0);
        b.cursor = end;
        _flush(b);
        bytes calldata ops;
        assembly ("memory-safe") {
            ops.offset := from
            ops.length := sub(end, from)
        }
        try this.applyGroup(uint48(b.lane), uint48(b.seq), GROUPED | (head >> 96), ops) {
            b.seq += numbers;
        } catch (bytes memory reason) {
            if (bytes4(reason) != GroupStopped.selector) {
                assembly ("memory-safe") {
                    revert(add(reason, 32), mload(reason))
                }
            }
            uint256 pos = from;
            while (pos < end) pos = _rejectGrouped(b, pos, GROUPED | (head >> 96));
            (uint32 bankNo, uint8 code) = _readStop(reason);
            if (code != 0) {
                _turnToBank(b, bankNo);
                _halt(b, code);
            }
        }
    }

    function _readStop(bytes memory reason) private pure returns (uint32 bankNo, uint8 code) {
        assembly ("memory-safe") {
            bankNo := mload(add(reason, 36))
            code := mload(add(reason, 68))
        }
    }

    /// @dev Ends the call of a group in which something is refused.
    function _refuseInGroup(Batch memory b) private pure {
        if (b.group != 0) revert GroupStopped(0, 0);
    }

    /// @dev Uses the numbers of one op of a refused group. Returns where it ends.
    function _rejectGrouped(Batch memory b, uint256 pos, uint256 group) private returns (uint256) {
        unchecked {
            (uint256 end, , ) = _shapeOf(b, pos, group);
            uint256 op = _byteAt(pos);
            address player = address(uint160(group));
            if (op == OP_OPEN) {
                _rejectGroupedOpen(b, pos + 1);
            } else if (op == OP_SETTLE) {
                _rejectGroupedSettle(b, pos + 1);
            } else {
                // In a PLAY the counted run begins a byte later, and so does the ref of its bet.
                uint256 runAt = op == OP_PLAY ? pos + 2 : pos + 1;
                uint256 refAt = op == OP_PLAY ? runAt + RUN_BYTES + 24 : runAt + 36;
                bytes16 ref = bytes16(bytes32(_load(refAt)));
                _reject(b, (_load(runAt) >> 64) & U32, player, Codes.GROUP_REFUSED, ref);
            }
            return end;
        }
    }

    function _rejectGroupedOpen(Batch memory b, uint256 pos) private {
        unchecked {
            uint256 head = _load(pos);
            uint256 page_ = (b.lane << 32) | (head >> 224);
            uint256 runs = (head >> 104) & 0xff;
            pos += OPEN_BYTES;
            for (; runs != 0; --runs) {
                head = _load(pos);
                uint256 items = (head >> 56) & 0xff;
                pos += RUN_BYTES;
                for (; items != 0; --items) {
                    _emitOpenRejected(b, head, pos, page_, Codes.GROUP_REFUSED);
                    ++b.seq;
                    pos += BET_BYTES;
                }
            }
        }
    }

    function _rejectGroupedSettle(Batch memory b, uint256 pos) private {
        unchecked {
            uint256 head = _load(pos);
            uint256 slot = head >> 224;
            pos += SETTLE_BYTES + ((head >> 56) & 0xff) * LEAF_BYTES;
            uint256 outcomes = _byteAt(pos);
            ++pos;
            for (; outcomes != 0; --outcomes) {
                pos += (_load(pos) >> 240) & 0xff == EXPLICIT ? 2 + PAYOUT_BYTES : 2;
                bytes16 ref = bytes16(bytes32(_load(pos)));
                emit Rejected(_id(b, 0, b.seq), address(0), Codes.GROUP_REFUSED, ref);
                pos += 16;
            }
            _emitClosed(b, slot, 0, _openMask(_sload(_slotOf(slot, b.pagesSlot))));
        }
    }

    // ----------------------------------------------------------------------------------- all

    function _id(Batch memory b, uint256 bankNo, uint256 seq) private pure returns (uint128) {
        return uint128((b.lane << 80) | (bankNo << 48) | seq);
    }

    // ---------------------------------------------------------------------------------- desk

    /// @inheritdoc IDesk
    function registerOperator(
        uint16 shards,
        address[] calldata executors,
        address guardian
    ) external returns (uint32 operatorNo) {
        (shards, executors, guardian);
        _runAtDesk();
    }

    /// @inheritdoc IDesk
    function setExecutor(address operator_, address executor, bool enabled) external {
        (operator_, executor, enabled);
        _runAtDesk();
    }

    /// @inheritdoc IDesk
    function setGuardian(address operator_, address successor) external {
        (operator_, successor);
        _runAtDesk();
    }

    /// @inheritdoc IDesk
    function acceptGuardian(address operator_) external {
        operator_;
        _runAtDesk();
    }

    /// @inheritdoc IDesk
    function transferAdmin(address operator_, address successor) external {
        (operator_, successor);
        _runAtDesk();
    }

    /// @inheritdoc IDesk
    function acceptAdmin(address operator_) external {
        operator_;
        _runAtDesk();
    }

    /// @inheritdoc IDesk
    function disableExecutor(address operator_, address executor) external {
        (operator_, executor);
        _runAtDesk();
    }

    /// @inheritdoc IDesk
    function pause(uint32 bankNo, uint32 until) external {
        (bankNo, until);
        _runAtDesk();
    }

    /// @inheritdoc IDesk
    function openBank(
        address operator_,
        address admin,
        Limits calldata limits_
    ) external returns (uint32 bankNo) {
        (operator_, admin, limits_);
        _runAtDesk();
    }

    /// @inheritdoc IDesk
    function fund(uint32 bankNo, uint96 amount) external {
        (bankNo, amount);
        _runAtDesk();
    }

    /// @inheritdoc IDesk
    function setLimits(uint32 bankNo, Limits calldata limits_) external {
        (bankNo, limits_);
        _runAtDesk();
    }

    /// @inheritdoc IDesk
    function resume(uint32 bankNo) external {
        bankNo;
        _runAtDesk();
    }

    /// @inheritdoc IDesk
    function setPayout(uint32 bankNo, address to) external {
        (bankNo, to);
        _runAtDesk();
    }

    /// @inheritdoc IDesk
    function requestExit(uint32 bankNo, uint96 amount) external {
        (bankNo, amount);
        _runAtDesk();
    }

    /// @inheritdoc IDesk
    function cancelExit(uint32 bankNo) external {
        bankNo;
        _runAtDesk();
    }

    /// @inheritdoc IDesk
    function completeExit(uint32 bankNo) external returns (uint96 amount) {
        bankNo;
        _runAtDesk();
    }

    /// @inheritdoc IDesk
    function transferBankAdmin(uint32 bankNo, address successor) external {
        (bankNo, successor);
        _runAtDesk();
    }

    /// @inheritdoc IDesk
    function acceptBankAdmin(uint32 bankNo) external {
        bankNo;
        _runAtDesk();
    }

    /// @inheritdoc IDesk
    function sit(Grant calldata grant) external {
        grant;
        _runAtDesk();
    }

    /// @inheritdoc IDesk
    function sit(
        address player,
        Grant calldata grant,
        Allowing calldata allowing,
        bytes calldata signature
    ) external {
        (player, grant, allowing, signature);
        _runAtDesk();
    }

    /// @inheritdoc IDesk
    function leave(address operator_) external {
        operator_;
        _runAtDesk();
    }

    /// @inheritdoc IDesk
    function leaveBySig(
        address player,
        address operator_,
        uint32 grantNo,
        uint40 deadline,
        bytes calldata signature
    ) external {
        (player, operator_, grantNo, deadline, signature);
        _runAtDesk();
    }

    /// @inheritdoc IDesk
    function sweep(address player, address operator_) external {
        (player, operator_);
        _runAtDesk();
    }

    /// @inheritdoc IDesk
    function expire(uint48 lane_, uint32 slot, bytes calldata preimage) external {
        (lane_, slot, preimage);
        _runAtDesk();
    }

    /// @dev Runs the same call with the desk's code on this contract's storage, and ends it with what
    /// that returns.
    function _runAtDesk() private {
        address code = address(desk);
        assembly ("memory-safe") {
            let free := mload(0x40)
            calldatacopy(free, 0, calldatasize())
            let done := delegatecall(gas(), code, free, calldatasize(), 0, 0)
            returndatacopy(free, 0, returndatasize())
            if iszero(done) {
                revert(free, returndatasize())
            }
            return(free, returndatasize())
        }
    }
}
