// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IBetBook} from "../IBetBook.sol";

/// @title Game
/// @notice What every game contract needs that is an operator of its own: it registers itself, opens
/// its bank, and is the only one who ever numbers items of its lane. Players' money stays in their
/// seats, the house's in the bank, and both in BetBook: a game never holds a chip.
/// @dev Nobody can make another executor: the operator's admin is this contract, which has no function
/// for it. A bet's page has one bet, so that each player's own transaction opens it.
abstract contract Game {
    // -------------------------------------------------------------------------------- errors

    /// @notice Only the house may do this.
    error NotHouse(address caller);
    /// @notice The player has no seat here, or it has ended: take one with `BetBook.sit`.
    error NoSeat(address player);
    /// @notice The player's own grant allows less per bet.
    error AboveSeatLimit(uint96 stake, uint96 maxStake);
    /// @notice There is less in the player's seat.
    error SeatShort(uint96 stake, uint96 balance);
    /// @notice The bank does not take this bet: paused, halted, or above one of its limits.
    error BankRefused(uint32 bankNo);
    /// @notice BetBook did not apply all items; with more gas it does.
    error BatchIncomplete(uint48 next, uint48 expected);

    // --------------------------------------------------------------------------------- state

    IBetBook public immutable betBook;
    /// @notice Who runs the rounds.
    address public immutable house;
    /// @notice This game's number among BetBook's operators.
    uint32 public immutable operatorNo;
    /// @notice The bank that pays. Its admin, at first the house, funds it and sets its limits.
    uint32 public immutable bankNo;
    /// @notice The game's only lane: operatorNo u32 | shard u16, which is 0.
    uint48 public immutable lane;

    modifier onlyHouse() {
        if (msg.sender != house) revert NotHouse(msg.sender);
        _;
    }

    /// @param guardian May pause the bank and disable this game's executor, see IBetBook. Choose whom
    /// the house trusts: bets that cannot be settled any more pay their whole reserve.
    constructor(
        IBetBook betBook_,
        address house_,
        address guardian,
        IBetBook.Limits memory limits
    ) {
        address[] memory executors = new address[](1);
        executors[0] = address(this);
        betBook = betBook_;
        house = house_;
        operatorNo = betBook_.registerOperator(1, executors, guardian);
        bankNo = betBook_.openBank(address(this), house_, limits);
        lane = uint48(operatorNo) << 16;
    }

    /// @notice The house enables this game again that the guardian disabled. Counts after BetBook's
    /// notice period.
    function enable() external onlyHouse {
        betBook.setExecutor(address(this), address(this), true);
    }

    // --------------------------------------------------------------------------------- items

    /// @dev The number that the next item gets.
    function _nextSeq() internal view returns (uint48) {
        return betBook.lane(lane);
    }

    /// @dev The id that BetBook's events give to the bet with this number.
    function _betId(uint48 seq) internal view returns (uint128) {
        return (uint128(lane) << 80) | (uint128(bankNo) << 48) | seq;
    }

    /// @dev A bet's ref is its id, as 16 bytes: whoever reads events finds both halves of a bet by it.
    function _ref(uint48 seq) internal view returns (bytes16) {
        return bytes16(_betId(seq));
    }

    /// @dev Applies all of `ops`, which use `numbers` numbers, or reverts. There is no evidence: a
    /// player's transaction is the request.
    function _apply(uint48 first, uint48 numbers, bytes memory ops) internal {
        uint48 next = betBook.applyBatch(lane, first, 0, ops);
        if (next != first + numbers) revert BatchIncomplete(next, first + numbers);
    }

    /// @dev BetBook refuses a bet by an event, not by a revert, so that others in a batch go on. Here
    /// the batch is one player's, who should get a clear error instead and lose nothing but the gas.
    function _requireOpen(uint32 slot, address player, uint96 stake) internal view {
        if (betBook.isOpen(lane, slot, 0)) return;
        IBetBook.Seat memory seat = betBook.seat(player, address(this));
        if (block.timestamp >= seat.expiry) revert NoSeat(player);
        if (stake > seat.maxStake) revert AboveSeatLimit(stake, seat.maxStake);
        if (stake > seat.balance) revert SeatShort(stake, seat.balance);
        revert BankRefused(bankNo);
    }
}
