// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Address} from "@openzeppelin/contracts/utils/Address.sol";

import {Codes} from "../Codes.sol";
import {Credit, Open, PageBet, Play, PlainOps, Run, Settle} from "./PlainOps.sol";
import {PlainPages} from "./PlainPages.sol";
import {PlainReader, Reader} from "./PlainReader.sol";

/// @notice GROUP: some ops of one player, all or nothing. The contract calls itself to apply them
/// one after the other; the first that is refused reverts that call, and with it all that the ops
/// before did. Then the refusal of each is emitted instead.
abstract contract PlainGroups is PlainPages {
    using PlainReader for Reader;

    uint8 private constant MAX_OPS = 8;
    uint8 private constant MAX_BETS = 8;
    uint8 private constant MAX_OUTCOMES = 8;

    /// @dev One op of a group: its `kind`, and the one field that belongs to it.
    struct GroupOp {
        uint8 kind;
        Play play;
        Open open;
        Settle settle;
        Credit credit;
    }

    struct Group {
        address player;
        GroupOp[] ops;
    }

    /// @dev An op of a group was refused. With `haltCode` not 0 it was a winner, and the bank is to
    /// halt.
    error GroupRefused(uint32 bankNo, uint8 haltCode);

    /// @dev Applies a group or reverts, only called by this contract itself.
    /// @param firstSeq Number of the group's first op.
    /// @param data The group's bytes after its op code.
    function applyGroup(uint48 lane_, uint48 firstSeq, bytes calldata data) external {
        if (msg.sender != address(this)) revert NotAllowed(msg.sender);
        Group memory group = _readGroup(Reader(0), data);
        uint48 seq = firstSeq;
        for (uint256 i = 0; i < group.ops.length; i++) {
            GroupOp memory op = group.ops[i];
            _applyGroupOp(lane_, seq, group.player, op);
            seq += _numbersOf(op);
        }
    }

    /// @param data The group's bytes after its op code.
    /// @param position Where in the batch they stand.
    function _group(
        uint48 lane_,
        uint48 firstSeq,
        Group memory group,
        bytes calldata data,
        uint256 position
    ) internal {
        for (uint256 i = 0; i < group.ops.length; i++) {
            GroupOp memory op = group.ops[i];
            if (op.kind == PlainOps.OPEN) PlainOps.checkAmounts(op.open, position);
        }
        try this.applyGroup(lane_, firstSeq, data) {} catch (bytes memory reason) {
            // Anything else is no refusal and must not pass for one.
            if (bytes4(reason) != GroupRefused.selector) Address.verifyCallResult(false, reason);
            bytes memory fields = new bytes(reason.length - 4);
            for (uint256 i = 0; i < fields.length; i++) fields[i] = reason[i + 4];
            (uint32 bankNo, uint8 haltCode) = abi.decode(fields, (uint32, uint8));
            _emitGroupRefused(lane_, firstSeq, group);
            if (haltCode != 0) _halt(bankNo, haltCode);
        }
    }

    function _applyGroupOp(
        uint48 lane_,
        uint48 seq,
        address player,
        GroupOp memory op
    ) private {
        bool refused = false;
        if (op.kind == PlainOps.PLAY) {
            uint8 code = _play(lane_, seq, op.play);
            if (_haltsBank(op.play, code)) revert GroupRefused(op.play.bankNo, code);
            refused = code != 0;
        } else if (op.kind == PlainOps.OPEN) {
            refused = _open(lane_, seq, op.open);
        } else if (op.kind == PlainOps.SETTLE) {
            refused = _touchesOthers(player, op.settle) || _settle(lane_, seq, op.settle);
        } else {
            refused = _credit(lane_, seq, op.credit) != 0;
        }
        if (refused) revert GroupRefused(0, 0);
    }

    function _touchesOthers(address player, Settle memory settle) private pure returns (bool) {
        for (uint256 i = 0; i < settle.outcomes.length; i++) {
            PageBet memory bet = settle.page.bets[settle.outcomes[i].offset];
            if (bet.player != player) return true;
        }
        return false;
    }

    function _emitGroupRefused(uint48 lane_, uint48 firstSeq, Group memory group) private {
        uint8 code = Codes.GROUP_REFUSED;
        uint48 seq = firstSeq;
        for (uint256 i = 0; i < group.ops.length; i++) {
            GroupOp memory op = group.ops[i];
            if (op.kind == PlainOps.PLAY) {
                uint128 id = _id(lane_, op.play.bankNo, seq);
                emit Rejected(id, group.player, code, op.play.refBet);
            } else if (op.kind == PlainOps.OPEN) {
                for (uint8 k = 0; k < op.open.bets.length; k++) {
                    _emitOpenRejected(lane_, seq + k, op.open.slot, op.open.bets[k], code);
                }
            } else if (op.kind == PlainOps.SETTLE) {
                _rejectSettle(lane_, seq, op.settle, code);
            } else {
                uint128 id = _id(lane_, op.credit.bankNo, seq);
                emit Rejected(id, group.player, code, op.credit.ref);
            }
            seq += _numbersOf(op);
        }
    }

    // -------------------------------------------------------------------------------- reading

    function _readGroup(
        Reader memory reader,
        bytes calldata data
    ) internal pure returns (Group memory group) {
        group.player = reader.readAddress(data);
        group.ops = new GroupOp[](reader.readCount(data, MAX_OPS));
        for (uint256 i = 0; i < group.ops.length; i++) {
            group.ops[i] = _readGroupOp(reader, data, group.player);
        }
    }

    /// @dev A player of a header who is not the group's is malformed, whatever their shard.
    function _readGroupOp(
        Reader memory reader,
        bytes calldata data,
        address player
    ) private pure returns (GroupOp memory op) {
        uint256 position = reader.position;
        bool valid = true;
        op.kind = reader.readU8(data);
        if (op.kind == PlainOps.PLAY) {
            uint8 runs = reader.readU8(data);
            if (runs != 1) revert MalformedOps(position);
            Run memory run = PlainOps.readRun(reader, data);
            op.play = PlainOps.readPlay(reader, data, run);
            valid = run.items == 1 && run.player == player;
        } else if (op.kind == PlainOps.OPEN) {
            op.open = PlainOps.readOpen(reader, data, MAX_BETS);
            for (uint256 i = 0; i < op.open.bets.length; i++) {
                valid = valid && op.open.bets[i].player == player;
            }
        } else if (op.kind == PlainOps.SETTLE) {
            op.settle = PlainOps.readSettle(reader, data);
            valid = op.settle.outcomes.length <= MAX_OUTCOMES;
        } else if (op.kind == PlainOps.CREDIT) {
            op.credit = PlainOps.readCredit(reader, data);
            valid = op.credit.player == player;
        } else {
            valid = false;
        }
        if (!valid) revert MalformedOps(position);
    }

    function _numbersOf(Group memory group) internal pure returns (uint48 numbers) {
        for (uint256 i = 0; i < group.ops.length; i++) numbers += _numbersOf(group.ops[i]);
    }

    function _numbersOf(GroupOp memory op) internal pure returns (uint48) {
        return op.kind == PlainOps.OPEN ? uint48(op.open.bets.length) : 1;
    }
}
