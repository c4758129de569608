// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

import {ITreasury} from "../ITreasury.sol";

/// @notice A token that misbehaves as told. For tests only.
contract TestToken is ERC20 {
    enum Mode {
        Honest,
        TakesFee,
        MovesNothing,
        ReturnsFalse,
        Reenters
    }

    Mode public mode;

    constructor() ERC20("Test Token", "TEST") {}

    function setMode(Mode mode_) external {
        mode = mode_;
    }

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    function transfer(address to, uint256 amount) public override returns (bool) {
        _before();
        if (mode == Mode.ReturnsFalse) return false;
        return mode == Mode.MovesNothing || super.transfer(to, _less(amount));
    }

    function transferFrom(address from, address to, uint256 amount) public override returns (bool) {
        _before();
        if (mode == Mode.ReturnsFalse) return false;
        return mode == Mode.MovesNothing || super.transferFrom(from, to, _less(amount));
    }

    function _before() private {
        if (mode == Mode.Reenters) ITreasury(msg.sender).withdraw(address(this), 1);
    }

    function _less(uint256 amount) private view returns (uint256) {
        return mode == Mode.TakesFee ? amount - 1 : amount;
    }
}
