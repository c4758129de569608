// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Deploy} from "./Deploy.t.sol";
import {System} from "./World.t.sol";
import {FuzzSelector} from "../Vm.sol";

interface IHandler {
    function step(uint256 seed) external;
    function compare() external view;
    function compareSums() external view;
    function isGasUsual() external returns (bool);
    function seen(bytes32 topic) external view returns (uint256);
    function refused(uint8 code) external view returns (uint256);
    function happened(bytes32 what) external view returns (uint256);
    function reverted(bytes4 selector) external view returns (uint256);
}

/// @notice A test whose random calls are all the handler's steps.
abstract contract Campaign {
    IHandler internal _handler;

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_handler);
    }

    function targetSelectors() external view returns (FuzzSelector[] memory targets) {
        targets = new FuzzSelector[](1);
        targets[0].addr = address(_handler);
        targets[0].selectors = new bytes4[](1);
        targets[0].selectors[0] = IHandler.step.selector;
    }

    /// @notice After each run of the campaign.
    function afterInvariant() external view {
        _handler.compare();
    }

    function _begin(System[] memory systems) internal {
        _handler = IHandler(Deploy.artifact("Handler.t.sol:Handler", abi.encode(systems)));
    }
}
