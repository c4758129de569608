// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Batch
/// @notice Writes the `ops` of `IBetBook.applyBatch`, for contracts that are operators of their own.
/// Each function returns one op; a batch is `bytes.concat` of ops in the order of their numbers. The
/// layout is the one of `contracts/encoding/`: fields of fixed width, big endian, packed.
///
/// Numbers: every item of a PLAY and every bet of an OPEN uses one, a group those of its ops, any
/// other op one. Money is in the token's smallest unit, time in seconds since the Unix epoch.
///
/// @dev What has a count is written into a buffer as large as the op, so that the work grows with the
/// count and not with its square.
library Batch {
    /// @notice A bet and its result, opened and settled at once.
    /// @param refBet What the caller knows the bet by.
    /// @param refWin What the caller knows the result by.
    struct Play {
        uint96 stake;
        uint96 payout;
        bytes16 refBet;
        bytes16 refWin;
    }

    /// @notice What all bets of a page share.
    /// @param slot Where BetBook keeps the page; free again when none of its bets is open.
    /// @param due Until then its bets may be settled, from then on anyone may expire them.
    /// @param round What the caller knows the round by.
    /// @param bonded Its bets cannot be voided, and pay their whole reserve when they expire.
    struct Page {
        uint32 slot;
        uint40 due;
        bytes8 round;
        bool bonded;
    }

    /// @notice A bet of a page.
    /// @param bank The bank that it is against.
    /// @param profit The most that the bank can lose on it: the largest payout is stake + profit.
    /// @param ref What the caller knows the bet by.
    struct Bet {
        address player;
        uint32 bank;
        uint96 stake;
        uint96 profit;
        bytes16 ref;
    }

    /// @notice How a bet of a page ends.
    /// @param offset Position of the bet in its page.
    /// @param code `LOST`, `FULL`, `VOID` or `EXPLICIT`.
    /// @param payout What the seat gets, the stake included. Only used with `EXPLICIT`.
    /// @param ref What the caller knows the outcome by.
    struct Outcome {
        uint8 offset;
        uint8 code;
        uint96 payout;
        bytes16 ref;
    }

    /// @notice A count is zero or above the most that the op can hold.
    error CountOutOfRange(uint256 count, uint256 most);
    /// @notice An outcome has a code above `EXPLICIT`.
    error OutcomeUnknown(uint8 code);

    uint8 private constant PLAY = 1;
    uint8 private constant OPEN = 2;
    uint8 private constant SETTLE = 3;
    uint8 private constant CREDIT = 4;
    uint8 private constant FINISH = 5;
    uint8 private constant TOP_UP = 6;
    uint8 private constant RELEASE = 7;
    uint8 private constant GROUP = 8;

    /// @notice Nothing is paid.
    uint8 internal constant LOST = 0;
    /// @notice The whole stake + profit is paid.
    uint8 internal constant FULL = 1;
    /// @notice The bet never counted; its stake comes back. Not for bonded pages.
    uint8 internal constant VOID = 2;
    /// @notice What the outcome says is paid, at most stake + profit.
    uint8 internal constant EXPLICIT = 3;

    /// @notice The most items of a PLAY.
    uint256 internal constant MAX_PLAYS = 255;
    /// @notice The most bets of a page, and outcomes of a SETTLE.
    uint256 internal constant MAX_BETS = 64;
    /// @notice The most ops of a group.
    uint256 internal constant MAX_GROUP = 8;

    uint256 private constant PLAY_BYTES = 56;
    uint256 private constant RUN_HEADER_BYTES = 25;
    uint256 private constant BET_BYTES = 40;
    uint256 private constant OUTCOME_BYTES = 18;
    uint256 private constant PAYOUT_BYTES = 12;
    uint256 private constant LEAF_BYTES = 48;

    // ---------------------------------------------------------------------------------- bets

    /// @notice PLAY: 1 to 255 bets of one player against one bank, each with its result.
    function play(
        address player,
        uint32 bank,
        Play[] memory items
    ) internal pure returns (bytes memory op) {
        _checkCount(items.length, MAX_PLAYS);
        bytes memory header = abi.encodePacked(PLAY, uint8(1), player, bank, uint8(items.length));
        uint256 cursor;
        (op, cursor) = _start(header, items.length * PLAY_BYTES);
        for (uint256 i = 0; i < items.length; i++) {
            Play memory item = items[i];
            cursor = _put(op, cursor, bytes12(item.stake), 12);
            cursor = _put(op, cursor, bytes12(item.payout), 12);
            cursor = _put(op, cursor, item.refBet, 16);
            cursor = _put(op, cursor, item.refWin, 16);
        }
    }

    /// @notice OPEN: a page of 1 to 64 bets. Adjacent bets of one player against one bank share a
    /// run, which is cheaper.
    function open(Page memory page, Bet[] memory bets) internal pure returns (bytes memory op) {
        _checkCount(bets.length, MAX_BETS);
        uint256 runs = _countRuns(bets);
        bytes memory header = abi.encodePacked(
            OPEN,
            page.slot,
            page.due,
            page.round,
            page.bonded,
            uint8(runs)
        );
        uint256 cursor;
        (op, cursor) = _start(header, runs * RUN_HEADER_BYTES + bets.length * BET_BYTES);
        uint256 runEnd = 0;
        for (uint256 i = 0; i < bets.length; i++) {
            Bet memory bet = bets[i];
            if (i == runEnd) {
                runEnd = _endOfRun(bets, i);
                cursor = _put(op, cursor, bytes20(bet.player), 20);
                cursor = _put(op, cursor, bytes4(bet.bank), 4);
                cursor = _put(op, cursor, bytes1(uint8(runEnd - i)), 1);
            }
            cursor = _put(op, cursor, bytes12(bet.stake), 12);
            cursor = _put(op, cursor, bytes12(bet.profit), 12);
            cursor = _put(op, cursor, bet.ref, 16);
        }
    }

    /// @notice SETTLE: ends 1 to 64 bets of a page.
    /// @param pagePreimage The page's, from `preimage`.
    function settle(
        uint32 slot,
        bytes memory pagePreimage,
        Outcome[] memory outcomes
    ) internal pure returns (bytes memory op) {
        _checkCount(outcomes.length, MAX_BETS);
        uint256 size = outcomes.length * OUTCOME_BYTES;
        for (uint256 i = 0; i < outcomes.length; i++) {
            if (outcomes[i].code > EXPLICIT) revert OutcomeUnknown(outcomes[i].code);
            if (outcomes[i].code == EXPLICIT) size += PAYOUT_BYTES;
        }
        bytes memory header = abi.encodePacked(SETTLE, slot, pagePreimage, uint8(outcomes.length));
        uint256 cursor;
        (op, cursor) = _start(header, size);
        for (uint256 i = 0; i < outcomes.length; i++) {
            Outcome memory outcome = outcomes[i];
            cursor = _put(op, cursor, bytes1(outcome.offset), 1);
            cursor = _put(op, cursor, bytes1(outcome.code), 1);
            if (outcome.code == EXPLICIT) cursor = _put(op, cursor, bytes12(outcome.payout), 12);
            cursor = _put(op, cursor, outcome.ref, 16);
        }
    }

    /// @notice The preimage of a page, which SETTLE and `IBetBook.expire` need. It never changes,
    /// whatever was refused or is settled already.
    /// @param firstSeq The number of the page's first bet.
    function preimage(
        uint48 firstSeq,
        Page memory page,
        Bet[] memory bets
    ) internal pure returns (bytes memory packed) {
        _checkCount(bets.length, MAX_BETS);
        bytes memory header = abi.encodePacked(
            firstSeq,
            page.due,
            page.round,
            page.bonded,
            uint8(bets.length)
        );
        uint256 cursor;
        (packed, cursor) = _start(header, bets.length * LEAF_BYTES);
        for (uint256 i = 0; i < bets.length; i++) {
            Bet memory bet = bets[i];
            cursor = _put(packed, cursor, bytes20(bet.player), 20);
            cursor = _put(packed, cursor, bytes4(bet.bank), 4);
            cursor = _put(packed, cursor, bytes12(bet.stake), 12);
            cursor = _put(packed, cursor, bytes12(bet.profit), 12);
        }
    }

    /// @notice CREDIT: a win without a bet.
    function credit(
        address player,
        uint32 bank,
        uint96 amount,
        bytes16 ref
    ) internal pure returns (bytes memory) {
        return abi.encodePacked(CREDIT, player, bank, amount, ref);
    }

    // ----------------------------------------------------------------------- rounds and seats

    /// @notice FINISH: the round is over.
    function finish(uint32 bank, bytes8 round) internal pure returns (bytes memory) {
        return abi.encodePacked(FINISH, bank, round);
    }

    /// @notice TOPUP: more money for a seat, out of the player's allowance and within the grant's
    /// top-up.
    function topUp(
        address player,
        uint96 amount,
        bytes16 ref
    ) internal pure returns (bytes memory) {
        return abi.encodePacked(TOP_UP, player, amount, ref);
    }

    /// @notice RELEASE: ends a seat.
    function release(address player, bytes16 ref) internal pure returns (bytes memory) {
        return abi.encodePacked(RELEASE, player, ref);
    }

    // --------------------------------------------------------------------------------- groups

    /// @notice GROUP: 1 to 8 ops of one player that land together or not at all.
    /// @param ops PLAY with one item, OPEN with at most 8 bets, SETTLE with at most 8 outcomes,
    /// CREDIT; all of this player. Anything else makes BetBook revert the whole batch.
    function group(address player, bytes[] memory ops) internal pure returns (bytes memory op) {
        _checkCount(ops.length, MAX_GROUP);
        op = abi.encodePacked(GROUP, player, uint8(ops.length));
        for (uint256 i = 0; i < ops.length; i++) op = bytes.concat(op, ops[i]);
    }

    // -------------------------------------------------------------------------------- private

    function _checkCount(uint256 count, uint256 most) private pure {
        if (count == 0 || count > most) revert CountOutOfRange(count, most);
    }

    function _countRuns(Bet[] memory bets) private pure returns (uint256 runs) {
        for (uint256 i = 0; i < bets.length; i = _endOfRun(bets, i)) runs++;
    }

    /// @dev One beyond the last bet that shares a run with the bet at `start`.
    function _endOfRun(Bet[] memory bets, uint256 start) private pure returns (uint256 end) {
        Bet memory first = bets[start];
        end = start + 1;
        while (
            end < bets.length &&
            bets[end].player == first.player &&
            bets[end].bank == first.bank
        ) end++;
    }

    /// @dev A buffer of the header and `size` bytes more; the next is to be written at `cursor`.
    function _start(
        bytes memory header,
        uint256 size
    ) private pure returns (bytes memory buffer, uint256 cursor) {
        return (bytes.concat(header, new bytes(size)), header.length);
    }

    /// @dev Writes the first `size` bytes of `field` at `cursor`, and says where the next is to be
    /// written. What stands behind them stays.
    function _put(
        bytes memory buffer,
        uint256 cursor,
        bytes32 field,
        uint256 size
    ) private pure returns (uint256 next) {
        next = cursor + size;
        assert(next <= buffer.length);
        assembly ("memory-safe") {
            let place := add(add(buffer, 32), cursor)
            let behind := shr(mul(8, size), not(0))
            mstore(place, or(and(field, not(behind)), and(mload(place), behind)))
        }
    }
}
