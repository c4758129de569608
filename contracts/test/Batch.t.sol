// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Batch} from "../Batch.sol";
import {BatchWriter} from "./BatchWriter.sol";
import {VM} from "./Vm.sol";

/// @notice The bytes that the library writes are those of the layout in `Shapes.sol`, and what no op
/// can hold is refused. That BetBook reads them as meant is shown by `unit/` and by the property
/// test in `contracts/encoding/`.
contract BatchTest {
    address private constant PLAYER = address(0xA11CE);
    bytes16 private constant REF = "ref";

    BatchWriter private immutable WRITER = new BatchWriter();

    function test_opsOfOnePlayer() public pure {
        Batch.Play[] memory items = new Batch.Play[](2);
        items[0] = Batch.Play(1, 2, REF, "win");
        items[1] = Batch.Play(3, 0, REF, "");
        bytes memory op = Batch.play(PLAYER, 5, items);
        bytes memory first = abi.encodePacked(uint96(1), uint96(2), REF, bytes16("win"));
        bytes memory second = abi.encodePacked(uint96(3), uint96(0), REF, bytes16(""));
        _require(op, abi.encodePacked(hex"0101", PLAYER, uint32(5), uint8(2), first, second));

        op = Batch.credit(PLAYER, 5, 7, REF);
        _require(op, abi.encodePacked(uint8(4), PLAYER, uint32(5), uint96(7), REF));
        _require(Batch.finish(5, "round"), abi.encodePacked(uint8(5), uint32(5), bytes8("round")));
        _require(Batch.topUp(PLAYER, 7, REF), abi.encodePacked(uint8(6), PLAYER, uint96(7), REF));
        _require(Batch.release(PLAYER, REF), abi.encodePacked(uint8(7), PLAYER, REF));
    }

    function test_adjacentBetsOfOnePlayerAndBankShareARun() public pure {
        Batch.Bet[] memory bets = new Batch.Bet[](4);
        for (uint96 i = 0; i < 4; i++) bets[i] = Batch.Bet(PLAYER, 5, 10 + i, 20 + i, REF);
        bets[2].bank = 6;
        bets[3].player = address(0xB0B);
        Batch.Page memory page = Batch.Page(7, 99, "round", true);
        bytes memory op = bytes.concat(
            abi.encodePacked(uint8(2), uint32(7), uint40(99), bytes8("round"), uint8(1), uint8(3)),
            abi.encodePacked(PLAYER, uint32(5), uint8(2), _bet(0), _bet(1)),
            abi.encodePacked(PLAYER, uint32(6), uint8(1), _bet(2)),
            abi.encodePacked(address(0xB0B), uint32(5), uint8(1), _bet(3))
        );
        _require(Batch.open(page, bets), op);
        bytes memory leaves = "";
        for (uint96 i = 0; i < 4; i++) {
            leaves = abi.encodePacked(leaves, bets[i].player, bets[i].bank, 10 + i, 20 + i);
        }
        bytes memory header = abi.encodePacked(uint48(3), uint40(99), bytes8("round"), uint8(1));
        _require(Batch.preimage(3, page, bets), abi.encodePacked(header, uint8(4), leaves));
    }

    function test_onlyAnExplicitOutcomeHasAPayout() public pure {
        Batch.Outcome[] memory outcomes = new Batch.Outcome[](2);
        outcomes[0] = Batch.Outcome(1, Batch.EXPLICIT, 9, REF);
        outcomes[1] = Batch.Outcome(0, Batch.VOID, 9, REF);
        _require(
            Batch.settle(7, hex"abcd", outcomes),
            abi.encodePacked(hex"0300000007abcd020103", uint96(9), REF, hex"0002", REF)
        );
    }

    function test_aGroupHoldsItsOps() public pure {
        bytes[] memory ops = new bytes[](2);
        (ops[0], ops[1]) = (hex"0a", hex"0b0c");
        _require(Batch.group(PLAYER, ops), abi.encodePacked(uint8(8), PLAYER, hex"020a0b0c"));
    }

    function test_countsAndCodesHaveLimits() public {
        Batch.Page memory page = Batch.Page(7, 99, "round", false);
        _refuseCount(0, 255);
        WRITER.play(PLAYER, 5, new Batch.Play[](0));
        _refuseCount(256, 255);
        WRITER.play(PLAYER, 5, new Batch.Play[](256));
        _refuseCount(0, 64);
        WRITER.open(page, new Batch.Bet[](0));
        _refuseCount(65, 64);
        WRITER.open(page, new Batch.Bet[](65));
        _refuseCount(65, 64);
        WRITER.preimage(0, page, new Batch.Bet[](65));
        _refuseCount(65, 64);
        WRITER.settle(7, "", new Batch.Outcome[](65));
        _refuseCount(9, 8);
        WRITER.group(PLAYER, new bytes[](9));
        Batch.Outcome[] memory outcomes = new Batch.Outcome[](1);
        outcomes[0].code = 4;
        VM.expectRevert(abi.encodeWithSelector(Batch.OutcomeUnknown.selector, 4));
        WRITER.settle(7, "", outcomes);
    }

    function _refuseCount(uint256 count, uint256 most) private {
        VM.expectRevert(abi.encodeWithSelector(Batch.CountOutOfRange.selector, count, most));
    }

    function _bet(uint96 i) private pure returns (bytes memory) {
        return abi.encodePacked(10 + i, 20 + i, REF);
    }

    function _require(bytes memory op, bytes memory expected) private pure {
        require(keccak256(op) == keccak256(expected), "bytes");
    }
}
