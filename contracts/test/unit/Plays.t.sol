// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Batch} from "../../Batch.sol";
import {Codes} from "../../Codes.sol";
import {IBetBook} from "../../IBetBook.sol";
import {IDesk} from "../../IDesk.sol";
import {Vm, VM} from "../Vm.sol";
import {Fixture} from "./Fixture.t.sol";

/// @notice PLAY, CREDIT and FINISH: what moves, what is refused and why, what the day counts.
contract PlaysTest is Fixture {
    function test_aPlayMovesChipsBetweenSeatAndBank() external {
        require(_codeOf(_play(100, 0)) == 0 && _codeOf(_play(100, 250)) == 0, "played");
        require(_chips() == BUY_IN - 100 + 150, "seat");
        IDesk.Bank memory bank = _book.bank(BANK);
        require(bank.bankroll == BANKROLL + 100 - 150, "bankroll");
        require(bank.loss == 150 && bank.won == 150, "a loss before is no gain of the day");
        _apply(_play(100, 0));
        bank = _book.bank(BANK);
        require(bank.loss == 50 && bank.won == 150, "drawdown falls, wins do not");
        (uint256 held, uint256 owed) = _book.solvency();
        require(held == owed && owed == BANKROLL + BUY_IN, "solvency");
    }

    function test_aPlayIsRefused() external {
        require(_codeOf(_play(0, 0)) == Codes.STAKE_ZERO, "13");
        require(_codeOf(_playOf(_actors[OUTSIDER], BANK, 1, 2)) == Codes.SEAT_ENDED, "1, no seat");
        require(_codeOf(_play(MAX_STAKE + 1, 0)) == Codes.ABOVE_MAX_STAKE, "2");
        require(_codeOf(_playOf(_player, BANK + 1, 1, 0)) == Codes.BANK_CLOSED, "7, no such bank");
        for (uint256 i = 0; i < 10; i++) _apply(_play(MAX_STAKE, i == 0 ? 1 : 0));
        require(_chips() == 1, "one is left");
        require(_codeOf(_play(2, 0)) == Codes.SEAT_SHORT, "3");
        require(_book.lane(LANE) == 15 && _chips() == 1, "each used its number");
    }

    function test_aRefusedWinnerHaltsTheBank() external {
        require(_codeOf(_play(1, 3_001)) == Codes.ABOVE_MAX_PAYOUT, "4");
        _requireHaltOnce();
        _as(BANK_ADMIN);
        _book.requestExit(BANK, BANKROLL - 1_000);
        VM.warp(NOW + NOTICE_S);
        _as(BANK_ADMIN);
        _book.completeExit(BANK);
        require(_codeOf(_play(1, 1_002)) == Codes.BANK_SHORT, "5");
        _requireHaltOnce();
        require(_codeOf(_play(1, 1_001)) == 0, "all that there is");
    }

    function test_theDayHasItsLimits() external {
        _apply(_play(1, 3_000));
        _apply(_play(1, 3_000));
        require(_codeOf(_play(1, 2_004)) == Codes.DAY_LIMIT, "6");
        _requireHaltOnce();
        require(_codeOf(_play(1, 2_003)) == 0, "to the limit");
        require(_codeOf(_play(1, 2)) == Codes.DAY_LIMIT, "none is left");
        VM.warp((NOW / 1 days + 1) * 1 days);
        require(_codeOf(_play(1, 2_000)) == 0, "another day");
    }

    function test_aWinReachesAnEndedSeatALossDoesNot() external {
        VM.warp(NOW + SEAT_S);
        require(_codeOf(_play(1, 1)) == Codes.SEAT_ENDED, "1");
        require(_codeOf(_play(1, 11)) == 0 && _chips() == BUY_IN + 10, "won");
    }

    function test_limitsThatAreReadyCount() external {
        IDesk.Limits memory raised = _limits();
        raised.maxPayout = 4_000;
        _as(BANK_ADMIN);
        _book.setLimits(BANK, raised);
        require(_codeOf(_play(1, 4_000)) == Codes.ABOVE_MAX_PAYOUT, "not yet");
        _requireHaltOnce();
        VM.warp(NOW + NOTICE_S);
        require(_codeOf(_play(1, 4_000)) == 0, "ready");
    }

    // ------------------------------------------------------------------------ CREDIT, FINISH

    function test_aCreditIsAWinWithoutABet() external {
        require(_codeOf(_credit(200)) == 0, "credited");
        IDesk.Bank memory bank = _book.bank(BANK);
        require(_chips() == BUY_IN + 200 && bank.bankroll == BANKROLL - 200, "moved");
        require(bank.credited == 200 && bank.loss == 0 && bank.won == 0, "of its own limit");
        require(_codeOf(_credit(301)) == Codes.DAY_LIMIT, "6");
        require(_codeOf(_credit(300)) == 0, "to the limit");
        VM.warp((NOW / 1 days + 1) * 1 days);
        require(_book.bank(BANK).credited == 0 && _codeOf(_credit(1)) == 0, "another day");
    }

    function test_aCreditIsRefused() external {
        bytes memory op = Batch.credit(_actors[OUTSIDER], BANK, 1, REF);
        require(_codeOf(op) == Codes.SEAT_ENDED, "1");
        require(_codeOf(Batch.credit(_player, BANK + 1, 1, REF)) == Codes.BANK_CLOSED, "7");
        require(_codeOf(_credit(BANKROLL + 1)) == Codes.BANK_SHORT, "5");
        require(_chips() == BUY_IN, "nothing moved");
    }

    function test_aFinishedRoundIsToldByItsEvent() external {
        VM.recordLogs();
        _apply(Batch.finish(BANK, "round"));
        Vm.Log memory log = VM.getRecordedLogs()[0];
        require(log.topics[0] == IBetBook.RoundFinalized.selector, "event");
        require(uint256(log.topics[1]) == (uint256(LANE) << 80) | (uint256(BANK) << 48), "id");
        require(abi.decode(log.data, (bytes8)) == "round", "round");
    }

    // ------------------------------------------------------------------------------- helpers

    function _credit(uint96 amount) private view returns (bytes memory) {
        return Batch.credit(_player, BANK, amount, REF);
    }

    function _playOf(
        address player,
        uint32 bankNo,
        uint96 stake,
        uint96 payout
    ) private pure returns (bytes memory) {
        Batch.Play[] memory items = new Batch.Play[](1);
        items[0] = Batch.Play(stake, payout, REF, REF);
        return Batch.play(player, bankNo, items);
    }

    /// @dev It takes no bets until it is resumed.
    function _requireHaltOnce() private {
        require(_book.bank(BANK).halted && _codeOf(_play(1, 0)) == Codes.BANK_CLOSED, "7, halted");
        _as(BANK_ADMIN);
        _book.resume(BANK);
    }
}
