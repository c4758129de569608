// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ITreasury} from "../../ITreasury.sol";
import {Deploy} from "./Deploy.t.sol";
import {HostileToken} from "./HostileToken.t.sol";
import {Random} from "./Random.t.sol";
import {VM} from "../Vm.sol";

/// @notice A Treasury of its own on a token that misbehaves, three accounts and a client. Whatever
/// the token does: it holds at least `total`, which is the sum of all balances, and what fails
/// changes nothing.
contract HostileTreasury is Random {
    uint256 private constant ACCOUNTS = 3;

    HostileToken private immutable TOKEN = new HostileToken();
    ITreasury private immutable TREASURY = Deploy.treasury(address(TOKEN));
    address private constant CLIENT = address(0xC11E);

    /// @notice How often each mode met a call that failed, and one that did not.
    mapping(HostileToken.Mode mode => uint256) public failed;
    mapping(HostileToken.Mode mode => uint256) public passed;

    constructor() {
        for (uint256 i = 0; i < ACCOUNTS; i++) {
            TOKEN.mint(_account(i), 1_000_000);
            VM.prank(_account(i));
            TOKEN.approve(address(TREASURY), type(uint256).max);
            VM.prank(_account(i));
            TREASURY.allow(CLIENT, 1_000_000, type(uint32).max);
        }
    }

    /// @notice How often the token got in again while it moved money.
    function entered() external view returns (uint256) {
        return TOKEN.entered();
    }

    function step(uint256 seed) external {
        _seed = seed;
        HostileToken.Mode mode = HostileToken.Mode(_below(6));
        address account = _account(_below(ACCOUNTS));
        uint96 amount = uint96(_between(1, 1_000));
        TOKEN.setMode(mode);
        TOKEN.setBlocked(account, _once(2));
        TOKEN.setCall(address(TREASURY), _reentry(account, amount));
        bytes memory data;
        address by = account;
        uint256 kind = _below(6);
        if (kind < 2) data = abi.encodeCall(ITreasury.deposit, (account, amount));
        else if (kind < 4) data = abi.encodeCall(ITreasury.withdraw, (account, amount));
        else if (kind == 4) (by, data) = (CLIENT, abi.encodeCall(ITreasury.pull, (account, amount)));
        else (by, data) = (CLIENT, abi.encodeCall(ITreasury.push, (account, amount)));
        uint256 before = TREASURY.total();
        VM.prank(by);
        (bool success, ) = address(TREASURY).call(data);
        if (success) passed[mode]++;
        else failed[mode]++;
        if (kind < 4 && success && _mustFail(mode)) revert("moved money with a lying token");
        if (!success && TREASURY.total() != before) revert("a failed call changed the total");
        check();
    }

    function check() public view {
        (uint256 held, uint256 owed) = TREASURY.solvency();
        uint256 sum = TREASURY.clientBalance(CLIENT) + TREASURY.clientBalance(address(TOKEN));
        for (uint256 i = 0; i < ACCOUNTS; i++) sum += TREASURY.available(_account(i));
        sum += TREASURY.available(address(TOKEN));
        if (held < owed || owed != sum) revert("the treasury is short");
    }

    function _mustFail(HostileToken.Mode mode) private pure returns (bool) {
        return
            mode == HostileToken.Mode.TakesFee ||
            mode == HostileToken.Mode.MovesNothing ||
            mode == HostileToken.Mode.ReturnsFalse;
    }

    /// @dev What the token tries while it moves money.
    function _reentry(address account, uint96 amount) private returns (bytes memory) {
        uint256 kind = _below(5);
        if (kind == 0) return abi.encodeCall(ITreasury.withdraw, (address(TOKEN), amount));
        if (kind == 1) return abi.encodeCall(ITreasury.deposit, (account, amount));
        if (kind == 2) return abi.encodeCall(ITreasury.push, (account, amount));
        if (kind == 3) return abi.encodeCall(ITreasury.pull, (account, amount));
        return abi.encodeCall(ITreasury.allow, (CLIENT, amount, type(uint32).max));
    }

    function _account(uint256 i) private pure returns (address) {
        return address(uint160(0xACC0 + i));
    }
}
