// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Views} from "./Views.sol";

/// @dev Where a batch stands, and its copies of one bank and one seat. Consecutive items about the same
/// bank or seat cost its slots once.
struct Batch {
    // The seat, in the order that `_nextSeat` relies on. `mostStake` is 0 where it takes no bets,
    // `seatsSlot` where the operator's seats are.
    uint256 player;
    uint256 seatSlot;
    uint256 seatWord;
    uint256 balance;
    uint256 mostStake;
    uint256 seatsSlot;
    /// Calldata offsets: of the bytes of `ops`, behind them, and of the op that is read.
    uint256 start;
    uint256 end;
    uint256 cursor;
    uint256 lane;
    uint256 operatorNo;
    uint256 shardMask;
    /// Where the lane's pages are in storage.
    uint256 pagesSlot;
    /// Number of the unit at the cursor; the first number that is unused when the batch starts.
    uint256 seq;
    uint256 next;
    /// `GROUPED` | the player of the group that is applied; 0 outside of groups.
    uint256 group;
    // The bank. Words are as stored, the other fields current.
    uint256 bankNo;
    uint256 bankSlot;
    uint256 chipsWord;
    uint256 dayWord;
    uint256 vaultWord;
    uint256 bankroll;
    uint256 reserved;
    uint256 loss;
    uint256 won;
    uint256 locked;
    bool halted;
    bool foreign;
    /// Not 0: takes no bets.
    uint256 closed;
    uint256 maxPayout;
    uint256 stopLoss;
    uint256 dayWon;
    uint256 dayCredit;
    uint256 maxHorizon;
    /// What the bank is loaded for, and what one more bet may win of it: at least that, whatever bets did
    /// since. `NO_ROOM`: it takes none.
    uint256 loadedFor;
    uint256 room;
    // The op. Its memory is used for every page.
    Opening opening;
    Settling settling;
}

/// @dev The fields of an OPEN that all its bets share.
struct Opening {
    // The data of an Opened event, in its order.
    uint256 stake;
    uint256 maxPayout;
    uint256 page;
    uint256 due;
    uint256 round;
    uint256 ref;
    /// Why the whole page is refused, or 0.
    uint256 code;
    uint256 mask;
    uint256 bit;
    /// Memory: of the preimage and of its next leaf.
    uint256 preimageAt;
    uint256 leafAt;
}

/// @dev The fields of a SETTLE that all its outcomes share.
struct Settling {
    uint256 firstSeq;
    uint256 count;
    uint256 leavesAt;
    bool bonded;
    bool pastDue;
    bool matches;
    /// The page matches, is not past its due time, and is settled outside of a group.
    bool plain;
    uint256 open;
    uint256 settled;
}

/// @notice Loads a bank and a seat into a batch, and writes them back. Whoever turns to another bank or
/// seat writes the last one back first.
/// @dev The arithmetic is unchecked: no sum exceeds the Treasury's total, which fits in 96 bits, and
/// every difference is of something that was compared before or that a page's hash proves.
abstract contract Netting is Views {
    uint256 internal constant U32 = type(uint32).max;
    uint256 internal constant U40 = type(uint40).max;
    uint256 internal constant U48 = type(uint48).max;
    uint256 internal constant U64 = type(uint64).max;
    uint256 internal constant U96 = type(uint96).max;

    /// @dev No seat is loaded.
    uint256 internal constant NOBODY = type(uint256).max;
    /// @dev No bank is loaded. Not 0: items may name a bank 0, which is nobody's.
    uint256 internal constant NO_BANK = type(uint256).max;
    uint256 internal constant NO_ROOM = type(uint256).max;
    /// @dev What a bank is loaded for; above the bits of a bank's number.
    uint256 internal constant FOR_PLAY = 1 << 32;
    uint256 internal constant FOR_OPEN = 2 << 32;
    uint256 internal constant FOR_SETTLE = 3 << 32;
    /// @dev Offsets of a bank's slots, see `BankSlots`.
    uint256 private constant DAY = 1;
    uint256 private constant ACTIVE = 2;
    uint256 private constant VAULT = 4;
    uint256 private constant ANNOUNCED = 5;

    // ---------------------------------------------------------------------------------- bank

    /// @dev Turns to the bank of a PLAY, an OPEN or a SETTLE, with all that it needs.
    function _turnToBank(Batch memory b, uint256 bankNo, uint256 purpose) internal {
        if (b.loadedFor != purpose | bankNo) _loadFor(b, bankNo, purpose);
    }

    /// @dev Turns to a bank.
    function _turnToBank(Batch memory b, uint256 bankNo) internal {
        if (b.bankNo != bankNo) _loadBank(b, bankNo);
    }

    function _loadFor(Batch memory b, uint256 bankNo, uint256 purpose) private {
        _turnToBank(b, bankNo);
        if (purpose != FOR_PLAY && b.vaultWord == 0) _loadVault(b);
        if (purpose != FOR_SETTLE) {
            _loadLimits(b);
            b.room = _roomWith(b, purpose == FOR_OPEN ? _exiting(b) : 0);
        }
        b.loadedFor = purpose | bankNo;
    }

    function _loadBank(Batch memory b, uint256 bankNo) private {
        unchecked {
            _flushBank(b);
            uint256 slot = _bankSlot(bankNo);
            b.bankNo = bankNo;
            b.bankSlot = slot;
            uint256 chips = _sload(slot);
            b.chipsWord = chips;
            b.bankroll = chips & U96;
            b.reserved = (chips >> 96) & U96;
            b.foreign = ((chips >> 192) & U32) != b.operatorNo;
            uint256 day = _sload(slot + DAY);
            b.dayWord = day;
            bool today = ((day >> 192) & U32) == _today();
            b.loss = today ? day & U96 : 0;
            b.won = today ? (day >> 96) & U96 : 0;
            b.halted = today && (day >> 224) != 0;
            b.closed = b.foreign || b.halted || block.timestamp < (chips >> 224) ? 1 : 0;
            b.vaultWord = 0;
            b.loadedFor = 0;
        }
    }

    function _bankSlot(uint256 bankNo) private pure returns (uint256) {
        uint256 slot;
        assembly ("memory-safe") {
            slot := _banks.slot
        }
        return _slotOf(bankNo, slot);
    }

    /// @dev Of the bank, the limits that count now.
    function _loadLimits(Batch memory b) internal view {
        unchecked {
            uint256 slot = b.bankSlot + ACTIVE;
            uint256 word = _sload(slot);
            uint256 readyAt = word >> 224;
            if (readyAt != 0 && block.timestamp >= readyAt) {
                slot = b.bankSlot + ANNOUNCED;
                word = _sload(slot);
            }
            b.maxPayout = word & U96;
            b.stopLoss = (word >> 96) & U96;
            b.maxHorizon = (word >> 192) & U32;
            word = _sload(slot + 1);
            b.dayWon = word & U96;
            b.dayCredit = (word >> 96) & U96;
        }
    }

    /// @dev Of the bank, the locked stakes. A bank's vault is never zero.
    function _loadVault(Batch memory b) private view {
        unchecked {
            b.vaultWord = _sload(b.bankSlot + VAULT);
            b.locked = b.vaultWord & U96;
        }
    }

    /// @dev Of the loaded vault, what was asked to leave.
    function _exiting(Batch memory b) internal pure returns (uint256) {
        return (b.vaultWord >> 96) & U96;
    }

    /// @dev What the bank can lose by one more bet, with `spare` of the bankroll backing nothing new.
    /// `NO_ROOM`: it takes no bet, not even one that wins nothing.
    function _roomWith(Batch memory b, uint256 spare) private pure returns (uint256 room) {
        unchecked {
            uint256 reserved = b.reserved;
            room = _over(b.bankroll, reserved + spare);
            uint256 more = _over(b.stopLoss, reserved + b.loss);
            if (more < room) room = more;
            more = _over(b.dayWon, reserved + b.won);
            if (more < room) room = more;
            if (b.closed != 0 || room == 0) room = NO_ROOM;
            else --room;
        }
    }

    /// @dev 1 + most - used, or 0 if more is used than there is.
    function _over(uint256 most, uint256 used) private pure returns (uint256) {
        unchecked {
            return used > most ? 0 : 1 + most - used;
        }
    }

    /// @dev What the bank pays in excess of the stake, or keeps of it, today.
    function _countDay(Batch memory b, uint256 stake, uint256 payout) internal pure {
        unchecked {
            b.bankroll = b.bankroll + stake - payout;
            if (payout > stake) b.won += payout - stake;
            b.loss = _drawdown(b.loss, stake, payout);
        }
    }

    /// @dev What the bank is below its best of today, after one more bet.
    function _drawdown(
        uint256 loss,
        uint256 stake,
        uint256 payout
    ) internal pure returns (uint256 result) {
        assembly ("memory-safe") {
            result := sub(add(loss, payout), stake)
            result := mul(sgt(result, 0), result)
        }
    }

    function _flushBank(Batch memory b) internal {
        unchecked {
            uint256 slot = b.bankSlot;
            uint256 old = b.chipsWord;
            uint256 word = ((old >> 192) << 192) | (b.reserved << 96) | b.bankroll;
            if (word != old) _sstore(slot, word);
            old = b.dayWord;
            if ((b.loss | b.won) != 0 || b.halted || ((old >> 192) & U32) == _today()) {
                word = (uint256(_today()) << 192) | (b.won << 96) | b.loss;
                if (b.halted) word |= 1 << 224;
                if (word != old) _sstore(slot + DAY, word);
            }
            old = b.vaultWord;
            if (old != 0) {
                word = ((old >> 96) << 96) | b.locked;
                if (word != old) _sstore(slot + VAULT, word);
            }
        }
    }

    // ---------------------------------------------------------------------------------- seat

    /// @dev Turns to a seat.
    function _turnToSeat(Batch memory b, uint256 player) internal {
        if (b.player != player) (b.balance, b.mostStake) = _nextSeat(b, player, b.balance);
    }

    /// @dev Writes the loaded seat back with `left` in it and loads another, whose balance and `mostStake` it
    /// only returns. In assembly since most bets in a batch are of another player than the last.
    function _nextSeat(
        Batch memory b,
        uint256 player,
        uint256 left
    ) internal returns (uint256 chips, uint256 mostStake) {
        assembly ("memory-safe") {
            let word := mload(add(b, 0x40))
            let flushed := or(shl(96, shr(96, word)), left)
            if xor(flushed, word) {
                sstore(mload(add(b, 0x20)), flushed)
            }
            mstore(0, player)
            mstore(32, mload(add(b, 0xa0)))
            let slot := keccak256(0, 64)
            word := sload(slot)
            mstore(b, player)
            mstore(add(b, 0x20), slot)
            mstore(add(b, 0x40), word)
            chips := and(word, 0xffffffffffffffffffffffff)
            let isLive := lt(timestamp(), and(shr(192, word), 0xffffffff))
            mostStake := mul(isLive, and(shr(96, word), 0xffffffffffffffffffffffff))
        }
    }

    /// @dev How many grants the loaded seat had; 0: it was never taken.
    function _grantNo(Batch memory b) internal pure returns (uint256) {
        return b.seatWord >> 224;
    }

    /// @dev Whether the seat takes no bets: it was never taken (then it expired in 1970), or it ended.
    function _isSeatClosed(Batch memory b) internal view returns (bool) {
        return block.timestamp >= (b.seatWord >> 192) & U32;
    }

    /// @dev Ends the loaded seat now.
    function _endSeat(Batch memory b) internal {
        uint256 word = b.seatWord & ~(U32 << 192);
        word = ((word >> 96) << 96) | (block.timestamp << 192) | b.balance;
        (b.seatWord, b.mostStake) = (word, 0);
        _sstore(b.seatSlot, word);
    }

    function _flushSeat(Batch memory b) internal {
        uint256 old = b.seatWord;
        uint256 word = ((old >> 96) << 96) | b.balance;
        if (word == old) return;
        b.seatWord = word;
        _sstore(b.seatSlot, word);
    }

    // ----------------------------------------------------------------------------------- all

    /// @dev Writes both back and forgets them.
    function _flush(Batch memory b) internal {
        _flushSeat(b);
        _flushBank(b);
        (b.player, b.seatWord, b.balance, b.mostStake) = (NOBODY, 0, 0, 0);
        (b.bankNo, b.chipsWord, b.dayWord, b.vaultWord, b.loadedFor) = (NO_BANK, 0, 0, 0, 0);
        (b.bankroll, b.reserved, b.loss, b.won, b.halted) = (0, 0, 0, 0, false);
    }

    /// @dev 1 if `one` is above `other`, else 0: without a jump.
    function _above(uint256 one, uint256 other) internal pure returns (uint256 result) {
        assembly ("memory-safe") {
            result := gt(one, other)
        }
    }

    /// @dev Where a mapping at `slot` keeps `key`.
    function _slotOf(uint256 key, uint256 slot) internal pure returns (uint256 found) {
        assembly ("memory-safe") {
            mstore(0, key)
            mstore(32, slot)
            found := keccak256(0, 64)
        }
    }

    function _sload(uint256 slot) internal view returns (uint256 word) {
        assembly ("memory-safe") {
            word := sload(slot)
        }
    }

    function _sstore(uint256 slot, uint256 word) internal {
        assembly ("memory-safe") {
            sstore(slot, word)
        }
    }
}
