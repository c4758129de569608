// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Codes} from "../Codes.sol";
import {IDesk} from "../IDesk.sol";
import {IBetBook} from "../IBetBook.sol";
import {PlainItems} from "./PlainItems.sol";
import {Open, OpenBet, Outcome, Page, PageBet, PlainOps, Settle} from "./PlainOps.sol";
import {Reader} from "./PlainReader.sol";

/// @notice Open bets: OPEN, SETTLE, and the expiry of what was not settled. A slot keeps the upper
/// 192 bits of the hash of a page of up to 64 bets, and below them the mask of the open ones. The
/// preimage is firstSeq u48 | due u40 | round 8 bytes | bonded u8 | count u8 | count × (player 20
/// bytes | bank u32 | stake u96 | profit u96). It never changes; only the mask does.
abstract contract PlainPages is PlainItems {
    uint256 private constant NEVER_USED = 0;
    uint256 private constant FREE = 1;

    mapping(uint48 lane => mapping(uint32 slot => uint256)) private _slots;

    /// @inheritdoc IBetBook
    function page(uint48 lane_, uint32 slot) external view returns (uint256) {
        return _slots[lane_][slot];
    }

    /// @inheritdoc IBetBook
    function isOpen(uint48 lane_, uint32 slot, uint8 offset) external view returns (bool) {
        return offset < PlainOps.MAX_PAGE_BETS && _hasBit(_openMask(lane_, slot), offset);
    }

    /// @inheritdoc IBetBook
    function hashPage(bytes calldata preimage) external pure returns (bytes32) {
        return keccak256(preimage);
    }

    // ---------------------------------------------------------------------------------- OPEN

    /// @dev Bet i has the number `firstSeq` + i.
    /// @return refused Whether any bet was.
    function _open(
        uint48 lane_,
        uint48 firstSeq,
        Open memory open
    ) internal returns (bool refused) {
        uint8 pageCode = 0;
        if (_isInUse(lane_, open.slot)) pageCode = Codes.SLOT_BUSY;
        else if (block.timestamp >= open.due) pageCode = Codes.PAST_DUE;
        uint64 mask = 0;
        for (uint8 i = 0; i < open.bets.length; i++) {
            OpenBet memory bet = open.bets[i];
            uint8 code = pageCode != 0
                ? pageCode
                : _refuseOpenBet(_operatorNoOf(lane_), open.due, bet);
            if (code != 0) {
                refused = true;
                _emitOpenRejected(lane_, firstSeq + i, open.slot, bet, code);
                continue;
            }
            _seats[_operatorNoOf(lane_)][bet.player].balance -= bet.stake;
            _houses[bet.bankNo].reserved += bet.profit;
            _houses[bet.bankNo].locked += bet.stake;
            mask |= _bit(i);
            emit Opened(
                _id(lane_, bet.bankNo, firstSeq + i),
                bet.player,
                bet.stake,
                bet.stake + bet.profit,
                _pageNo(lane_, open.slot),
                open.due,
                open.round,
                bet.ref
            );
        }
        // A page of refused bets leaves the slot as it was.
        if (mask != 0) {
            _setSlot(lane_, open.slot, keccak256(PlainOps.writePage(open, firstSeq)), mask);
        }
    }

    function _refuseOpenBet(
        uint32 operatorNo,
        uint40 due,
        OpenBet memory bet
    ) private view returns (uint8) {
        Seat storage seat_ = _seats[operatorNo][bet.player];
        if (bet.stake == 0) return Codes.STAKE_ZERO;
        if (!_isLive(seat_)) return Codes.SEAT_ENDED;
        if (bet.stake > seat_.maxStake) return Codes.ABOVE_MAX_STAKE;
        if (bet.stake > seat_.balance) return Codes.SEAT_SHORT;
        if (_isClosed(bet.bankNo, operatorNo)) return Codes.BANK_CLOSED;
        Limits memory current = limits(bet.bankNo);
        if (due > block.timestamp + current.maxHorizon) return Codes.BEYOND_HORIZON;
        if (bet.stake + bet.profit > current.maxPayout) return Codes.ABOVE_MAX_PAYOUT;
        if (bet.profit > _backing(bet.bankNo)) return Codes.BANK_SHORT;
        if (_isAboveDayLimit(bet.bankNo, bet.profit)) return Codes.DAY_LIMIT;
        return 0;
    }

    function _emitOpenRejected(
        uint48 lane_,
        uint48 seq,
        uint32 slot,
        OpenBet memory bet,
        uint8 code
    ) internal {
        emit OpenRejected(
            _id(lane_, bet.bankNo, seq),
            bet.player,
            bet.stake,
            bet.stake + bet.profit,
            _pageNo(lane_, slot),
            code,
            bet.ref
        );
    }

    // -------------------------------------------------------------------------------- SETTLE

    /// @return refused Whether any outcome was.
    function _settle(
        uint48 lane_,
        uint48 seq,
        Settle memory settle
    ) internal returns (bool refused) {
        if (!_isPageOf(lane_, settle.slot, settle.pageHash)) {
            _rejectSettle(lane_, seq, settle, Codes.PAGE_MISMATCH);
            return true;
        }
        uint64 settled = 0;
        for (uint256 i = 0; i < settle.outcomes.length; i++) {
            Outcome memory outcome = settle.outcomes[i];
            PageBet memory bet = settle.page.bets[outcome.offset];
            uint128 id = _id(lane_, bet.bankNo, settle.page.firstSeq + outcome.offset);
            uint96 payout = _payoutOf(outcome, bet);
            uint8 code = _refuseOutcome(lane_, settle, outcome, payout, bet);
            if (code != 0) {
                refused = true;
                emit Rejected(id, bet.player, code, outcome.ref);
                continue;
            }
            settled |= _bit(outcome.offset);
            uint64 left = _openMask(lane_, settle.slot) & ~_bit(outcome.offset);
            _setSlot(lane_, settle.slot, settle.pageHash, left);
            _closeBet(lane_, bet, payout);
            if (outcome.code == PlainOps.VOID) emit Voided(id, bet.player, bet.stake, outcome.ref);
            else emit Settled(id, bet.player, payout, outcome.ref);
        }
        emit Closed(
            _id(lane_, 0, seq),
            _pageNo(lane_, settle.slot),
            settled,
            _openMask(lane_, settle.slot)
        );
    }

    /// @dev The events of a SETTLE that is refused whole.
    function _rejectSettle(uint48 lane_, uint48 seq, Settle memory settle, uint8 code) internal {
        uint128 id = _id(lane_, 0, seq);
        for (uint256 i = 0; i < settle.outcomes.length; i++) {
            emit Rejected(id, address(0), code, settle.outcomes[i].ref);
        }
        emit Closed(id, _pageNo(lane_, settle.slot), 0, _openMask(lane_, settle.slot));
    }

    function _payoutOf(Outcome memory outcome, PageBet memory bet) private pure returns (uint96) {
        if (outcome.code == PlainOps.FULL) return bet.stake + bet.profit;
        if (outcome.code == PlainOps.VOID) return bet.stake;
        if (outcome.code == PlainOps.EXPLICIT) return outcome.payout;
        return 0;
    }

    /// @dev Neither pause, halt, limits nor the seat's end stop the settlement of an open bet.
    function _refuseOutcome(
        uint48 lane_,
        Settle memory settle,
        Outcome memory outcome,
        uint96 payout,
        PageBet memory bet
    ) private view returns (uint8) {
        if (!_hasBit(_openMask(lane_, settle.slot), outcome.offset)) return Codes.ALREADY_CLOSED;
        if (block.timestamp >= settle.page.due) return Codes.PAST_DUE;
        if (outcome.code == PlainOps.VOID && settle.page.bonded) return Codes.VOID_OF_BONDED;
        if (payout > bet.stake + bet.profit) return Codes.ABOVE_RESERVE;
        return 0;
    }

    /// @dev Ends an open bet: its stake and its reserve are free, the bank takes the one and pays
    /// `payout`.
    function _closeBet(uint48 lane_, PageBet memory bet, uint96 payout) private {
        _houses[bet.bankNo].locked -= bet.stake;
        _houses[bet.bankNo].reserved -= bet.profit;
        _exchange(bet.bankNo, bet.stake, payout);
        _seats[_operatorNoOf(lane_)][bet.player].balance += payout;
    }

    // -------------------------------------------------------------------------------- expiry

    /// @inheritdoc IDesk
    function expire(uint48 lane_, uint32 slot, bytes calldata preimage) external {
        if (!_isPageOf(lane_, slot, keccak256(preimage))) {
            revert PageMismatch(_pageNo(lane_, slot));
        }
        Page memory expired = PlainOps.readPage(Reader(0), preimage);
        if (block.timestamp < expired.due) revert NotDue(expired.due);
        uint64 mask = _openMask(lane_, slot);
        _slots[lane_][slot] = FREE;
        for (uint8 i = 0; i < expired.bets.length; i++) {
            if (!_hasBit(mask, i)) continue;
            PageBet memory bet = expired.bets[i];
            // Silence must never pay the house that promised to answer.
            _closeBet(lane_, bet, expired.bonded ? bet.stake + bet.profit : bet.stake);
        }
        emit Expired(_pageNo(lane_, slot), expired.firstSeq, mask, expired.bonded, _nextEvent());
    }

    // --------------------------------------------------------------------------------- slots

    function _isInUse(uint48 lane_, uint32 slot) private view returns (bool) {
        return _slots[lane_][slot] != NEVER_USED && _slots[lane_][slot] != FREE;
    }

    function _isPageOf(uint48 lane_, uint32 slot, bytes32 pageHash) private view returns (bool) {
        return
            _isInUse(lane_, slot) &&
            bytes24(bytes32(_slots[lane_][slot])) == bytes24(pageHash);
    }

    /// @dev 0 where the slot is not in use.
    function _openMask(uint48 lane_, uint32 slot) internal view returns (uint64) {
        return _isInUse(lane_, slot) ? uint64(_slots[lane_][slot]) : 0;
    }

    function _setSlot(uint48 lane_, uint32 slot, bytes32 pageHash, uint64 openMask) private {
        _slots[lane_][slot] = openMask == 0
            ? FREE
            : uint256(bytes32(bytes24(pageHash))) | openMask;
    }

    function _pageNo(uint48 lane_, uint32 slot) internal pure returns (uint80) {
        return (uint80(lane_) << 32) | slot;
    }

    function _bit(uint8 offset) private pure returns (uint64) {
        return uint64(1) << offset;
    }

    function _hasBit(uint64 mask, uint8 offset) private pure returns (bool) {
        return mask & _bit(offset) != 0;
    }
}
