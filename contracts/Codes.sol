// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice Why an item was refused. Never renumbered.
library Codes {
    uint8 internal constant SEAT_ENDED = 1;
    uint8 internal constant ABOVE_MAX_STAKE = 2;
    uint8 internal constant SEAT_SHORT = 3;
    uint8 internal constant ABOVE_MAX_PAYOUT = 4;
    uint8 internal constant BANK_SHORT = 5;
    /// @dev The bank is not one of the operator's.
    uint8 internal constant BANK_CLOSED = 7;
    uint8 internal constant SLOT_BUSY = 8;
    uint8 internal constant PAGE_MISMATCH = 9;
    uint8 internal constant ABOVE_RESERVE = 10;
    uint8 internal constant PAST_DUE = 11;
    uint8 internal constant ALREADY_CLOSED = 12;
    uint8 internal constant STAKE_ZERO = 13;
    uint8 internal constant VOID_OF_BONDED = 14;
    /// @dev Due later than the bank's horizon; so are milliseconds taken for seconds.
    uint8 internal constant BEYOND_HORIZON = 17;
}
