// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IBetBook} from "../IBetBook.sol";
import {ITreasury} from "../ITreasury.sol";
import {PlainBanks} from "./PlainBanks.sol";
import {PlainGroups} from "./PlainGroups.sol";
import {PlainOperators} from "./PlainOperators.sol";
import {
    Credit,
    Finish,
    Open,
    PlainOps,
    Play,
    Release,
    Run,
    Settle,
    TopUp
} from "./PlainOps.sol";
import {PlainReader, Reader} from "./PlainReader.sol";

/// @title PlainBetBook
/// @notice The reference: what a BetBook does, as plainly as it can be said. No assembly, no
/// packing, no caching. The optimised contract equals it in every getter and every log, other than
/// where the gas ends: the bounds here are this contract's own, and it is only ever compared with
/// ample gas. Its code is larger than EIP-170 allows: only tests deploy it, with that limit off.
contract PlainBetBook is PlainGroups {
    using PlainReader for Reader;

    /// @notice The most gas that one PLAY item can use, and that the first of its run adds.
    uint256 public constant PLAY_GAS = 100_000;
    uint256 public constant PLAY_RUN_GAS = 50_000;
    /// @notice The most gas that an OPEN can use, that each of its runs and that each of its bets
    /// adds.
    uint256 public constant OPEN_GAS = 60_000;
    uint256 public constant OPEN_RUN_GAS = 50_000;
    uint256 public constant OPEN_BET_GAS = 100_000;
    /// @notice The most gas that a SETTLE can use, that each bet of its page and that each outcome
    /// adds.
    uint256 public constant SETTLE_GAS = 60_000;
    uint256 public constant SETTLE_LEAF_GAS = 5_000;
    uint256 public constant SETTLE_BET_GAS = 100_000;
    /// @notice The most gas that one of these can use.
    uint256 public constant CREDIT_GAS = 100_000;
    uint256 public constant FINISH_GAS = 20_000;
    uint256 public constant TOPUP_GAS = 200_000;
    uint256 public constant RELEASE_GAS = 50_000;
    /// @notice The most gas that a GROUP can use, twice the bounds of its ops aside.
    uint256 public constant GROUP_GAS = 100_000;
    /// @notice The most gas that is needed after the last unit.
    uint256 public constant FLUSH_GAS = 50_000;

    /// @dev Where a batch stands.
    /// @param seq The number of the unit that is read next.
    /// @param next The first number that was not used yet when the batch started.
    /// @param stopped The gas does not suffice for the unit of number `seq`.
    struct Batch {
        uint48 lane;
        uint48 seq;
        uint48 next;
        bool stopped;
    }

    constructor(
        ITreasury treasury_,
        uint32 noticeS_
    ) PlainOperators(noticeS_) PlainBanks(treasury_) {}

    /// @inheritdoc IBetBook
    function applyBatch(
        uint48 lane_,
        uint48 first,
        bytes32 evidence,
        bytes calldata ops
    ) external returns (uint48) {
        _checkExecutor(lane_);
        uint48 next = lane[lane_];
        if (first > next) revert LaneGap(next);
        Reader memory reader = Reader(0);
        Batch memory batch = Batch({lane: lane_, seq: first, next: next, stopped: false});
        while (reader.position < ops.length && !batch.stopped) {
            _readOp(batch, reader, ops);
        }
        if (batch.seq <= next) return next;
        lane[lane_] = batch.seq;
        emit BatchApplied(lane_, next, batch.seq, evidence);
        return batch.seq;
    }

    /// @inheritdoc IBetBook
    function readId(
        uint128 id
    ) external pure returns (uint32 operatorNo, uint16 shard, uint32 bankNo, uint48 seq) {
        return (uint32(id >> 96), uint16(id >> 80), uint32(id >> 48), uint48(id));
    }

    // --------------------------------------------------------------------------------- units

    /// @dev Reads one op, and applies its units as far as it is their turn.
    function _readOp(Batch memory batch, Reader memory reader, bytes calldata ops) private {
        uint256 position = reader.position;
        uint8 op = reader.readU8(ops);
        if (op == PlainOps.PLAY) _readPlays(batch, reader, ops);
        else if (op == PlainOps.OPEN) _readOpen(batch, reader, ops);
        else if (op == PlainOps.SETTLE) _readSettle(batch, reader, ops);
        else if (op == PlainOps.CREDIT) _readCredit(batch, reader, ops);
        else if (op == PlainOps.FINISH) _readFinish(batch, reader, ops);
        else if (op == PlainOps.TOPUP) _readTopUp(batch, reader, ops);
        else if (op == PlainOps.RELEASE) _readRelease(batch, reader, ops);
        else if (op == PlainOps.GROUP) _readGroup(batch, reader, ops);
        else revert MalformedOps(position);
    }

    /// @dev Each item is a unit.
    function _readPlays(Batch memory batch, Reader memory reader, bytes calldata ops) private {
        uint8 runs = reader.readCount(ops, type(uint8).max);
        for (uint256 i = 0; i < runs; i++) {
            Run memory run = PlainOps.readRun(reader, ops);
            _checkShard(batch.lane, run.player);
            bool started = false;
            for (uint256 k = 0; k < run.items; k++) {
                Play memory play = PlainOps.readPlay(reader, ops, run);
                if (_isTurn(batch, 1, started ? PLAY_GAS : PLAY_GAS + PLAY_RUN_GAS)) {
                    started = true;
                    _play(batch.lane, batch.seq, play);
                    batch.seq++;
                }
                if (batch.stopped) return;
            }
        }
    }

    function _readOpen(Batch memory batch, Reader memory reader, bytes calldata ops) private {
        uint256 position = reader.position;
        Open memory open = PlainOps.readOpen(reader, ops, PlainOps.MAX_PAGE_BETS);
        for (uint256 i = 0; i < open.bets.length; i++) {
            _checkShard(batch.lane, open.bets[i].player);
        }
        uint48 numbers = uint48(open.bets.length);
        if (!_isTurn(batch, numbers, _openBound(open))) return;
        PlainOps.checkAmounts(open, position);
        _open(batch.lane, batch.seq, open);
        batch.seq += numbers;
    }

    function _readSettle(Batch memory batch, Reader memory reader, bytes calldata ops) private {
        Settle memory settle = PlainOps.readSettle(reader, ops);
        if (!_isTurn(batch, 1, _settleBound(settle))) return;
        _settle(batch.lane, batch.seq, settle);
        batch.seq++;
    }

    function _readCredit(Batch memory batch, Reader memory reader, bytes calldata ops) private {
        Credit memory credit = PlainOps.readCredit(reader, ops);
        _checkShard(batch.lane, credit.player);
        if (!_isTurn(batch, 1, CREDIT_GAS)) return;
        _credit(batch.lane, batch.seq, credit);
        batch.seq++;
    }

    function _readFinish(Batch memory batch, Reader memory reader, bytes calldata ops) private {
        Finish memory finish = PlainOps.readFinish(reader, ops);
        if (!_isTurn(batch, 1, FINISH_GAS)) return;
        _finish(batch.lane, batch.seq, finish);
        batch.seq++;
    }

    function _readTopUp(Batch memory batch, Reader memory reader, bytes calldata ops) private {
        TopUp memory topUp = PlainOps.readTopUp(reader, ops);
        _checkShard(batch.lane, topUp.player);
        if (!_isTurn(batch, 1, TOPUP_GAS)) return;
        _topUp(batch.lane, batch.seq, topUp);
        batch.seq++;
    }

    function _readRelease(Batch memory batch, Reader memory reader, bytes calldata ops) private {
        Release memory release = PlainOps.readRelease(reader, ops);
        _checkShard(batch.lane, release.player);
        if (!_isTurn(batch, 1, RELEASE_GAS)) return;
        _release(batch.lane, batch.seq, release);
        batch.seq++;
    }

    function _readGroup(Batch memory batch, Reader memory reader, bytes calldata ops) private {
        uint256 position = reader.position;
        Group memory group = _readGroup(reader, ops);
        _checkShard(batch.lane, group.player);
        uint48 numbers = _numbersOf(group);
        if (!_isTurn(batch, numbers, _groupBound(group))) return;
        _group(batch.lane, batch.seq, group, ops[position:reader.position], position);
        batch.seq += numbers;
    }

    /// @dev Whether the unit that was read is to be applied now. If not, it was applied before and
    /// is passed over, or the gas does not suffice and the batch stops.
    function _isTurn(
        Batch memory batch,
        uint48 numbers,
        uint256 gasBound
    ) private view returns (bool) {
        if (batch.seq < batch.next) {
            if (batch.seq + numbers > batch.next) revert UnitSplit(batch.next);
            batch.seq += numbers;
            return false;
        }
        if (gasleft() < gasBound + FLUSH_GAS) {
            if (batch.seq == batch.next) revert GasTooLow(gasBound + FLUSH_GAS);
            batch.stopped = true;
            return false;
        }
        return true;
    }

    // -------------------------------------------------------------------------------- bounds

    function _openBound(Open memory open) private pure returns (uint256) {
        return OPEN_GAS + open.runs * OPEN_RUN_GAS + open.bets.length * OPEN_BET_GAS;
    }

    function _settleBound(Settle memory settle) private pure returns (uint256) {
        return
            SETTLE_GAS +
            settle.page.bets.length *
            SETTLE_LEAF_GAS +
            settle.outcomes.length *
            SETTLE_BET_GAS;
    }

    function _groupBound(Group memory group) private pure returns (uint256) {
        uint256 sum = 0;
        for (uint256 i = 0; i < group.ops.length; i++) {
            GroupOp memory op = group.ops[i];
            if (op.kind == PlainOps.PLAY) sum += PLAY_RUN_GAS + PLAY_GAS;
            else if (op.kind == PlainOps.OPEN) sum += _openBound(op.open);
            else if (op.kind == PlainOps.SETTLE) sum += _settleBound(op.settle);
            else sum += CREDIT_GAS;
        }
        return GROUP_GAS + 2 * sum;
    }
}
