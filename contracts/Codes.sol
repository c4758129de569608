// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice Why an item was refused. Never renumbered.
library Codes {
    /// @dev There is no seat, or it has ended.
    uint8 internal constant SEAT_ENDED = 1;
    uint8 internal constant ABOVE_MAX_STAKE = 2;
    uint8 internal constant SEAT_SHORT = 3;
    uint8 internal constant ABOVE_MAX_PAYOUT = 4;
    uint8 internal constant BANK_SHORT = 5;
    /// @dev stopLoss, dayWon or dayCredit of the UTC day.
    uint8 internal constant DAY_LIMIT = 6;
    /// @dev The bank is not one of the operator's, or it is paused or halted.
    uint8 internal constant BANK_CLOSED = 7;
    uint8 internal constant SLOT_BUSY = 8;
    uint8 internal constant PAGE_MISMATCH = 9;
    uint8 internal constant ABOVE_RESERVE = 10;
    uint8 internal constant PAST_DUE = 11;
    uint8 internal constant ALREADY_CLOSED = 12;
    uint8 internal constant STAKE_ZERO = 13;
    uint8 internal constant VOID_OF_BONDED = 14;
    uint8 internal constant TOP_UP_REFUSED = 15;
    uint8 internal constant GROUP_REFUSED = 16;
    /// @dev Due later than the bank's horizon; so are milliseconds taken for seconds.
    uint8 internal constant BEYOND_HORIZON = 17;
}
