// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Batch} from "../../Batch.sol";
import {IBetBook} from "../../IBetBook.sol";
import {Fixture} from "./Fixture.t.sol";

/// @notice Bytes that are no ops revert the whole batch: where they stand first, behind what is fine,
/// where their numbers are used already, and in a group.
contract MalformedTest is Fixture {
    /// @dev Numbers below are used.
    uint48 private constant NEXT = 80;

    function setUp() public override {
        super.setUp();
        bytes memory ops = "";
        for (uint256 i = 0; i < NEXT; i++) ops = bytes.concat(ops, Batch.finish(BANK, "round"));
        _apply(ops);
    }

    function test_noOp() external {
        _refuseAll(hex"00", false);
        _refuseAll(hex"09", false);
    }

    function test_noPlay() external {
        bytes memory op = _play(1, 0);
        _refuseCuts(op);
        _refuseAll(_with(op, 1, 0), true);
        _refuseAll(_with(op, 26, 0), true);
        _refuseAll(_with(op, 26, 2), true);
        _refuseAll(_with(op, 1, 2), true);
    }

    function test_noOpen() external {
        bytes memory op = _open(BANK, 1, 1);
        _refuseCuts(op);
        _refuseAll(_with(op, 18, 2), true);
        _refuseAll(_with(op, 19, 0), true);
        _refuseAll(_with(op, 19, 2), true);
        _refuseAll(_with(op, 44, 0), true);
        _refuseAll(_with(op, 44, 2), true);
        bytes memory head = abi.encodePacked(hex"02", SLOT, uint40(NOW + 1), bytes8("round"));
        bytes memory bets = new bytes(40 * 65);
        _refuseAll(abi.encodePacked(head, hex"0001", _player, BANK, uint8(65), bets), true);
    }

    function test_noSettle() external {
        bytes memory op = _settle(1, 1);
        _refuseCuts(op);
        // The preimage's `bonded` and count; how many outcomes; of the first, its bet and its code.
        _refuseAll(_with(op, 24, 2), true);
        _refuseAll(_with(op, 25, 0), true);
        _refuseAll(_with(op, 74, 0), true);
        _refuseAll(_with(op, 74, 2), true);
        _refuseAll(_with(op, 75, 1), true);
        _refuseAll(_with(op, 76, 4), true);
        _refuseAll(_with(_settle(64, 1), 25, 65), true);
        bytes memory preimage = Batch.preimage(0, _page(false), _bets(1, BANK, 1, 1));
        bytes memory outcomes = new bytes(18 * 65);
        _refuseAll(abi.encodePacked(hex"03", SLOT, preimage, uint8(65), outcomes), true);
    }

    function test_noOtherOp() external {
        _refuseCuts(Batch.credit(_player, BANK, 1, REF));
        _refuseCuts(Batch.finish(BANK, "round"));
        _refuseCuts(Batch.topUp(_player, 1, REF));
        _refuseCuts(Batch.release(_player, REF));
    }

    function test_noGroup() external {
        bytes memory credit = Batch.credit(_player, BANK, 1, REF);
        bytes memory op = _group(_player, credit);
        _refuseCuts(op);
        _refuseAll(_with(op, 21, 0), false);
        _refuseAll(_with(op, 21, 2), false);
        bytes memory nine = abi.encodePacked(hex"08", _player, hex"09");
        for (uint256 i = 0; i < 9; i++) nine = bytes.concat(nine, credit);
        _refuseAll(nine, false);
    }

    function test_whatAGroupDoesNotHold() external {
        _refuseAll(_group(_player, Batch.finish(BANK, "round")), false);
        _refuseAll(_group(_player, Batch.topUp(_player, 1, REF)), false);
        _refuseAll(_group(_player, Batch.release(_player, REF)), false);
        _refuseAll(_group(_player, _group(_player, Batch.credit(_player, BANK, 1, REF))), false);
        _refuseAll(_group(_player, Batch.play(_player, BANK, new Batch.Play[](2))), false);
        _refuseAll(_group(_player, Batch.open(_page(false), _bets(9, BANK, 1, 1))), false);
        _refuseAll(_group(_player, _settle(9, 9)), false);
        address other = _actors[OUTSIDER];
        _refuseAll(_group(other, Batch.credit(_player, BANK, 1, REF)), false);
        _refuseAll(_group(other, _play(1, 0)), false);
        _refuseAll(_group(other, _open(BANK, 1, 1)), false);
    }

    /// @dev What a page could not pay is no bet; it shows when the bet is applied.
    function test_aPayoutOfMoreThan96Bits() external {
        uint96 most = type(uint96).max;
        _refuseBytes(NEXT, _open(BANK, 1, most));
        _refuseBytes(NEXT, _open(BANK, most, most));
        _refuseBytes(NEXT, _group(_player, _open(BANK, 1, most)));
        bytes[] memory ops = new bytes[](2);
        (ops[0], ops[1]) = (_play(MAX_STAKE + 1, 0), _open(BANK, 1, most));
        _refuseBytes(NEXT, Batch.group(_player, ops));
        require(_codeOf(_open(BANK, 1, most - 1)) != 0, "refused alone");
    }

    // ------------------------------------------------------------------------------- helpers

    /// @dev Each beginning of an op but the whole.
    function _refuseCuts(bytes memory op) private {
        for (uint256 length = 1; length < op.length; length += length < 80 ? 1 : 40) {
            bytes memory cut = new bytes(length);
            for (uint256 i = 0; i < length; i++) cut[i] = op[i];
            _refuseBytes(NEXT, cut);
            _refuseBytes(0, cut);
        }
    }

    /// @param grouped Whether a group can hold an op of this kind.
    function _refuseAll(bytes memory ops, bool grouped) private {
        _refuseBytes(NEXT, ops);
        _refuseBytes(NEXT, bytes.concat(Batch.finish(BANK, "round"), ops));
        _refuseBytes(0, ops);
        if (grouped) _refuseBytes(NEXT, _group(_player, ops));
    }

    function _refuseBytes(uint48 first, bytes memory ops) private {
        _as(EXECUTOR);
        (bool success, bytes memory answer) = address(_book).call(_batchData(first, ops));
        require(!success, "not refused");
        require(bytes4(answer) == IBetBook.MalformedOps.selector, "refused for another reason");
    }

    /// @dev A SETTLE of so many outcomes of a page of so many bets. It need not be open.
    function _settle(uint256 bets, uint256 count) private view returns (bytes memory) {
        Batch.Outcome[] memory outcomes = new Batch.Outcome[](count);
        bytes memory preimage = Batch.preimage(0, _page(false), _bets(bets, BANK, 1, 1));
        return Batch.settle(SLOT, preimage, outcomes);
    }

    function _group(address player, bytes memory op) private pure returns (bytes memory) {
        bytes[] memory ops = new bytes[](1);
        ops[0] = op;
        return Batch.group(player, ops);
    }

    /// @dev The same with another byte at `place`.
    function _with(
        bytes memory op,
        uint256 place,
        uint8 value
    ) private pure returns (bytes memory) {
        bytes memory changed = bytes.concat(op);
        changed[place] = bytes1(value);
        return changed;
    }
}
