// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Banks} from "./Banks.sol";
import {BookStorage} from "./BookStorage.sol";
import {Expiry} from "./Expiry.sol";
import {ITreasury} from "./ITreasury.sol";
import {Operators} from "./Operators.sol";
import {Seats} from "./Seats.sol";

/// @notice The code of all that is not a batch, which would not fit in one contract with it (EIP-170).
/// A BetBook makes its own desk when it is deployed and runs the desk's code on the book's storage;
/// nothing can change which. Called by itself, a desk only touches its own storage, and holds nothing.
contract Desk is Operators, Banks, Seats, Expiry {
    constructor(ITreasury treasury_, uint32 noticeS_) BookStorage(treasury_, noticeS_) {}
}
