// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Batch} from "../../Batch.sol";
import {Codes} from "../../Codes.sol";
import {IBetBook} from "../../IBetBook.sol";
import {Vm, VM} from "../Vm.sol";
import {Fixture} from "./Fixture.t.sol";

/// @notice GROUP: up to 8 ops of one player land together or not at all.
contract GroupsTest is Fixture {
    function test_aGroupLandsWhole() external {
        (bytes memory opening, bytes memory settling) = _page(0, Batch.EXPLICIT, 25);
        uint8 code = _codeOf(_group(opening, settling, _play(10, 5), _credit(7)));
        require(code == 0 && _book.lane(LANE) == 4, "four numbers");
        require(_chips() == BUY_IN - 10 + 25 - 5 + 7, "seat");
        require(_book.bank(BANK).bankroll == BANKROLL - 15 + 5 - 7, "bank");
    }

    function test_whateverIsRefusedRefusesAll() external {
        (bytes memory opening, bytes memory settling) = _page(0, Batch.EXPLICIT, 41);
        bytes memory play = _play(10, 5);
        _refuseGroup(_group(opening, play, settling, _credit(7)));
        _refuseGroup(_group(play, _credit(7), _credit(501), opening));
        _refuseGroup(_group(play, _credit(7), opening, _play(MAX_STAKE + 1, 0)));
        _refuseGroup(_group(play, opening, _credit(7), _open(BANK, 1, 1)));
        (, bytes memory unknown) = _page(99, Batch.LOST, 0);
        _refuseGroup(_group(play, unknown, _credit(7), opening));
        require(!_book.bank(BANK).halted && _book.page(LANE, SLOT) == 0, "nothing else");
    }

    function test_aGroupSettlesItsPlayersBetsOnly() external {
        Batch.Bet[] memory bets = _bets(1, BANK, 10, 30);
        _apply(Batch.open(_page(false), bets));
        Batch.Outcome[] memory outcomes = new Batch.Outcome[](1);
        outcomes[0] = Batch.Outcome(0, Batch.LOST, 0, REF);
        bytes memory settling = Batch.settle(
            SLOT,
            Batch.preimage(0, _page(false), bets),
            outcomes
        );
        bytes[] memory ops = new bytes[](1);
        ops[0] = settling;
        require(_codeOf(Batch.group(_actors[OUTSIDER], ops)) == Codes.GROUP_REFUSED, "16");
        require(_book.isOpen(LANE, SLOT, 0), "open");
        require(_codeOf(Batch.group(_player, ops)) == 0, "the player's own");
        require(!_book.isOpen(LANE, SLOT, 0), "settled");
    }

    function test_aGroupsRefusedWinnerHaltsTheBank() external {
        bytes memory op = _group(_credit(7), _play(1, 3_001), _play(10, 5), _credit(7));
        VM.recordLogs();
        _apply(op);
        Vm.Log[] memory logs = VM.getRecordedLogs();
        // The runner records what was rolled back too: the first credit stands before these.
        uint256 at = logs.length - 6;
        for (uint256 i = 0; i < 4; i++) {
            require(logs[at + i].topics[0] == IBetBook.Rejected.selector, "each number");
            (uint8 code, ) = abi.decode(logs[at + i].data, (uint8, bytes16));
            require(code == Codes.GROUP_REFUSED, "16");
        }
        require(logs[at + 4].topics[0] == IBetBook.Halted.selector, "behind the group's last");
        (uint8 reason, ) = abi.decode(logs[at + 4].data, (uint8, uint64));
        require(reason == Codes.ABOVE_MAX_PAYOUT && _book.bank(BANK).halted, "for the winner");
    }

    // ------------------------------------------------------------------------------- helpers

    /// @dev An OPEN of one bet in the group's first number, and a SETTLE of it.
    /// @param firstSeq What the SETTLE says the page's number is, counted from the lane's next.
    function _page(
        uint48 firstSeq,
        uint8 code,
        uint96 payout
    ) private view returns (bytes memory opening, bytes memory settling) {
        Batch.Bet[] memory bets = _bets(1, BANK, 10, 30);
        Batch.Outcome[] memory outcomes = new Batch.Outcome[](1);
        outcomes[0] = Batch.Outcome(0, code, payout, REF);
        firstSeq += _book.lane(LANE);
        opening = Batch.open(_page(false), bets);
        settling = Batch.settle(SLOT, Batch.preimage(firstSeq, _page(false), bets), outcomes);
    }

    function _credit(uint96 amount) private view returns (bytes memory) {
        return Batch.credit(_player, BANK, amount, REF);
    }

    function _group(
        bytes memory a,
        bytes memory b,
        bytes memory c,
        bytes memory d
    ) private view returns (bytes memory) {
        bytes[] memory ops = new bytes[](4);
        (ops[0], ops[1], ops[2], ops[3]) = (a, b, c, d);
        return Batch.group(_player, ops);
    }

    function _refuseGroup(bytes memory op) private {
        uint48 next = _book.lane(LANE);
        require(_codeOf(op) == Codes.GROUP_REFUSED, "16");
        require(_book.lane(LANE) == next + 4, "each op used its number");
        require(_chips() == BUY_IN && _book.bank(BANK).bankroll == BANKROLL, "nothing moved");
    }
}
