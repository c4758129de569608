// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IDesk} from "../../IDesk.sol";
import {VM} from "../Vm.sol";
import {Fixture} from "./Fixture.t.sol";

/// @notice Who may do what for an operator, and from when on.
contract OperatorsTest is Fixture {
    function test_anAddressRegistersOnce() external {
        _refuse(OPERATOR, _register(1, 0), _error(IDesk.OperatorExists.selector, _operator));
        _as(OUTSIDER);
        require(_book.registerOperator(4, new address[](64), address(0)) == 2, "number");
        IDesk.Operator memory added = _book.operator(_actors[OUTSIDER]);
        require(added.shards == 4 && added.admin == _actors[OUTSIDER], "operator");
        require(_book.operatorOf(2) == _actors[OUTSIDER], "operatorOf");
    }

    function test_shardsAreAPowerOfTwo() external {
        uint16[4] memory invalid = [uint16(0), 3, 32_767, 32_769];
        for (uint256 i = 0; i < invalid.length; i++) {
            bytes memory expected = _error(IDesk.ShardsInvalid.selector, invalid[i]);
            _refuse(OUTSIDER, _register(invalid[i], 0), expected);
        }
        _as(OUTSIDER);
        _book.registerOperator(32_768, new address[](0), address(0));
    }

    function test_noneRegistersWithMoreThan64Executors() external {
        _refuse(OUTSIDER, _register(1, 65), _error(IDesk.TooManyExecutors.selector, 65));
    }

    function test_eachRoleIsItsHoldersAlone() external {
        bytes memory expected = _notAllowed(OUTSIDER);
        address someone = _actors[OUTSIDER];
        _refuse(OUTSIDER, abi.encodeCall(IDesk.setExecutor, (_operator, someone, true)), expected);
        _refuse(OUTSIDER, abi.encodeCall(IDesk.disableExecutor, (_operator, someone)), expected);
        _refuse(OUTSIDER, abi.encodeCall(IDesk.setGuardian, (_operator, someone)), expected);
        _refuse(OUTSIDER, abi.encodeCall(IDesk.acceptGuardian, (_operator)), expected);
        _refuse(OUTSIDER, abi.encodeCall(IDesk.transferAdmin, (_operator, someone)), expected);
        _refuse(OUTSIDER, abi.encodeCall(IDesk.acceptAdmin, (_operator)), expected);
        bytes memory opening = abi.encodeCall(IDesk.openBank, (_operator, someone, _limits()));
        _refuse(OUTSIDER, opening, expected);
    }

    function test_anUnknownOperatorHasNoRoles() external {
        bytes memory expected = _error(IDesk.OperatorUnknown.selector, _player);
        _refuse(OUTSIDER, abi.encodeCall(IDesk.setExecutor, (_player, _player, true)), expected);
        _refuse(OUTSIDER, abi.encodeCall(IDesk.disableExecutor, (_player, _player)), expected);
        _refuse(OUTSIDER, abi.encodeCall(IDesk.acceptGuardian, (_player)), expected);
        _refuse(OUTSIDER, abi.encodeCall(IDesk.acceptAdmin, (_player)), expected);
        require(_book.operator(_player).operatorNo == 0, "operator");
    }

    function test_anExecutorCountsAfterTheNoticeAndEndsAtOnce() external {
        address added = _actors[SECOND_EXECUTOR];
        _setExecutor(added, true);
        require(_book.executorReadyAt(1, added) == NOW + NOTICE_S, "readyAt");
        _refuse(SECOND_EXECUTOR, _batchData(0, ""), _notAllowed(SECOND_EXECUTOR));
        VM.warp(NOW + NOTICE_S);
        _as(SECOND_EXECUTOR);
        _book.applyBatch(LANE, 0, 0, "");

        bytes memory expected = _error(IDesk.ExecutorUnchanged.selector, added);
        bytes memory enabling = abi.encodeCall(IDesk.setExecutor, (_operator, added, true));
        _refuse(OPERATOR, enabling, expected);
        _setExecutor(added, false);
        _refuse(SECOND_EXECUTOR, _batchData(0, ""), _notAllowed(SECOND_EXECUTOR));
        _refuse(GUARDIAN, abi.encodeCall(IDesk.disableExecutor, (_operator, added)), expected);
    }

    function test_theGuardianDisablesAnExecutor() external {
        _as(GUARDIAN);
        _book.disableExecutor(_operator, _actors[EXECUTOR]);
        _refuse(EXECUTOR, _batchData(0, ""), _notAllowed(EXECUTOR));
    }

    function test_theAdminPassesOnInTwoSteps() external {
        _as(OPERATOR);
        _book.transferAdmin(_operator, _actors[SUCCESSOR]);
        require(_book.operator(_operator).admin == _operator, "not yet");
        _as(SUCCESSOR);
        _book.acceptAdmin(_operator);
        IDesk.Operator memory now_ = _book.operator(_operator);
        require(now_.admin == _actors[SUCCESSOR] && now_.pendingAdmin == address(0), "admin");
        bytes memory naming = abi.encodeCall(IDesk.transferAdmin, (_operator, _operator));
        _refuse(OPERATOR, naming, _notAllowed(OPERATOR));
    }

    function test_theGuardianPassesOnInTwoSteps() external {
        bytes memory nobody = abi.encodeCall(IDesk.setGuardian, (_operator, address(0)));
        _refuse(OPERATOR, nobody, _error(IDesk.ZeroValue.selector));
        _as(OPERATOR);
        _book.setGuardian(_operator, _actors[SUCCESSOR]);
        require(_book.operator(_operator).guardian == _actors[GUARDIAN], "not yet");
        _as(SUCCESSOR);
        _book.acceptGuardian(_operator);
        IDesk.Operator memory now_ = _book.operator(_operator);
        require(now_.guardian == _actors[SUCCESSOR], "guardian");
        require(now_.pendingGuardian == address(0), "named");
    }

    function _register(uint16 shards, uint256 executors) private pure returns (bytes memory) {
        address[] memory list = new address[](executors);
        return abi.encodeCall(IDesk.registerOperator, (shards, list, address(0)));
    }

    function _setExecutor(address executor, bool enabled) private {
        _as(OPERATOR);
        _book.setExecutor(_operator, executor, enabled);
    }
}
