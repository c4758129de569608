// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Codes} from "../../Codes.sol";
import {IDesk} from "../../IDesk.sol";
import {VM} from "../Vm.sol";
import {Fixture} from "./Fixture.t.sol";

/// @notice Bankrolls, exits, limits, pauses and halts.
contract BanksTest is Fixture {
    function test_aBankIsItsAdminsAlone() external {
        bytes memory expected = _notAllowed(OPERATOR);
        _refuse(OPERATOR, abi.encodeCall(IDesk.fund, (BANK, 1)), expected);
        _refuse(OPERATOR, abi.encodeCall(IDesk.setPayout, (BANK, _operator)), expected);
        _refuse(OPERATOR, abi.encodeCall(IDesk.requestExit, (BANK, 1)), expected);
        _refuse(OPERATOR, abi.encodeCall(IDesk.cancelExit, (BANK)), expected);
        _refuse(OPERATOR, abi.encodeCall(IDesk.completeExit, (BANK)), expected);
        _refuse(OPERATOR, abi.encodeCall(IDesk.setLimits, (BANK, _limits())), expected);
        _refuse(OPERATOR, abi.encodeCall(IDesk.resume, (BANK)), expected);
        _refuse(OPERATOR, abi.encodeCall(IDesk.transferBankAdmin, (BANK, _operator)), expected);
        _refuse(OPERATOR, abi.encodeCall(IDesk.acceptBankAdmin, (BANK)), expected);
        _refuse(OPERATOR, abi.encodeCall(IDesk.pause, (BANK, uint32(NOW + 1))), expected);
    }

    function test_anUnknownBankIsNobodys() external {
        bytes memory expected = _error(IDesk.BankUnknown.selector, 2);
        _refuse(BANK_ADMIN, abi.encodeCall(IDesk.fund, (2, 1)), expected);
        _refuse(BANK_ADMIN, abi.encodeCall(IDesk.acceptBankAdmin, (2)), expected);
        _refuse(GUARDIAN, abi.encodeCall(IDesk.pause, (2, uint32(NOW + 1))), expected);
        require(_book.bank(2).operatorNo == 0, "bank");
    }

    function test_zeroMeansNothing() external {
        bytes memory expected = _error(IDesk.ZeroValue.selector);
        bytes memory opening = abi.encodeCall(IDesk.openBank, (_operator, address(0), _limits()));
        _refuse(OPERATOR, opening, expected);
        _refuse(BANK_ADMIN, abi.encodeCall(IDesk.fund, (BANK, 0)), expected);
        _refuse(BANK_ADMIN, abi.encodeCall(IDesk.setPayout, (BANK, address(0))), expected);
        _refuse(BANK_ADMIN, abi.encodeCall(IDesk.requestExit, (BANK, 0)), expected);
    }

    function test_theAdminPassesOnInTwoSteps() external {
        _as(BANK_ADMIN);
        _book.transferBankAdmin(BANK, _actors[SUCCESSOR]);
        require(_book.bank(BANK).pendingAdmin == _actors[SUCCESSOR], "named");
        _as(SUCCESSOR);
        _book.acceptBankAdmin(BANK);
        IDesk.Bank memory bank = _book.bank(BANK);
        require(bank.admin == _actors[SUCCESSOR] && bank.pendingAdmin == address(0), "admin");
        _refuse(BANK_ADMIN, abi.encodeCall(IDesk.fund, (BANK, 1)), _notAllowed(BANK_ADMIN));
    }

    // --------------------------------------------------------------------------------- exits

    function test_anExitTakesTheNotice() external {
        _refuse(BANK_ADMIN, _completing(), _error(IDesk.NotExiting.selector, BANK));
        _requestExit(400);
        _refuse(BANK_ADMIN, _completing(), _error(IDesk.ExitTooEarly.selector, NOW + NOTICE_S));
        VM.warp(NOW + NOTICE_S);
        uint96 before = _treasury.available(_actors[BANK_ADMIN]);
        require(_completeExit() == 400, "amount");
        require(_treasury.available(_actors[BANK_ADMIN]) == before + 400, "paid");
        IDesk.Bank memory bank = _book.bank(BANK);
        require(bank.bankroll == BANKROLL - 400 && bank.exitAt == 0 && bank.exiting == 0, "bank");
    }

    function test_anExitIsTakenBack() external {
        bytes memory data = abi.encodeCall(IDesk.cancelExit, (BANK));
        _refuse(BANK_ADMIN, data, _error(IDesk.NotExiting.selector, BANK));
        _requestExit(400);
        _as(BANK_ADMIN);
        _book.cancelExit(BANK);
        VM.warp(NOW + NOTICE_S);
        _refuse(BANK_ADMIN, _completing(), _error(IDesk.NotExiting.selector, BANK));
    }

    function test_anotherPayoutDelaysAnExit() external {
        _requestExit(400);
        VM.warp(NOW + NOTICE_S);
        _as(BANK_ADMIN);
        _book.setPayout(BANK, _actors[OUTSIDER]);
        uint256 exitAt = NOW + 2 * NOTICE_S;
        _refuse(BANK_ADMIN, _completing(), _error(IDesk.ExitTooEarly.selector, exitAt));
        VM.warp(exitAt);
        _completeExit();
        require(_treasury.available(_actors[OUTSIDER]) == 400, "paid to");
    }

    function test_whatIsReservedStays() external {
        _as(OPERATOR);
        uint32 small = _book.openBank(_operator, _actors[BANK_ADMIN], _limits());
        _as(BANK_ADMIN);
        _book.fund(small, 300);
        _apply(_open(small, 10, 200));
        _as(BANK_ADMIN);
        _book.requestExit(small, type(uint96).max);
        VM.warp(NOW + NOTICE_S);
        _as(BANK_ADMIN);
        require(_book.completeExit(small) == 100, "what is free");
        bytes memory expected = _error(IDesk.AllReserved.selector, small);
        _refuse(BANK_ADMIN, abi.encodeCall(IDesk.completeExit, (small)), expected);
        require(_book.bank(small).bankroll == 200, "what is reserved");
    }

    // -------------------------------------------------------------------------------- limits

    function test_whatLowersCountsAtOnceWhatRaisesAfterTheNotice() external {
        IDesk.Limits memory asked = IDesk.Limits(4_000, 7_000, 8_000, 400, 2 days);
        _setLimits(asked);
        _requireLimits(_book.limits(BANK), IDesk.Limits(3_000, 7_000, 8_000, 400, 1 days));
        (IDesk.Limits memory announced, uint40 readyAt) = _book.pendingLimits(BANK);
        _requireLimits(announced, asked);
        require(readyAt == NOW + NOTICE_S, "readyAt");

        VM.warp(readyAt);
        _requireLimits(_book.limits(BANK), asked);
        (announced, readyAt) = _book.pendingLimits(BANK);
        _requireLimits(announced, IDesk.Limits(0, 0, 0, 0, 0));
        require(readyAt == 0, "nothing is announced any more");
    }

    function test_eachLimitIsRaisedByNotice() external {
        for (uint256 i = 0; i < 5; i++) {
            IDesk.Limits memory asked = _limits();
            if (i == 0) asked.maxPayout++;
            else if (i == 1) asked.stopLoss++;
            else if (i == 2) asked.dayWon++;
            else if (i == 3) asked.dayCredit++;
            else asked.maxHorizon++;
            _setLimits(asked);
            _requireLimits(_book.limits(BANK), _limits());
            (IDesk.Limits memory announced, ) = _book.pendingLimits(BANK);
            _requireLimits(announced, asked);
        }
        _setLimits(_limits());
        (, uint40 readyAt) = _book.pendingLimits(BANK);
        require(readyAt == 0, "taken back");
    }

    // ----------------------------------------------------------------------- halts and pauses

    function test_aHaltedBankIsResumedOnce() external {
        bytes memory data = abi.encodeCall(IDesk.resume, (BANK));
        _refuse(BANK_ADMIN, data, _error(IDesk.NotHalted.selector, BANK));
        require(_codeOf(_play(1, 3_001)) == Codes.ABOVE_MAX_PAYOUT, "refused");
        require(_book.bank(BANK).halted && _chips() == BUY_IN, "halted");
        require(_codeOf(_play(1, 0)) == Codes.BANK_CLOSED, "takes from no other loser");
        _as(BANK_ADMIN);
        _book.resume(BANK);
        _apply(_play(1, 0));
        require(!_book.bank(BANK).halted && _chips() == BUY_IN - 1, "resumed");
        _refuse(BANK_ADMIN, data, _error(IDesk.NotHalted.selector, BANK));
    }

    function test_aHaltEndsWithTheDay() external {
        _apply(_play(1, 3_001));
        VM.warp((NOW / 1 days + 1) * 1 days);
        require(!_book.bank(BANK).halted, "a new day");
        bytes memory data = abi.encodeCall(IDesk.resume, (BANK));
        _refuse(BANK_ADMIN, data, _error(IDesk.NotHalted.selector, BANK));
    }

    function test_aPauseIsShortAndNotRepeatedSoon() external {
        uint32[3] memory invalid = [uint32(0), uint32(NOW), uint32(NOW + 72 hours + 1)];
        for (uint256 i = 0; i < invalid.length; i++) {
            bytes memory expected = _error(IDesk.PauseOutOfRange.selector, invalid[i]);
            _refuse(GUARDIAN, _pausing(invalid[i]), expected);
        }
        _as(GUARDIAN);
        _book.pause(BANK, uint32(NOW + 72 hours));
        require(_codeOf(_play(1, 2)) == Codes.BANK_CLOSED, "paused");

        uint256 coolUntil = NOW + 72 hours + 7 days;
        VM.warp(coolUntil - 1);
        bytes memory cooling = _error(IDesk.CoolingDown.selector, coolUntil);
        _refuse(GUARDIAN, _pausing(uint32(coolUntil)), cooling);
        VM.warp(coolUntil);
        _as(GUARDIAN);
        _book.pause(BANK, uint32(coolUntil + 1));
    }

    // ------------------------------------------------------------------------------- helpers

    function _requestExit(uint96 amount) private {
        _as(BANK_ADMIN);
        _book.requestExit(BANK, amount);
    }

    function _completeExit() private returns (uint96) {
        _as(BANK_ADMIN);
        return _book.completeExit(BANK);
    }

    function _completing() private pure returns (bytes memory) {
        return abi.encodeCall(IDesk.completeExit, (BANK));
    }

    function _pausing(uint32 until) private pure returns (bytes memory) {
        return abi.encodeCall(IDesk.pause, (BANK, until));
    }

    function _setLimits(IDesk.Limits memory asked) private {
        _as(BANK_ADMIN);
        _book.setLimits(BANK, asked);
    }

    function _requireLimits(IDesk.Limits memory a, IDesk.Limits memory b) private pure {
        require(keccak256(abi.encode(a)) == keccak256(abi.encode(b)), "limits");
    }
}
