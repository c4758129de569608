// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BookStorage} from "./BookStorage.sol";
import {IDesk} from "./IDesk.sol";
import {Pages} from "./Pages.sol";

/// @notice Ends what nobody settled in time.
abstract contract Expiry is BookStorage, Pages {
    /// @inheritdoc IDesk
    function expire(uint48 lane_, uint32 slot, bytes calldata preimage) external {
        uint80 page_ = (uint80(lane_) << 32) | slot;
        uint256 word = _pages[lane_][slot];
        if (!_isPageOf(word, keccak256(preimage))) revert PageMismatch(page_);
        uint40 due = uint40(bytes5(preimage[6:11]));
        if (block.timestamp < due) revert NotDue(due);
        bool bonded = preimage[19] != 0;
        uint64 mask = _openMask(word);
        _pages[lane_][slot] = FREE;
        for (uint256 offset = 0; offset < 64; offset++) {
            if ((mask >> offset) & 1 == 0) continue;
            uint256 pos = PAGE_HEADER_BYTES + offset * LEAF_BYTES;
            _expireBet(uint32(lane_ >> 16), preimage[pos:pos + LEAF_BYTES], bonded);
        }
        emit Expired(page_, uint48(bytes6(preimage[:6])), mask, bonded, _nextEvent());
    }

    function _expireBet(uint32 operatorNo, bytes calldata leaf, bool bonded) private {
        uint96 stake = uint96(bytes12(leaf[24:36]));
        uint96 profit = uint96(bytes12(leaf[36:48]));
        BankSlots storage slots = _banks[uint32(bytes4(leaf[20:24]))];
        slots.vault.locked -= stake;
        slots.chips.reserved -= profit;
        uint96 paid = stake;
        if (bonded) {
            paid += profit;
            slots.chips.bankroll -= profit;
            Day storage day = slots.day;
            if (day.day != _today()) {
                (day.loss, day.won, day.day, day.halted) = (0, 0, _today(), false);
            }
            day.loss += profit;
            day.won += profit;
        }
        _seats[operatorNo][address(bytes20(leaf[:20]))].balance += paid;
    }
}
