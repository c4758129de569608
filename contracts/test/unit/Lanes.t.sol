// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Batch} from "../../Batch.sol";
import {IBetBook} from "../../IBetBook.sol";
import {IDesk} from "../../IDesk.sol";
import {Fixture} from "./Fixture.t.sol";

/// @notice Numbers, shards, and what happens where the gas does not suffice.
contract LanesTest is Fixture {
    function test_aLaneIsOneOfAnOperators() external {
        uint48[2] memory unknown = [LANE + 1, 2 << 16];
        for (uint256 i = 0; i < unknown.length; i++) {
            bytes memory data = abi.encodeCall(IBetBook.applyBatch, (unknown[i], 0, 0, ""));
            _refuse(EXECUTOR, data, _error(IBetBook.LaneUnknown.selector, unknown[i]));
        }
        _refuse(OUTSIDER, _batchData(0, ""), _notAllowed(OUTSIDER));
    }

    function test_onlyTheBookAppliesAGroup() external {
        bytes memory data = abi.encodeWithSignature(
            "applyGroup(uint48,uint48,uint256,bytes)",
            LANE,
            0,
            (1 << 160) | uint160(_player),
            Batch.credit(_player, BANK, 1, REF)
        );
        _refuse(EXECUTOR, data, _notAllowed(EXECUTOR));
        require(_chips() == BUY_IN, "seat");
    }

    function test_usedNumbersAreSkipped() external {
        bytes memory ops = bytes.concat(_play(10, 0), _play(20, 0));
        _refuse(EXECUTOR, _batchData(1, ops), _error(IBetBook.LaneGap.selector, 0));
        _apply(_play(10, 0));
        _as(EXECUTOR);
        require(_book.applyBatch(LANE, 0, 0, ops) == 2, "next");
        _as(EXECUTOR);
        require(_book.applyBatch(LANE, 0, 0, ops) == 2, "again");
        require(_chips() == BUY_IN - 30, "each once");
    }

    function test_aUnitIsSkippedWholeOrNotAtAll() external {
        _apply(_play(10, 0));
        bytes memory page = Batch.open(_page(false), _bets(2, BANK, 1, 1));
        _refuse(EXECUTOR, _batchData(0, page), _error(IBetBook.UnitSplit.selector, 1));
    }

    function test_aPlayerHasOneLane() external {
        address[] memory executors = new address[](1);
        executors[0] = _actors[EXECUTOR];
        _as(HOSTILE_OPERATOR);
        _book.registerOperator(2, executors, address(0));
        uint48 wrong = (2 << 16) | (uint48(uint160(_player)) & 1 ^ 1);
        bytes[5] memory batches = [
            _play(1, 0),
            _open(BANK, 1, 1),
            Batch.credit(_player, BANK, 1, REF),
            Batch.topUp(_player, 1, REF),
            Batch.release(_player, REF)
        ];
        bytes4 selector = IBetBook.WrongShard.selector;
        bytes memory expected = abi.encodeWithSelector(selector, _player, wrong);
        for (uint256 i = 0; i < batches.length; i++) {
            bytes memory data = abi.encodeCall(IBetBook.applyBatch, (wrong, 0, 0, batches[i]));
            _refuse(EXECUTOR, data, expected);
        }
    }

    function test_anIdTellsItsParts() external view {
        uint128 id = (uint128(LANE | 3) << 80) | (uint128(5) << 48) | 9;
        (uint32 operatorNo, uint16 shard, uint32 bankNo, uint48 seq) = _book.readId(id);
        require(operatorNo == 1 && shard == 3 && bankNo == 5 && seq == 9, "parts");
    }

    // ----------------------------------------------------------------------------------- gas

    function test_tooLittleGasForTheFirstUnitDoesNothing() external {
        _refuseForGas(Batch.finish(BANK, "round"), _constant("FINISH_GAS()"));
        _refuseForGas(_play(1, 0), _constant("PLAY_RUN_GAS()") + _constant("PLAY_GAS()"));
        require(_book.lane(LANE) == 0 && _chips() == BUY_IN, "nothing");
    }

    function test_aBatchStopsBeforeAUnit() external {
        bytes memory ops = "";
        for (uint256 i = 0; i < 255; i++) ops = bytes.concat(ops, Batch.finish(BANK, "round"));
        _applyInTwo(ops);
    }

    function test_aBatchStopsBeforeARun() external {
        bytes memory ops = abi.encodePacked(uint8(1), uint8(255));
        for (uint256 i = 0; i < 255; i++) ops = abi.encodePacked(ops, _run(1));
        _applyInTwo(ops);
        require(_chips() == BUY_IN - 255, "each once");
    }

    function test_aBatchStopsBetweenTheItemsOfARun() external {
        _applyInTwo(abi.encodePacked(hex"0101", _run(255)));
        require(_chips() == BUY_IN - 255, "each once");
    }

    /// @dev A run of so many bets of 1, all lost.
    function _run(uint8 items) private view returns (bytes memory run) {
        run = abi.encodePacked(_player, BANK, items);
        bytes memory item = abi.encodePacked(uint96(1), uint96(0), REF, REF);
        for (uint256 i = 0; i < items; i++) run = bytes.concat(run, item);
    }

    /// @dev Sends a batch of 255 numbers with gas for a part of it, then with plenty.
    function _applyInTwo(bytes memory ops) private {
        // In a lane and on a day that are new it costs more.
        _apply(Batch.finish(BANK, "round"));
        uint48 landed = this.applyWith(300_000, ops) - 1;
        require(landed > 0 && landed < 255, "a part");
        require(_book.lane(LANE) == landed + 1, "stopped behind it");
        _as(EXECUTOR);
        require(_book.applyBatch(LANE, 1, 0, ops) == 256, "the rest");
    }

    /// @notice One call deeper: under `--gas-stats` what a test calls itself is a transaction, which
    /// pays for its bytes.
    function applyWith(uint256 gasLimit, bytes calldata ops) external returns (uint48) {
        _as(EXECUTOR);
        return _book.applyBatch{gas: gasLimit}(LANE, 1, 0, ops);
    }

    function _refuseForGas(bytes memory ops, uint256 boundGas) private {
        uint256 needed = boundGas + _constant("FLUSH_GAS()");
        _as(EXECUTOR);
        (bool success, bytes memory answer) = address(_book).call{gas: needed}(_batchData(0, ops));
        bytes memory expected = _error(IBetBook.GasTooLow.selector, needed);
        require(!success && keccak256(answer) == keccak256(expected), "GasTooLow");
    }

    function _constant(string memory signature) private view returns (uint256) {
        (, bytes memory answer) = address(_book).staticcall(abi.encodeWithSignature(signature));
        return abi.decode(answer, (uint256));
    }
}
