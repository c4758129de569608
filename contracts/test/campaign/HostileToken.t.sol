// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @notice A token that misbehaves as told. For tests only.
contract HostileToken is ERC20 {
    enum Mode {
        Honest,
        TakesFee,
        MovesNothing,
        ReturnsFalse,
        Blocks,
        Reenters
    }

    Mode public mode;
    mapping(address account => bool) public blocked;
    address private _target;
    bytes private _data;
    /// @notice How often it was let in while it moved money.
    uint256 public entered;

    constructor() ERC20("Hostile Token", "HOSTILE") {}

    function setMode(Mode mode_) external {
        mode = mode_;
    }

    function setBlocked(address account, bool blocked_) external {
        blocked[account] = blocked_;
    }

    /// @notice What it calls while it moves money, in mode Reenters.
    function setCall(address target, bytes calldata data) external {
        _target = target;
        _data = data;
    }

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    function transfer(address to, uint256 amount) public override returns (bool) {
        if (_misbehaves(msg.sender, to)) return mode == Mode.MovesNothing;
        return super.transfer(to, mode == Mode.TakesFee ? amount - 1 : amount);
    }

    function transferFrom(address from, address to, uint256 amount) public override returns (bool) {
        if (_misbehaves(from, to)) return mode == Mode.MovesNothing;
        return super.transferFrom(from, to, mode == Mode.TakesFee ? amount - 1 : amount);
    }

    /// @dev True: nothing moves. The reentered call may fail, the transfer goes on all the same.
    function _misbehaves(address from, address to) private returns (bool) {
        if (mode == Mode.Blocks) require(!blocked[from] && !blocked[to], "blocked");
        if (mode == Mode.Reenters) {
            (bool success, ) = _target.call(_data);
            if (success) entered++;
        }
        return mode == Mode.MovesNothing || mode == Mode.ReturnsFalse;
    }
}
