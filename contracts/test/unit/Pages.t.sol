// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Batch} from "../../Batch.sol";
import {Codes} from "../../Codes.sol";
import {IDesk} from "../../IDesk.sol";
import {VM} from "../Vm.sol";
import {Fixture} from "./Fixture.t.sol";

/// @notice OPEN and SETTLE: what is reserved, what is paid, what is refused and why.
contract PagesTest is Fixture {
    function test_aPageIsReservedAndPaid() external {
        bytes memory preimage = _openPage(4, 10, 30);
        IDesk.Bank memory bank = _book.bank(BANK);
        require(_chips() == BUY_IN - 40 && bank.bankroll == BANKROLL, "stakes left the seat");
        require(bank.reserved == 120 && bank.locked == 40, "reserved");

        Batch.Outcome[] memory outcomes = new Batch.Outcome[](4);
        outcomes[0] = Batch.Outcome(0, Batch.LOST, 0, REF);
        outcomes[1] = Batch.Outcome(1, Batch.FULL, 0, REF);
        outcomes[2] = Batch.Outcome(2, Batch.VOID, 0, REF);
        outcomes[3] = Batch.Outcome(3, Batch.EXPLICIT, 25, REF);
        require(_codeOf(Batch.settle(SLOT, preimage, outcomes)) == 0, "settled");
        bank = _book.bank(BANK);
        require(_chips() == BUY_IN - 40 + 40 + 10 + 25, "seat");
        require(bank.bankroll == BANKROLL + 10 - 30 - 15, "bankroll");
        require(bank.reserved == 0 && bank.locked == 0, "nothing is open");
        require(bank.won == 45 && _book.page(LANE, SLOT) == 1, "counted, free");
    }

    function test_aPageOfSeveralPlayersAndBanks() external {
        _enrich(PLAYER + 1);
        _as(PLAYER + 1);
        _book.sit(_grant(1));
        _as(OPERATOR);
        uint32 other = _book.openBank(_operator, _actors[BANK_ADMIN], _limits());
        _as(BANK_ADMIN);
        _book.fund(other, 100);
        Batch.Bet[] memory bets = _bets(3, BANK, 10, 30);
        bets[1].bank = other;
        bets[2].player = _actors[PLAYER + 1];
        _apply(Batch.open(_page(false), bets));
        require(_book.bank(BANK).reserved == 60 && _book.bank(other).reserved == 30, "reserved");
        require(_book.seat(bets[2].player, _operator).balance == BUY_IN - 10, "other seat");
        Batch.Outcome[] memory outcomes = new Batch.Outcome[](3);
        for (uint8 i = 0; i < 3; i++) outcomes[i] = Batch.Outcome(i, Batch.FULL, 0, REF);
        _apply(Batch.settle(SLOT, Batch.preimage(0, _page(false), bets), outcomes));
        require(_book.bank(BANK).bankroll == BANKROLL - 60, "bank");
        require(_book.bank(other).bankroll == 70, "other bank");
        require(_book.seat(bets[2].player, _operator).balance == BUY_IN + 30, "other seat");
    }

    function test_aBetIsNotOpened() external {
        require(_codeOf(_open(BANK, 0, 1)) == Codes.STAKE_ZERO, "13");
        require(_codeOf(_open(BANK, MAX_STAKE + 1, 1)) == Codes.ABOVE_MAX_STAKE, "2");
        require(_codeOf(_open(BANK + 1, 1, 1)) == Codes.BANK_CLOSED, "7");
        require(_codeOf(_open(BANK, 1, 3_000)) == Codes.ABOVE_MAX_PAYOUT, "4");
        Batch.Page memory page = _page(false);
        page.due = uint40(NOW + 1 days + 1);
        require(_codeOf(Batch.open(page, _bets(1, BANK, 1, 1))) == Codes.BEYOND_HORIZON, "17");
        page.due = uint40(NOW);
        require(_codeOf(Batch.open(page, _bets(1, BANK, 1, 1))) == Codes.PAST_DUE, "11");
        for (uint256 i = 0; i < 10; i++) _apply(_play(MAX_STAKE, i == 0 ? 1 : 0));
        require(_codeOf(_open(BANK, 2, 1)) == Codes.SEAT_SHORT, "3");
        VM.warp(NOW + SEAT_S);
        require(_codeOf(_open(BANK, 1, 1)) == Codes.SEAT_ENDED, "1");
        require(_book.page(LANE, SLOT) == 0, "the slot was never used");
        IDesk.Bank memory bank = _book.bank(BANK);
        require(bank.reserved == 0 && bank.locked == 0 && !bank.halted, "bank");
    }

    function test_whatIsToLeaveBacksNoNewBet() external {
        _as(BANK_ADMIN);
        _book.requestExit(BANK, BANKROLL - 100);
        require(_codeOf(_open(BANK, 1, 101)) == Codes.BANK_SHORT, "5");
        require(_codeOf(_open(BANK, 1, 100)) == 0, "what stays does");
        require(_codeOf(_play(1, 200)) == 0, "and it still pays wins");
        _as(BANK_ADMIN);
        _book.requestExit(BANK, type(uint96).max);
        Batch.Page memory page = _page(false);
        page.slot++;
        require(_codeOf(Batch.open(page, _bets(1, BANK, 1, 1))) == Codes.BANK_SHORT, "5, all");
        require(_codeOf(Batch.open(page, _bets(1, BANK, 1, 0))) == 0, "nothing to back");
    }

    function test_openBetsCountForTheDay() external {
        _openPage(4, 1, 2_000);
        Batch.Page memory page = _page(false);
        page.slot++;
        require(_codeOf(Batch.open(page, _bets(1, BANK, 1, 1))) == Codes.DAY_LIMIT, "6");
        require(_codeOf(Batch.open(page, _bets(1, BANK, 1, 0))) == 0, "without a risk");
    }

    function test_winsOfTheDayHaveALimitOfTheirOwn() external {
        IDesk.Limits memory lower = _limits();
        lower.dayWon = 100;
        _as(BANK_ADMIN);
        _book.setLimits(BANK, lower);
        require(_codeOf(_open(BANK, 1, 101)) == Codes.DAY_LIMIT, "6");
        require(_codeOf(_open(BANK, 1, 100)) == 0, "to the limit");
    }

    function test_aRefusedBetLeavesTheOthersOpen() external {
        Batch.Bet[] memory bets = _bets(3, BANK, 10, 30);
        bets[1].stake = MAX_STAKE + 1;
        require(_codeOf(Batch.open(_page(false), bets)) == Codes.ABOVE_MAX_STAKE, "2");
        require(uint64(_book.page(LANE, SLOT)) == 5, "first and third");
        require(_chips() == BUY_IN - 20 && _book.bank(BANK).reserved == 60, "for both");
        require(_codeOf(_open(BANK, 1, 1)) == Codes.SLOT_BUSY, "8");
        bytes memory preimage = Batch.preimage(0, _page(false), bets);
        require(_codeOf(_settle(preimage, 1, Batch.FULL, 0)) == Codes.ALREADY_CLOSED, "12");
        require(_codeOf(_settle(preimage, 2, Batch.FULL, 0)) == 0, "third");
        require(_chips() == BUY_IN + 20 && uint64(_book.page(LANE, SLOT)) == 1, "first is left");
    }

    function test_anOutcomeIsRefused() external {
        bytes memory preimage = _openPage(2, 10, 30);
        require(_codeOf(_settle(preimage, 0, Batch.EXPLICIT, 41)) == Codes.ABOVE_RESERVE, "10");
        require(_codeOf(_settle(preimage, 0, Batch.EXPLICIT, 40)) == 0, "the reserve");
        require(_codeOf(_settle(preimage, 0, Batch.LOST, 0)) == Codes.ALREADY_CLOSED, "12");
        preimage[10] ^= 0x01;
        require(_codeOf(_settle(preimage, 1, Batch.LOST, 0)) == Codes.PAGE_MISMATCH, "9");
        preimage[10] ^= 0x01;
        VM.warp(NOW + DUE_S);
        require(_codeOf(_settle(preimage, 1, Batch.LOST, 0)) == Codes.PAST_DUE, "11");
        require(_chips() == BUY_IN - 20 + 40 && _book.isOpen(LANE, SLOT, 1), "second is open");
    }

    function test_aBondedBetIsNotVoided() external {
        _apply(Batch.open(_page(true), _bets(1, BANK, 10, 30)));
        bytes memory preimage = Batch.preimage(0, _page(true), _bets(1, BANK, 10, 30));
        require(_codeOf(_settle(preimage, 0, Batch.VOID, 0)) == Codes.VOID_OF_BONDED, "14");
        require(_codeOf(_settle(preimage, 0, Batch.LOST, 0)) == 0, "but lost");
    }

    /// @dev Equal bets, in the lane's next numbers. Returns the page's preimage.
    function _openPage(uint256 count, uint96 stake, uint96 profit) private returns (bytes memory) {
        uint48 firstSeq = _book.lane(LANE);
        Batch.Bet[] memory bets = _bets(count, BANK, stake, profit);
        _apply(Batch.open(_page(false), bets));
        return Batch.preimage(firstSeq, _page(false), bets);
    }

    /// @dev A SETTLE of one outcome.
    function _settle(
        bytes memory preimage,
        uint8 offset,
        uint8 code,
        uint96 payout
    ) private pure returns (bytes memory) {
        Batch.Outcome[] memory outcomes = new Batch.Outcome[](1);
        outcomes[0] = Batch.Outcome(offset, code, payout, REF);
        return Batch.settle(SLOT, preimage, outcomes);
    }
}
