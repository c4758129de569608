// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Batch} from "../../Batch.sol";
import {IDesk} from "../../IDesk.sol";
import {VM} from "../Vm.sol";
import {Fixture} from "./Fixture.t.sol";

/// @notice Pages that nobody settled in time.
contract ExpiryTest is Fixture {
    function test_stakesComeBack() external {
        bytes memory preimage = _openPage(false);
        require(_chips() == BUY_IN - 20 && _book.bank(BANK).reserved == 60, "open");
        VM.warp(NOW + DUE_S);
        _expire(preimage);
        IDesk.Bank memory bank = _book.bank(BANK);
        require(_chips() == BUY_IN && bank.bankroll == BANKROLL, "stakes");
        require(bank.reserved == 0 && bank.locked == 0, "nothing is open");
        require(_book.page(LANE, SLOT) == 1 && !_book.isOpen(LANE, SLOT, 0), "free");
    }

    function test_aBondedPagePaysItsReserve() external {
        _apply(_play(1, 101));
        require(_book.bank(BANK).won == 100, "today");
        bytes memory preimage = _openPage(true);
        VM.warp((NOW / 1 days + 1) * 1 days);
        _expire(preimage);
        IDesk.Bank memory bank = _book.bank(BANK);
        require(_chips() == BUY_IN + 100 + 60, "paid in full");
        require(bank.bankroll == BANKROLL - 100 - 60, "by the bank");
        require(bank.won == 60 && bank.loss == 60, "counted on its day alone");
    }

    function test_onlyThePageAndOnlyPastItsDueTime() external {
        bytes memory preimage = _openPage(false);
        bytes memory data = abi.encodeCall(IDesk.expire, (LANE, SLOT, preimage));
        _refuse(OUTSIDER, data, _error(IDesk.NotDue.selector, NOW + DUE_S));
        bytes memory expected = _error(IDesk.PageMismatch.selector, (uint256(LANE) << 32) | SLOT);
        preimage[10] ^= 0x01;
        _refuse(OUTSIDER, abi.encodeCall(IDesk.expire, (LANE, SLOT, preimage)), expected);

        VM.warp(NOW + DUE_S);
        preimage[10] ^= 0x01;
        _expire(preimage);
        _refuse(OUTSIDER, data, expected);
    }

    function test_anyoneHashesAPage() external {
        bytes memory preimage = _openPage(false);
        uint256 word = _book.page(LANE, SLOT);
        require(uint256(_book.hashPage(preimage)) >> 64 == word >> 64, "hash");
        require(uint64(word) == 3, "two bets are open");
    }

    /// @dev Two bets, 10 to win 30 each. Returns the page's preimage.
    function _openPage(bool bonded) private returns (bytes memory) {
        Batch.Page memory page = _page(bonded);
        Batch.Bet[] memory bets = _bets(2, BANK, 10, 30);
        uint48 firstSeq = _book.lane(LANE);
        _apply(Batch.open(page, bets));
        return Batch.preimage(firstSeq, page, bets);
    }

    function _expire(bytes memory preimage) private {
        _as(OUTSIDER);
        _book.expire(LANE, SLOT, preimage);
    }
}
