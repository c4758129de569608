// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IEventCounter} from "./EventCounter.sol";
import {ITreasury} from "./ITreasury.sol";

/// @title BetBook
/// @notice Bets of many operators on one Treasury. A player's money at risk is in a seat, the house's
/// in a bank; an operator's executors apply numbered items to lanes. All chips are this contract's
/// client balance in the Treasury.
///
/// Numbers: `lane` is operatorNo u32 | shard u16; `page` is lane u48 | slot u32; an event's `id` is
/// operatorNo u32 | shard u16 | bank u32 | seq u48 (the bank is 0 for a SETTLE). Money is in the
/// token's smallest unit, time in seconds since the Unix epoch.
interface IBetBook is IEventCounter {
    /// @notice A player's seat with one operator. It has ended once `block.timestamp >= expiry`.
    /// @param balance What the player has at risk.
    /// @param maxStake The most per bet.
    /// @param grantNo How many grants the player gave this operator; 0: there is no seat.
    struct Seat {
        uint96 balance;
        uint96 maxStake;
        uint32 expiry;
        uint32 grantNo;
    }

    /// @notice What a player signs once.
    /// @param operator The operator's address.
    /// @param buyIn Moves from the Treasury into the seat now.
    /// @param topUp The most that may follow during this grant.
    /// @param maxStake The most per bet.
    /// @param expiry The seat ends then, at most 30 days from now.
    /// @param grantNo One more than the seat's.
    struct Grant {
        address operator;
        uint96 buyIn;
        uint96 topUp;
        uint96 maxStake;
        uint32 expiry;
        uint32 grantNo;
    }

    /// @notice Until when the allowance of a signed grant holds, its nonce in the Treasury, and until
    /// when the signature may be used.
    struct Allowing {
        uint40 expiry;
        uint48 nonce;
        uint40 deadline;
    }

    /// @notice A bank: `bankroll` is the house's money, `reserved` of it is the most that open bets
    /// can win; `locked` are the stakes of open bets.
    struct Bank {
        uint32 operatorNo;
        address admin;
        uint96 bankroll;
        uint96 reserved;
        uint96 locked;
    }

    /// @notice Limits of a bank.
    /// @param maxPayout The most that one bet may pay, its stake included.
    /// @param maxHorizon A page must be due at most that many seconds after it is opened.
    struct Limits {
        uint96 maxPayout;
        uint32 maxHorizon;
    }

    /// @notice An operator: its number, the number of its lanes, who may do what.
    struct Operator {
        uint32 operatorNo;
        uint16 shards;
        address admin;
        address guardian;
    }

    // -------------------------------------------------------------------------------- errors

    /// @notice The treasury has no code.
    error TreasuryWithoutCode(address treasury);
    /// @notice The notice period must be between 1 second and 7 days.
    error NoticeOutOfRange(uint256 noticeS);
    /// @notice The caller does not have the role that this needs.
    error NotAllowed(address caller);
    /// @notice This address is an operator already.
    error OperatorExists(address operator);
    /// @notice This address is no operator.
    error OperatorUnknown(address operator);
    /// @notice Shards must be a power of two, 1 to 32,768.
    error ShardsInvalid(uint256 shards);
    /// @notice An operator registers with at most 64 executors.
    error TooManyExecutors(uint256 count);
    /// @notice No bank has this number.
    error BankUnknown(uint32 bank);
    /// @notice An address or an amount of zero where it means nothing.
    error ZeroValue();
    /// @notice The player's seat has not ended; its grant is still in use.
    error SeatLive(uint32 expiry);
    /// @notice There is no seat, or it has ended already.
    error SeatNotLive(uint32 expiry);
    /// @notice There is nothing in the seat.
    error SeatEmpty();
    /// @notice The grant's number is not the one that follows the seat's.
    error GrantNoMismatch(uint32 grantNo, uint32 expected);
    /// @notice The grant must end after now and within 30 days.
    error ExpiryOutOfRange(uint32 expiry);
    /// @notice Buy-in and top-up together do not fit in 96 bits.
    error GrantTooLarge(uint256 amount);
    /// @notice The signature is not the player's over exactly these values, on this chain and contract.
    error SignatureInvalid(address player);
    /// @notice The signature came too late.
    error DeadlinePassed(uint256 deadline);
    /// @notice The lane is not one of the operator's.
    error LaneUnknown(uint48 lane);
    /// @notice The first item comes after the one that is expected.
    error LaneGap(uint48 next);
    /// @notice Some numbers of a page are used and some are not: these are not the lane's items.
    error UnitSplit(uint48 next);
    /// @notice Not enough gas for the first unit; nothing was done.
    /// @param needed Gas that must be left when the unit starts.
    error GasTooLow(uint256 needed);
    /// @notice The bytes at this offset are not an op.
    error MalformedOps(uint256 offset);
    /// @notice The player's items belong to another lane of the operator.
    error WrongShard(address player, uint48 lane);

    // --------------------------------------------------------------- events outside of lanes

    event OperatorRegistered(
        address indexed operator,
        uint32 operatorNo,
        uint16 shards,
        uint64 n
    );
    event AdminSet(address indexed operator, address indexed admin, uint64 n);
    event GuardianSet(address indexed operator, address indexed guardian, uint64 n);
    /// @notice The executor may apply batches from `readyAt` on.
    event ExecutorSet(address indexed operator, address indexed executor, uint40 readyAt, uint64 n);

    /// @notice A grant came into effect: `amount` was added to the seat, the rest replaced.
    event SeatFunded(
        address indexed player,
        address indexed operator,
        uint96 amount,
        uint96 maxStake,
        uint32 expiry,
        uint32 grantNo,
        bytes32 grantHash,
        uint64 n
    );
    /// @notice The player leaves: the seat ends at `endsAt`.
    event SeatEnding(address indexed player, address indexed operator, uint32 endsAt, uint64 n);
    /// @notice All that was in the ended seat went to the player's free balance in the Treasury.
    event SeatSwept(address indexed player, address indexed operator, uint96 amount, uint64 n);

    event BankOpened(uint32 indexed bank, address indexed operator, address indexed admin, uint64 n);
    event LimitsSet(
        uint32 indexed bank,
        uint96 maxPayout,
        uint32 maxHorizon,
        uint40 readyAt,
        uint64 n
    );
    /// @notice `amount` was added to the bankroll.
    event BankFunded(uint32 indexed bank, uint96 amount, uint64 n);

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
    /// @notice Something was refused and used its number. Codes are in `Codes.sol`. Of a PLAY, `ref` is
    /// the bet's. In a SETTLE `id` is the bet's; where the page itself does not match, it is the SETTLE's, the
    /// player is zero, and there is one such event for each outcome.
    event Rejected(uint128 indexed id, address indexed player, uint8 code, bytes16 ref);
    /// @notice The numbers [first, next) of the lane were applied by one batch. `evidence` is the Merkle
    /// root over all that the batch carried.
    event BatchApplied(uint48 indexed lane, uint48 first, uint48 next, bytes32 evidence);

    // ----------------------------------------------------------------------------- operators

    /// @notice The caller becomes an operator, and its own admin. Executors count at once.
    /// @param shards Number of lanes, a power of two; can never change.
    function registerOperator(
        uint16 shards,
        address[] calldata executors,
        address guardian
    ) external returns (uint32 operatorNo);

    /// @notice Opens a bank of the calling operator admin.
    /// @param operator The operator's address.
    function openBank(
        address operator,
        address admin,
        Limits calldata limits_
    ) external returns (uint32 bankNo);

    /// @notice The bank's admin adds to the bankroll out of their free balance in the Treasury, within what
    /// they allowed to this contract there.
    function fund(uint32 bankNo, uint96 amount) external;

    /// @notice Applies items to a lane, only by an executor of its operator. Numbers that are used
    /// already are skipped, so that any repetition and any split of the same items has one effect. Where
    /// the gas does not suffice for the next unit, it stops before it.
    /// @param first Number of the first item in `ops`.
    /// @param evidence Merkle root over what the provider sent, see BatchApplied.
    /// @param ops The items; `contracts/encoding/batch.ts` writes and reads them.
    /// @return next The number that the lane expects next.
    function applyBatch(
        uint48 lane_,
        uint48 first,
        bytes32 evidence,
        bytes calldata ops
    ) external returns (uint48 next);

    // ------------------------------------------------------------------------------- players

    /// @notice The caller takes a seat; the buy-in comes out of what they allowed to this contract in the
    /// Treasury.
    function sit(Grant calldata grant) external;

    /// @notice The same for a player who signed the Treasury's
    /// `Allow(address client,uint96 amount,uint40 expiry,uint48 nonce,uint40 deadline,Grant grant)Grant(address operator,uint96 buyIn,uint96 topUp,uint96 maxStake,uint32 expiry,uint32 grantNo)`
    /// with this contract as client and buyIn + topUp as amount. Sent by anyone.
    function sit(
        address player,
        Grant calldata grant,
        Allowing calldata allowing,
        bytes calldata signature
    ) external;

    /// @notice The caller's seat ends after the notice period. Nobody can stop that.
    function leave(address operator) external;

    /// @notice The same for a player who signed
    /// `Leave(address player,address operator,uint32 grantNo,uint40 deadline)`.
    function leaveBySig(
        address player,
        address operator,
        uint32 grantNo,
        uint40 deadline,
        bytes calldata signature
    ) external;

    /// @notice Gives all that is in an ended seat to its player's free balance. Sent by anyone.
    function sweep(address player, address operator) external;

    // --------------------------------------------------------------------------------- views

    /// @notice Where all chips are.
    function treasury() external view returns (ITreasury);

    /// @notice The notice period, seconds.
    function noticeS() external view returns (uint32);

    /// @notice An operator by its address.
    function operator(address operator_) external view returns (Operator memory);

    /// @notice The address of an operator by its number; 0 if there is none.
    function operatorOf(uint32 operatorNo) external view returns (address);

    /// @notice From when on the executor may apply batches of the operator; 0: never.
    function executorReadyAt(uint32 operatorNo, address executor) external view returns (uint40);

    /// @notice The number that a lane expects next.
    function lane(uint48 lane_) external view returns (uint48 next);

    /// @notice A player's seat.
    function seat(address player, address operator_) external view returns (Seat memory);

    /// @notice A bank.
    function bank(uint32 bankNo) external view returns (Bank memory);

    /// @notice A bank's limits.
    function limits(uint32 bankNo) external view returns (Limits memory);

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
