// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BookStorage} from "./BookStorage.sol";
import {IBetBook} from "./IBetBook.sol";
import {Pages} from "./Pages.sol";

/// @notice What is, without what was.
abstract contract Views is IBetBook, BookStorage, Pages {
    /// @inheritdoc IBetBook
    function operator(address operator_) external view returns (Operator memory) {
        return _operators[operator_];
    }

    /// @inheritdoc IBetBook
    function bank(uint32 bankNo) external view returns (Bank memory result) {
        BankSlots storage slots = _banks[bankNo];
        result.operatorNo = slots.chips.operatorNo;
        result.admin = slots.admin;
        result.pendingAdmin = slots.pendingAdmin;
        result.payout = slots.payout;
        result.bankroll = slots.chips.bankroll;
        result.reserved = slots.chips.reserved;
        result.locked = slots.vault.locked;
        result.exiting = slots.vault.exiting;
        result.exitAt = slots.vault.exitAt;
        result.pausedUntil = slots.chips.pausedUntil;
        if (slots.day.day == _today()) {
            result.halted = slots.day.halted;
            result.loss = slots.day.loss;
            result.won = slots.day.won;
        }
        if (slots.credits.day == _today()) result.credited = slots.credits.credited;
    }

    /// @inheritdoc IBetBook
    function limits(uint32 bankNo) external view returns (Limits memory) {
        return _limitsOf(_banks[bankNo]);
    }

    /// @inheritdoc IBetBook
    function pendingLimits(
        uint32 bankNo
    ) external view returns (Limits memory announced, uint40 readyAt) {
        BankSlots storage slots = _banks[bankNo];
        readyAt = slots.active.readyAt;
        if (block.timestamp < readyAt) announced = _readLimits(slots.announced);
        else readyAt = 0;
    }

    /// @inheritdoc IBetBook
    function solvency() external view returns (uint256 held, uint256 owed) {
        return (treasury.clientBalance(address(this)), _owed);
    }

    /// @inheritdoc IBetBook
    function seat(address player, address operator_) external view returns (Seat memory) {
        return _seats[_knownOperator(operator_).operatorNo][player];
    }

    /// @inheritdoc IBetBook
    function topUpLeft(address player, address operator_) external view returns (uint96) {
        uint32 operatorNo = _knownOperator(operator_).operatorNo;
        return _topUpLeft(operatorNo, player, _seats[operatorNo][player].grantNo);
    }

    /// @inheritdoc IBetBook
    function lane(uint48 lane_) external view returns (uint48 next) {
        return _lanes[lane_];
    }

    /// @inheritdoc IBetBook
    function page(uint48 lane_, uint32 slot) external view returns (uint256) {
        return _pages[lane_][slot];
    }

    /// @inheritdoc IBetBook
    function isOpen(uint48 lane_, uint32 slot, uint8 offset) external view returns (bool) {
        return (uint256(_openMask(_pages[lane_][slot])) >> offset) & 1 == 1;
    }

    /// @inheritdoc IBetBook
    function hashPage(bytes calldata preimage) external pure returns (bytes32) {
        return keccak256(preimage);
    }

    /// @inheritdoc IBetBook
    function readId(
        uint128 id
    ) external pure returns (uint32 operatorNo, uint16 shard, uint32 bankNo, uint48 seq) {
        return (uint32(id >> 96), uint16(id >> 80), uint32(id >> 48), uint48(id));
    }
}
