// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Batch} from "../Batch.sol";

/// @notice Lets a test call the `Batch` library. For tests only.
contract BatchWriter {
    function play(
        address player,
        uint32 bank,
        Batch.Play[] memory items
    ) external pure returns (bytes memory) {
        return Batch.play(player, bank, items);
    }

    function open(
        Batch.Page memory page,
        Batch.Bet[] memory bets
    ) external pure returns (bytes memory) {
        return Batch.open(page, bets);
    }

    function settle(
        uint32 slot,
        bytes memory pagePreimage,
        Batch.Outcome[] memory outcomes
    ) external pure returns (bytes memory) {
        return Batch.settle(slot, pagePreimage, outcomes);
    }

    function preimage(
        uint48 firstSeq,
        Batch.Page memory page,
        Batch.Bet[] memory bets
    ) external pure returns (bytes memory) {
        return Batch.preimage(firstSeq, page, bets);
    }

    function credit(
        address player,
        uint32 bank,
        uint96 amount,
        bytes16 ref
    ) external pure returns (bytes memory) {
        return Batch.credit(player, bank, amount, ref);
    }

    function finish(uint32 bank, bytes8 round) external pure returns (bytes memory) {
        return Batch.finish(bank, round);
    }

    function topUp(
        address player,
        uint96 amount,
        bytes16 ref
    ) external pure returns (bytes memory) {
        return Batch.topUp(player, amount, ref);
    }

    function release(address player, bytes16 ref) external pure returns (bytes memory) {
        return Batch.release(player, ref);
    }

    function group(address player, bytes[] memory ops) external pure returns (bytes memory) {
        return Batch.group(player, ops);
    }
}
