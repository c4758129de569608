// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IDesk} from "./IDesk.sol";

/// @title BetBook
/// @notice Bets of many operators on one Treasury. A player's money at risk is in a seat, the house's
/// in a bank; an operator's executors apply numbered items to lanes. All chips are this contract's
/// client balance in the Treasury.
///
/// Numbers: `lane` is operatorNo u32 | shard u16; `page` is lane u48 | slot u32; an event's `id` is
/// operatorNo u32 | shard u16 | bank u32 | seq u48 (the bank is 0 for a SETTLE). Money is in the
/// token's smallest unit, time in seconds since the Unix epoch.
interface IBetBook is IDesk {
    // -------------------------------------------------------------------------------- errors

    /// @notice The lane is not one of the operator's.
    error LaneUnknown(uint48 lane);
    /// @notice The first item comes after the one that is expected.
    error LaneGap(uint48 next);
    /// @notice Some numbers of a unit are used and some are not: these are not the lane's items.
    error UnitSplit(uint48 next);
    /// @notice Not enough gas for the first unit; nothing was done.
    /// @param needed Gas that must be left when the unit starts.
    error GasTooLow(uint256 needed);
    /// @notice The bytes at or near this offset of `ops` are not an op.
    error MalformedOps(uint256 offset);
    /// @notice The player's items belong to another lane of the operator.
    error WrongShard(address player, uint48 lane);

    // --------------------------------------------------------------- events outside of lanes

    /// @notice A winner was refused with `code`: no PLAY and no OPEN until the bank's admin resumes or the
    /// UTC day ends.
    event Halted(uint32 indexed bank, uint8 code, uint64 n);
    // ------------------------------------------------------------------------ events of lanes

    /// @notice A bet and its result: `stake` left the seat, `payout` came into it.
    event Played(
        uint128 indexed id,
        address indexed player,
        uint96 stake,
        uint96 payout,
        bytes16 refBet,
        bytes16 refWin
    );
    /// @notice A bet is open: `stake` left the seat, `maxPayout - stake` of the bankroll is reserved.
    event Opened(
        uint128 indexed id,
        address indexed player,
        uint96 stake,
        uint96 maxPayout,
        uint80 page,
        uint40 due,
        bytes8 round,
        bytes16 ref
    );
    /// @notice A bet was not opened.
    event OpenRejected(
        uint128 indexed id,
        address indexed player,
        uint96 stake,
        uint96 maxPayout,
        uint80 page,
        uint8 code,
        bytes16 ref
    );
    /// @notice An open bet ended; `payout` came into the seat. `id` is the bet's.
    event Settled(uint128 indexed id, address indexed player, uint96 payout, bytes16 ref);
    /// @notice An open bet never counted; its stake came back. `id` is the bet's.
    event Voided(uint128 indexed id, address indexed player, uint96 stake, bytes16 ref);
    /// @notice Ends the events of one SETTLE. Bits are offsets in the page: what this SETTLE closed,
    /// what is open in the slot afterwards.
    event Closed(uint128 indexed id, uint80 page, uint64 settledMask, uint64 leftMask);
    /// @notice A win without a bet came into the seat.
    event Credited(uint128 indexed id, address indexed player, uint96 amount, bytes16 ref);
    /// @notice `amount` moved from the player's free balance into the seat, within the grant's top-up.
    event ToppedUp(uint128 indexed id, address indexed player, uint96 amount, bytes16 ref);
    /// @notice The seat ended in lane order.
    event Released(uint128 indexed id, address indexed player, bytes16 ref);
    /// @notice The provider says that the round is over.
    event RoundFinalized(uint128 indexed id, bytes8 round);
    /// @notice Something was refused and used its number. Codes are in `Codes.sol`. Of a PLAY, `ref` is
    /// the bet's. In a SETTLE `id` is the bet's; where the page itself does not match, or the SETTLE is
    /// in a refused group, it is the SETTLE's, the player is zero, and there is one such event for each
    /// outcome.
    event Rejected(uint128 indexed id, address indexed player, uint8 code, bytes16 ref);
    /// @notice The numbers [first, next) of the lane were applied by one batch. `evidence` is the Merkle
    /// root over all that the batch carried.
    event BatchApplied(uint48 indexed lane, uint48 first, uint48 next, bytes32 evidence);

    // --------------------------------------------------------------------------------- lanes

    /// @notice Applies items to a lane, only by an executor of its operator. Numbers that are used
    /// already are skipped, so that any repetition and any split of the same items has one effect. Where
    /// the gas does not suffice for the next unit, it stops before it.
    /// @param first Number of the first item in `ops`.
    /// @param evidence Merkle root over what the provider sent, see BatchApplied.
    /// @param ops The items; `contracts/encoding/batch.ts` and `Batch.sol` write them.
    /// @return next The number that the lane expects next.
    function applyBatch(
        uint48 lane_,
        uint48 first,
        bytes32 evidence,
        bytes calldata ops
    ) external returns (uint48 next);

    // --------------------------------------------------------------------------------- views

    /// @notice An operator by its address; all zeros if it is none.
    function operator(address operator_) external view returns (Operator memory);

    /// @notice The number that a lane expects next.
    function lane(uint48 lane_) external view returns (uint48 next);

    /// @notice A player's seat.
    function seat(address player, address operator_) external view returns (Seat memory);

    /// @notice How much may still be topped up during the seat's present grant.
    function topUpLeft(address player, address operator_) external view returns (uint96);

    /// @notice A bank; all zeros where there is none.
    function bank(uint32 bankNo) external view returns (Bank memory);

    /// @notice A bank's limits that count now.
    function limits(uint32 bankNo) external view returns (Limits memory);

    /// @notice A bank's limits that were announced and count from `readyAt` on; all zeros if none are.
    function pendingLimits(
        uint32 bankNo
    ) external view returns (Limits memory announced, uint40 readyAt);

    /// @notice A slot: 0 never used, 1 free, else the upper 192 bits of the page's hash and the mask
    /// of its open bets.
    function page(uint48 lane_, uint32 slot) external view returns (uint256);

    /// @notice Whether the bet at this offset of the slot's page is open.
    function isOpen(uint48 lane_, uint32 slot, uint8 offset) external view returns (bool);

    /// @notice The hash of a page's preimage, of which a slot keeps the upper 192 bits.
    function hashPage(bytes calldata preimage) external pure returns (bytes32);

    /// @notice Chips held in the Treasury against what seats, bankrolls and stakes add up to.
    function solvency() external view returns (uint256 held, uint256 owed);

    /// @notice The parts of an event's id.
    function readId(
        uint128 id
    ) external pure returns (uint32 operatorNo, uint16 shard, uint32 bankNo, uint48 seq);
}
