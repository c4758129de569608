// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Shadow} from "./Shadow.t.sol";

/// @notice Random batches: valid ones, ones that must be refused for each reason, groups of both.
abstract contract Batches is Shadow {
    uint32 internal constant SLOTS = 6;
    uint256 private constant ROOM_BYTES = 65_536;

    /// @dev A batch as built: which numbers it takes, and where its ops end.
    struct Plan {
        uint48 lane;
        uint48 first;
        uint48 end;
        bytes ops;
        /// Offsets in `ops` after each op at the top.
        uint256[] cuts;
        /// The numbers [from, to) of its groups, in pairs.
        uint48[] groups;
        bool mutated;
    }

    struct Writer {
        bytes room;
        uint256 length;
        uint48 lane;
        uint48 number;
    }

    // --------------------------------------------------------------------------------- batch

    /// @dev `first` is what the first unit gets, whatever the lane expects.
    function _buildBatch(uint48 lane_, uint48 first) internal returns (Plan memory plan) {
        delete _pending;
        Writer memory w = Writer(new bytes(ROOM_BYTES), 0, lane_, first);
        uint256 ops = _once(16) ? _between(5, 12) : _between(1, 4);
        plan.lane = lane_;
        plan.first = first;
        plan.cuts = new uint256[](ops);
        plan.groups = new uint48[](2 * ops);
        uint256 groups = 0;
        for (uint256 i = 0; i < ops; i++) {
            uint48 from = w.number;
            uint256 kind = _below(20);
            if (w.length > ROOM_BYTES / 2) _putFinish(w);
            else if (kind < 5) _putPlay(w, address(0));
            else if (kind < 9) _putOpen(w, address(0));
            else if (kind < 13) _putSettle(w, address(0));
            else if (kind == 13) _putCredit(w, address(0));
            else if (kind == 14) _putFinish(w);
            else if (kind == 15) _putTopUp(w);
            else if (kind == 16) _putRelease(w);
            else {
                _putGroup(w);
                plan.groups[groups++] = from;
                plan.groups[groups++] = w.number;
            }
            plan.cuts[i] = w.length;
        }
        plan.end = w.number;
        plan.ops = _taken(w);
        uint48[] memory all = plan.groups;
        assembly ("memory-safe") {
            mstore(all, groups)
        }
    }

    /// @dev Changes, cuts off or adds bytes.
    function _mutate(Plan memory plan) internal {
        plan.mutated = true;
        plan.groups = new uint48[](0);
        bytes memory ops = plan.ops;
        uint256 way = _below(4);
        if (way == 0) {
            uint256 length = _below(ops.length);
            assembly ("memory-safe") {
                mstore(ops, length)
            }
        } else if (way == 1) {
            plan.ops = bytes.concat(ops, abi.encodePacked(_random()));
        } else {
            uint256 changes = _between(1, 3);
            for (uint256 i = 0; i < changes; i++) {
                // The bytes at the front are ops, counts and headers.
                uint256 reach = _once(2) || ops.length < 48 ? ops.length : 48;
                ops[_below(reach)] = bytes1(uint8(_once(2) ? _below(10) : _random()));
            }
        }
    }

    function _prefix(bytes memory ops, uint256 length) internal pure returns (bytes memory part) {
        part = new bytes(length);
        for (uint256 i = 0; i < length; i += 32) {
            assembly ("memory-safe") {
                // The last word may reach into the padding, which the caller never reads.
                mstore(add(add(part, 32), i), mload(add(add(ops, 32), i)))
            }
        }
    }

    // ------------------------------------------------------------------------------------ ops

    /// @dev Of one run and item if it is for the group of `only`.
    function _putPlay(Writer memory w, address only) private {
        uint256 runs = only != address(0) ? 1 : _once(3) ? _between(2, 3) : 1;
        _put(w, 1, 1);
        _put(w, runs, 1);
        for (uint256 i = 0; i < runs; i++) {
            address player = only != address(0) ? only : _pickPlayer(w.lane);
            uint32 bankNo = _pickBank(w.lane);
            uint256 items = only != address(0) ? 1 : _once(2) ? _between(2, 4) : 1;
            _put(w, uint160(player), 20);
            _put(w, bankNo, 4);
            _put(w, items, 1);
            for (uint256 k = 0; k < items; k++) {
                uint96 stake = _pickStake(w.lane, player);
                _put(w, stake, 12);
                _put(w, _pickPayout(stake, bankNo), 12);
                _put(w, _random() >> 128, 16);
                _put(w, _random() >> 128, 16);
            }
            w.number += uint48(items);
        }
    }

    function _putOpen(Writer memory w, address only) private {
        uint80 pageId = (uint80(w.lane) << 32) | _pickSlot(w.lane, false);
        uint40 due = uint40(block.timestamp + _between(1, 50 hours));
        if (_once(16)) due = uint40(block.timestamp - _below(3));
        if (_once(16)) due = uint40(_random());
        bool bonded = _once(3);
        uint64 round = uint64(_random());
        uint256 runs = _once(3) ? _between(2, 3) : 1;
        uint256 most = only == address(0) && _once(40) ? 64 / runs : 8 / runs;
        Writer memory leaves = Writer(new bytes(65 * 48), 0, 0, 0);
        _put(w, 2, 1);
        _put(w, uint32(pageId), 4);
        _put(w, due, 5);
        _put(w, round, 8);
        _put(w, bonded ? 1 : 0, 1);
        _put(w, runs, 1);
        uint256 count = 0;
        for (uint256 i = 0; i < runs; i++) {
            uint256 items = _once(2) ? _between(1, most) : 1;
            count += items;
            _putOpenRun(w, leaves, only, items);
        }
        bytes memory preimage = bytes.concat(
            abi.encodePacked(w.number, due, round, uint8(bonded ? 1 : 0), uint8(count)),
            _taken(leaves)
        );
        _pending.push(Pending(pageId, w.number, bonded, due, count, preimage));
        w.number += uint48(count);
    }

    function _putOpenRun(
        Writer memory w,
        Writer memory leaves,
        address only,
        uint256 items
    ) private {
        address player = only != address(0) ? only : _pickPlayer(w.lane);
        uint32 bankNo = _pickBank(w.lane);
        _put(w, uint160(player), 20);
        _put(w, bankNo, 4);
        _put(w, items, 1);
        for (uint256 k = 0; k < items; k++) {
            uint96 stake = _pickStake(w.lane, player);
            uint96 payout = _pickPayout(stake, bankNo);
            uint96 profit = payout > stake ? payout - stake : 0;
            // Once in a while a sum above 96 bits.
            if (_once(400)) profit = type(uint96).max;
            _put(w, stake, 12);
            _put(w, profit, 12);
            _put(w, _random() >> 128, 16);
            _put(leaves, uint160(player), 20);
            _put(leaves, bankNo, 4);
            _put(leaves, stake, 12);
            _put(leaves, profit, 12);
        }
    }

    function _putSettle(Writer memory w, address only) private {
        uint32 slot = _pickSlot(w.lane, true);
        bytes memory preimage = _pages[(uint80(w.lane) << 32) | slot].preimage;
        for (uint32 i = 0; only != address(0) && i < SLOTS && !_once(8); i++) {
            bytes memory other = _pages[(uint80(w.lane) << 32) | i].preimage;
            if (other.length == 0 || _leafPlayer(other, 0) != only) continue;
            (slot, preimage) = (i, other);
            break;
        }
        // A page of this very batch.
        if (_pending.length != 0 && (preimage.length == 0 || _once(4))) {
            Pending storage p = _pending[_below(_pending.length)];
            slot = uint32(p.page);
            preimage = p.preimage;
        }
        bool open = _pages[(uint80(w.lane) << 32) | slot].mask != 0 || _pending.length != 0;
        if (preimage.length == 0 || (!open && !_once(6))) return _putPlay(w, only);
        if (_once(24)) slot = uint32(_below(SLOTS));
        if (_once(24)) preimage[_between(6, 18)] ^= 0x01;
        uint256 count = uint8(preimage[20]);
        uint256 outcomes = _between(1, count > 8 && (only != address(0) || !_once(4)) ? 8 : count);
        uint64 mask = _pages[(uint80(w.lane) << 32) | slot].mask;
        uint256 offset = _below(count);
        _put(w, 3, 1);
        _put(w, slot, 4);
        _putBytes(w, preimage);
        _put(w, outcomes, 1);
        for (uint256 i = 0; i < outcomes; i++) {
            // The next that is open, mostly.
            for (uint256 k = 0; k < count && !_once(24); k++) {
                offset = (offset + 1) % count;
                if (mask == 0 || (mask >> offset) & 1 == 1) break;
            }
            uint256 code = _below(8);
            code = code < 3 ? 0 : code < 5 ? 1 : code < 6 ? 2 : 3;
            _put(w, offset, 1);
            _put(w, code, 1);
            if (code == 3) _put(w, _pickOutcome(preimage, offset), 12);
            _put(w, _random() >> 128, 16);
        }
        w.number++;
    }

    function _leafPlayer(
        bytes memory preimage,
        uint256 offset
    ) private pure returns (address player) {
        assembly ("memory-safe") {
            player := shr(96, mload(add(add(preimage, 53), mul(offset, 48))))
        }
    }

    /// @dev At most the reserve, mostly.
    function _pickOutcome(bytes memory preimage, uint256 offset) private returns (uint96) {
        uint256 leaf;
        assembly ("memory-safe") {
            leaf := mload(add(add(preimage, 32), add(45, mul(offset, 48))))
        }
        uint256 most = (leaf >> 160) + uint96(leaf >> 64);
        if (most > type(uint96).max) most = type(uint96).max - 1;
        return uint96(_once(12) ? most + 1 : _between(0, most));
    }

    function _putCredit(Writer memory w, address only) private {
        uint32 bankNo = _pickBank(w.lane);
        uint256 amount = _once(6) ? _between(0, 60_000) : _between(0, 300);
        _put(w, 4, 1);
        _put(w, uint160(only != address(0) ? only : _pickPlayer(w.lane)), 20);
        _put(w, bankNo, 4);
        _put(w, _once(20) ? uint96(_random()) : amount, 12);
        _put(w, _random() >> 128, 16);
        w.number++;
    }

    function _putFinish(Writer memory w) private {
        _put(w, 5, 1);
        _put(w, _pickBank(w.lane), 4);
        _put(w, uint64(_random()), 8);
        w.number++;
    }

    function _putTopUp(Writer memory w) private {
        _put(w, 6, 1);
        _put(w, uint160(_pickPlayer(w.lane)), 20);
        _put(w, _once(12) ? 0 : _between(1, 1500), 12);
        _put(w, _random() >> 128, 16);
        w.number++;
    }

    function _putRelease(Writer memory w) private {
        // Not too often, or few seats are live.
        if (!_once(4)) return _putFinish(w);
        _put(w, 7, 1);
        _put(w, uint160(_pickPlayer(w.lane)), 20);
        _put(w, _random() >> 128, 16);
        w.number++;
    }

    function _putGroup(Writer memory w) private {
        address player = _pickPlayer(w.lane);
        uint256 ops = _once(4) ? _between(3, 8) : _between(1, 3);
        _put(w, 8, 1);
        _put(w, uint160(player), 20);
        uint256 countAt = w.length;
        _put(w, ops, 1);
        for (uint256 i = 0; i < ops; i++) {
            uint256 kind = _below(8);
            if (kind < 3) _putPlay(w, player);
            else if (kind < 5) _putOpen(w, player);
            else if (kind < 7 && _hasPage(w.lane)) _putSettle(w, player);
            else _putCredit(w, player);
        }
        assert(uint8(w.room[countAt]) == ops);
    }

    // ---------------------------------------------------------------------------------- picks

    /// @dev Mostly a player of the lane; once in a while one of another lane, or one without a
    /// seat.
    function _pickPlayer(uint48 lane_) internal returns (address player) {
        uint16 mask = _operators[uint32(lane_ >> 16)].shards - 1;
        if (_once(40) && uint16(uint160(_actors[OUTSIDER])) & mask == uint16(lane_)) {
            return _actors[OUTSIDER];
        }
        uint256 place = _below(PLAYERS);
        player = _actors[PLAYER + place];
        if (_once(400)) return player;
        for (uint256 i = 0; i < PLAYERS; i++) {
            player = _actors[PLAYER + ((place + i) % PLAYERS)];
            if (uint16(uint160(player)) & mask == uint16(lane_)) break;
        }
    }

    function _pickBank(uint48 lane_) internal returns (uint32 bankNo) {
        if (_once(32)) return uint32(_once(2) ? _below(_banks.length) : _random());
        bankNo = uint32(_between(1, _banks.length - 1));
        for (uint256 i = 0; i < _banks.length; i++) {
            if (_banks[bankNo].operatorNo == uint32(lane_ >> 16)) break;
            bankNo = bankNo + 1 < _banks.length ? bankNo + 1 : 1;
        }
    }

    function _pickSlot(uint48 lane_, bool used) private returns (uint32 slot) {
        slot = uint32(_below(SLOTS));
        if (_once(12)) return slot;
        for (uint256 i = 0; i < SLOTS; i++) {
            PageModel storage p = _pages[(uint80(lane_) << 32) | slot];
            if (used ? p.mask != 0 && p.known : p.mask == 0) return slot;
            slot = (slot + 1) % SLOTS;
        }
    }

    function _hasPage(uint48 lane_) private view returns (bool) {
        if (_pending.length != 0) return true;
        for (uint32 slot = 0; slot < SLOTS; slot++) {
            PageModel storage p = _pages[(uint80(lane_) << 32) | slot];
            if (p.mask != 0 && p.known) return true;
        }
        return false;
    }

    function _pickStake(uint48 lane_, address player) private returns (uint96) {
        SeatModel storage s = _seats[uint32(lane_ >> 16)][player];
        uint256 kind = _below(40);
        if (kind == 0) return 0;
        if (kind == 1) return s.maxStake + 1;
        if (kind == 2) return s.balance + 1;
        if (kind == 3) return s.maxStake;
        if (kind == 4 && _once(8)) return uint96(_random());
        return uint96(_between(1, s.maxStake < 10 ? 10 : s.maxStake / 2));
    }

    function _pickPayout(uint96 stake, uint32 bankNo) private returns (uint96) {
        uint256 kind = _below(40);
        if (kind < 16) return 0;
        if (kind < 36) return uint96(_between(0, uint256(stake % (1 << 40)) * 3));
        if (bankNo < _banks.length) {
            uint96 most = _limitsOf(_banks[bankNo]).maxPayout;
            if (kind == 36 && most < type(uint96).max) return most + (_once(6) ? 1 : 0);
            if (kind == 37 && most > stake) return uint96(_between(stake, most));
            BankModel storage b = _banks[bankNo];
            if (kind == 38 && _once(3)) {
                return uint96((uint256(stake) + b.bankroll - b.reserved) % (1 << 96));
            }
        }
        return _once(8) ? uint96(_random()) : stake;
    }

    // -------------------------------------------------------------------------------- writing

    function _put(Writer memory w, uint256 value, uint256 size) private pure {
        bytes memory room = w.room;
        uint256 place = w.length;
        if (place + 32 > room.length) revert("batch too long");
        assembly ("memory-safe") {
            mstore(add(add(room, 32), place), shl(sub(256, mul(8, size)), value))
        }
        w.length = place + size;
    }

    function _putBytes(Writer memory w, bytes memory value) private pure {
        bytes memory room = w.room;
        uint256 place = w.length;
        if (place + value.length + 32 > room.length) revert("batch too long");
        for (uint256 i = 0; i < value.length; i += 32) {
            assembly ("memory-safe") {
                mstore(add(add(room, 32), add(place, i)), mload(add(add(value, 32), i)))
            }
        }
        w.length = place + value.length;
    }

    /// @dev What was written; the room itself, cut to its length.
    function _taken(Writer memory w) private pure returns (bytes memory written) {
        written = w.room;
        uint256 length = w.length;
        assembly ("memory-safe") {
            mstore(written, length)
        }
    }
}
