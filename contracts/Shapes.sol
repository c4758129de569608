// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Batch, Netting} from "./Netting.sol";

/// @notice The form of the ops: how long each is, how many numbers it takes, how much gas at most.
/// Everything is big endian and packed; `contracts/encoding/` has the same in TypeScript.
///
///     PLAY    1 | runs | runs × [player | bank u32 | n | n × (stake payout refBet refWin)]
///     OPEN    2 | slot u32 | due u40 | round | bonded | runs | runs × [player | bank u32 | n | n × (stake profit ref)]
///     SETTLE  3 | slot u32 | preimage | n | n × (offset | code | payout if the code is 3 | ref)
///     CREDIT  4 | player | bank u32 | amount | ref
///     FINISH  5 | bank u32 | round
///     TOPUP   6 | player | amount | ref
///     RELEASE 7 | player | ref
///     GROUP   8 | player | n | n × PLAY of one bet, OPEN, SETTLE or CREDIT
///
/// Counts, offsets, codes and `bonded` are one byte, players 20, amounts 12, refs 16, rounds 8.
abstract contract Shapes is Netting {
    uint256 internal constant OP_PLAY = 1;
    uint256 internal constant OP_OPEN = 2;
    uint256 internal constant OP_SETTLE = 3;
    uint256 internal constant OP_CREDIT = 4;
    uint256 internal constant OP_FINISH = 5;
    uint256 internal constant OP_TOPUP = 6;
    uint256 internal constant OP_RELEASE = 7;
    uint256 internal constant OP_GROUP = 8;

    /// @dev Outcome codes of a SETTLE.
    uint256 internal constant FULL = 1;
    uint256 internal constant VOID = 2;
    uint256 internal constant EXPLICIT = 3;

    uint256 internal constant RUN_BYTES = 25;
    uint256 internal constant PLAY_BYTES = 56;
    uint256 internal constant OPEN_BYTES = 19;
    uint256 internal constant BET_BYTES = 40;
    /// @dev The slot and the header of the preimage.
    uint256 internal constant SETTLE_BYTES = 25;
    uint256 internal constant OUTCOME_BYTES = 18;
    uint256 internal constant PAYOUT_BYTES = 12;
    uint256 internal constant CREDIT_BYTES = 52;
    uint256 internal constant FINISH_BYTES = 12;
    uint256 internal constant TOPUP_BYTES = 48;
    uint256 internal constant RELEASE_BYTES = 36;
    uint256 internal constant GROUP_BYTES = 21;

    /// @dev Tells the zero address as a group's player from no group.
    uint256 internal constant GROUPED = 1 << 160;
    uint256 private constant MAX_PAGE = 64;
    /// @dev Ops of a group, bets of its OPEN, outcomes of its SETTLE.
    uint256 private constant MAX_GROUP = 8;

    /// @notice The most gas that a PLAY item can use, and what the first item of a run adds.
    uint256 public constant PLAY_GAS = 7_000;
    uint256 public constant PLAY_RUN_GAS = 40_000;
    /// @notice The most gas that an OPEN can use, and that each run and each bet adds.
    uint256 public constant OPEN_GAS = 32_000;
    uint256 public constant OPEN_RUN_GAS = 32_000;
    uint256 public constant OPEN_BET_GAS = 6_000;
    /// @notice The most gas that a SETTLE can use, that each bet of its page and each outcome adds.
    uint256 public constant SETTLE_GAS = 16_000;
    uint256 public constant SETTLE_LEAF_GAS = 200;
    uint256 public constant SETTLE_BET_GAS = 28_000;
    /// @notice The most gas that one of them can use.
    uint256 public constant CREDIT_GAS = 45_000;
    uint256 public constant FINISH_GAS = 4_000;
    uint256 public constant TOPUP_GAS = 90_000;
    uint256 public constant RELEASE_GAS = 15_000;
    /// @notice The most gas that a group can use besides twice the sum of its ops' bounds: refusing it costs at
    /// most what applying it does.
    uint256 public constant GROUP_GAS = 40_000;
    /// @notice The most gas that is needed after the last unit.
    uint256 public constant FLUSH_GAS = 40_000;

    /// @dev The form of the op at `pos`, any but PLAY outside of a group.
    /// @param group `GROUPED` | the player whose the op must be; 0 outside of groups.
    /// @return after_ Where it ends.
    /// @return numbers How many numbers of the lane it takes.
    /// @return gasBound The most gas that it can use.
    function _shapeOf(
        Batch memory b,
        uint256 pos,
        uint256 group
    ) internal pure returns (uint256 after_, uint256 numbers, uint256 gasBound) {
        unchecked {
            uint256 op = _load(pos) >> 248;
            if (pos >= b.end) _malformed(b, pos);
            if (op == OP_OPEN) return _openShape(b, pos + 1, group);
            if (op == OP_SETTLE) return _settleShape(b, pos + 1, group);
            numbers = 1;
            if (op == OP_CREDIT) {
                after_ = pos + 1 + CREDIT_BYTES;
                gasBound = CREDIT_GAS;
                _checkPlayer(b, pos + 1, group);
            } else if (group != 0) {
                if (op != OP_PLAY) _malformed(b, pos);
                after_ = pos + 2 + RUN_BYTES + PLAY_BYTES;
                gasBound = PLAY_RUN_GAS + PLAY_GAS;
                uint256 head = _load(pos + 2);
                if (_byteAt(pos + 1) != 1 || (head >> 56) & 0xff != 1) _malformed(b, pos + 1);
                _checkPlayer(b, pos + 2, group);
            } else if (op == OP_FINISH) {
                (after_, gasBound) = (pos + 1 + FINISH_BYTES, FINISH_GAS);
            } else if (op == OP_TOPUP) {
                (after_, gasBound) = (pos + 1 + TOPUP_BYTES, TOPUP_GAS);
                _checkPlayer(b, pos + 1, group);
            } else if (op == OP_RELEASE) {
                (after_, gasBound) = (pos + 1 + RELEASE_BYTES, RELEASE_GAS);
                _checkPlayer(b, pos + 1, group);
            } else if (op == OP_GROUP) {
                return _groupShape(b, pos + 1);
            } else {
                _malformed(b, pos);
            }
            if (after_ > b.end) _malformed(b, pos);
        }
    }

    function _openShape(
        Batch memory b,
        uint256 pos,
        uint256 group
    ) private pure returns (uint256, uint256 bets, uint256) {
        unchecked {
            uint256 head = _load(pos);
            uint256 runs = (head >> 104) & 0xff;
            if ((head >> 112) & 0xff > 1 || runs == 0) _malformed(b, pos);
            uint256 gasBound = OPEN_GAS + runs * OPEN_RUN_GAS;
            pos += OPEN_BYTES;
            uint256 most = group == 0 ? MAX_PAGE : MAX_GROUP;
            uint256 laneBits = b.lane << 96;
            uint256 shardBits = b.shardMask << 96;
            uint256 faults = group;
            for (; runs != 0; --runs) {
                head = _load(pos);
                uint256 items = (head >> 56) & 0xff;
                bets += items;
                faults |= _above(1, items) | ((head ^ laneBits) & shardBits);
                if (faults != 0) _checkRun(b, pos, group);
                pos += RUN_BYTES + items * BET_BYTES;
            }
            if (bets > most) _malformed(b, pos);
            if (pos > b.end) _malformed(b, pos);
            return (pos, bets, gasBound + bets * OPEN_BET_GAS);
        }
    }

    /// @dev A run has bets and the right player.
    function _checkRun(Batch memory b, uint256 pos, uint256 group) private pure {
        if ((_load(pos) >> 56) & 0xff == 0) _malformed(b, pos);
        _checkPlayer(b, pos, group);
    }

    function _settleShape(
        Batch memory b,
        uint256 pos,
        uint256 group
    ) private pure returns (uint256, uint256, uint256 gasBound) {
        unchecked {
            gasBound = _settleBound(b, pos, group);
            uint256 count = (_load(pos) >> 56) & 0xff;
            pos += SETTLE_BYTES + count * LEAF_BYTES;
            uint256 outcomes = _byteAt(pos);
            ++pos;
            for (; outcomes != 0; --outcomes) {
                uint256 word = _load(pos);
                uint256 code = (word >> 240) & 0xff;
                if (word >> 248 >= count || code > EXPLICIT) _malformed(b, pos);
                pos += code == EXPLICIT ? OUTCOME_BYTES + PAYOUT_BYTES : OUTCOME_BYTES;
            }
            if (pos > b.end) _malformed(b, pos);
            return (pos, 1, gasBound);
        }
    }

    /// @dev The most gas of the SETTLE whose slot is at `pos`; checks all of its form but the outcomes.
    function _settleBound(
        Batch memory b,
        uint256 pos,
        uint256 group
    ) internal pure returns (uint256) {
        unchecked {
            uint256 head = _load(pos);
            uint256 count = (head >> 56) & 0xff;
            uint256 end = pos + SETTLE_BYTES + count * LEAF_BYTES;
            uint256 outcomes = _byteAt(end);
            uint256 fault = (head >> 65) & 0x7f;
            if (
                fault != 0 ||
                count - 1 >= MAX_PAGE ||
                outcomes - 1 >= (group == 0 ? MAX_PAGE : MAX_GROUP) ||
                end >= b.end
            ) _malformed(b, pos);
            return SETTLE_GAS + count * SETTLE_LEAF_GAS + outcomes * SETTLE_BET_GAS;
        }
    }

    function _groupShape(
        Batch memory b,
        uint256 pos
    ) private pure returns (uint256 after_, uint256 numbers, uint256 gasBound) {
        unchecked {
            uint256 head = _load(pos);
            uint256 group = GROUPED | (head >> 96);
            uint256 count = (head >> 88) & 0xff;
            after_ = pos + GROUP_BYTES;
            if (count == 0 || count > MAX_GROUP || after_ > b.end) _malformed(b, pos);
            _checkPlayer(b, pos, 0);
            for (; count != 0; --count) {
                (uint256 end, uint256 more, uint256 gas_) = _shapeOf(b, after_, group);
                after_ = end;
                numbers += more;
                gasBound += gas_;
            }
            gasBound = GROUP_GAS + 2 * gasBound;
        }
    }

    /// @dev The 20 bytes at `pos` must be a player of this lane, in a group the group's.
    function _checkPlayer(Batch memory b, uint256 pos, uint256 group) internal pure {
        uint256 player = _load(pos) >> 96;
        if (group != 0 && group != GROUPED | player) _malformed(b, pos);
        if ((player ^ b.lane) & b.shardMask != 0) {
            revert WrongShard(address(uint160(player)), uint48(b.lane));
        }
    }

    function _malformed(Batch memory b, uint256 pos) internal pure {
        revert MalformedOps(pos - b.start);
    }

    /// @dev 32 bytes of calldata; zeros behind its end. What is read is only used once the op's end was
    /// compared with that of `ops`.
    function _load(uint256 pos) internal pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := calldataload(pos)
        }
    }

    function _byteAt(uint256 pos) internal pure returns (uint256) {
        return _load(pos) >> 248;
    }
}
