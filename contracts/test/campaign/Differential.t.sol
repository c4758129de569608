// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Campaign, Deploy, System} from "./Campaign.t.sol";

/// @notice Invariant 17: the optimised BetBook and the plain one get the same calls; logs, errors
/// and getters are equal. The optimised one gets some batches in pieces or with little gas.
contract DifferentialTest is Campaign {
    function setUp() external {
        System[] memory systems = new System[](2);
        systems[0] = Deploy.system("BetBook", 1 hours);
        systems[1] = Deploy.system("PlainBetBook", 1 hours);
        _begin(systems);
    }

    function invariant_equal() external view {
        _handler.compareSums();
    }
}
