// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IEventCounter} from "./EventCounter.sol";
import {ITreasury} from "./ITreasury.sol";

/// @notice All that happens besides batches: roles, limits, bankrolls, seats, expiry. Part of
/// `IBetBook`. Money is in the token's smallest unit, time in seconds since the Unix epoch.
interface IDesk is IEventCounter {
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

    /// @notice A bank as it is now.
    /// @param operatorNo Number of its operator; 0: there is no such bank.
    /// @param admin Who sets its limits and takes its money out.
    /// @param pendingAdmin Who may become its admin by accepting; 0: nobody.
    /// @param payout Who gets what an exit takes out.
    /// @param bankroll The house's money.
    /// @param reserved The most of the bankroll that open bets can win.
    /// @param locked The stakes of open bets. They are not in the bankroll.
    /// @param exiting What was asked to leave the bankroll and has not left yet.
    /// @param exitAt From then on it may leave; 0: nothing is exiting.
    /// @param pausedUntil The guardian's pause; it is over once `block.timestamp >= pausedUntil`.
    /// @param halted Whether a winner was refused today: no PLAY, no OPEN until resumed or tomorrow (UTC).
    /// @param loss Today's drawdown: how far the bankroll stands below its highest of the day, exits, funds
    /// and credits aside.
    /// @param won What players won today, each bet's net win counted, no loss set off.
    /// @param credited Today's credits.
    struct Bank {
        uint32 operatorNo;
        address admin;
        address pendingAdmin;
        address payout;
        uint96 bankroll;
        uint96 reserved;
        uint96 locked;
        uint96 exiting;
        uint40 exitAt;
        uint32 pausedUntil;
        bool halted;
        uint96 loss;
        uint96 won;
        uint96 credited;
    }

    /// @notice Limits of a bank. Days are UTC.
    /// @param maxPayout The most that one bet may pay, its stake included.
    /// @param stopLoss A bet is taken only if loss + reserved + the most it can win is at most this.
    /// @param dayWon A bet is taken only if won + reserved + the most it can win is at most this.
    /// @param dayCredit The most that all credits of a day may come to.
    /// @param maxHorizon A page must be due at most that many seconds after it is opened.
    struct Limits {
        uint96 maxPayout;
        uint96 stopLoss;
        uint96 dayWon;
        uint96 dayCredit;
        uint32 maxHorizon;
    }

    /// @notice An operator: its number, the number of its lanes, who may do what, and who may take
    /// over by accepting (0: nobody).
    struct Operator {
        uint32 operatorNo;
        uint16 shards;
        address admin;
        address pendingAdmin;
        address guardian;
        address pendingGuardian;
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
    /// @notice The executor is what it is to become already.
    error ExecutorUnchanged(address executor);
    /// @notice No bank has this number.
    error BankUnknown(uint32 bank);
    /// @notice An address or an amount of zero where it means nothing.
    error ZeroValue();
    /// @notice A pause ends after now and within 72 hours.
    error PauseOutOfRange(uint32 until);
    /// @notice The bank was paused lately; it may be paused again from then on.
    error CoolingDown(uint256 until);
    /// @notice The bank is not halted.
    error NotHalted(uint32 bank);
    /// @notice No exit was requested.
    error NotExiting(uint32 bank);
    /// @notice The exit may not be completed before then.
    error ExitTooEarly(uint40 exitAt);
    /// @notice All of the bankroll is reserved by open bets.
    error AllReserved(uint32 bank);
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
    /// @notice A time above 1e11: milliseconds where seconds belong.
    error TimeNotInSeconds(uint256 time);
    /// @notice The preimage is not that of the page in the slot, or no page is in it.
    error PageMismatch(uint80 page);
    /// @notice The page's bets may still be settled.
    error NotDue(uint40 due);

    // -------------------------------------------------------------------------------- events

    event OperatorRegistered(
        address indexed operator,
        uint32 operatorNo,
        uint16 shards,
        uint64 n
    );
    /// @notice `successor` may become the operator's admin by accepting.
    event AdminNamed(address indexed operator, address indexed successor, uint64 n);
    event AdminSet(address indexed operator, address indexed admin, uint64 n);
    /// @notice `successor` may become the operator's guardian by accepting.
    event GuardianNamed(address indexed operator, address indexed successor, uint64 n);
    event GuardianSet(address indexed operator, address indexed guardian, uint64 n);
    /// @notice The executor may apply batches from `readyAt` on; 0: never.
    event ExecutorSet(address indexed operator, address indexed executor, uint40 readyAt, uint64 n);

    event BankOpened(uint32 indexed bank, address indexed operator, address indexed admin, uint64 n);
    /// @notice `successor` may become the bank's admin by accepting.
    event BankAdminNamed(uint32 indexed bank, address indexed successor, uint64 n);
    event BankAdminSet(uint32 indexed bank, address indexed admin, uint64 n);
    /// @notice Exits go to `to`. An exit that is under way may be completed from `exitAt` on (0: none is).
    event PayoutSet(uint32 indexed bank, address indexed to, uint40 exitAt, uint64 n);
    /// @notice New limits. What they lower counts at once, what they raise from `readyAt` on; what an
    /// earlier event announced and was not ready yet will not come.
    event LimitsSet(
        uint32 indexed bank,
        uint96 maxPayout,
        uint96 stopLoss,
        uint96 dayWon,
        uint96 dayCredit,
        uint32 maxHorizon,
        uint40 readyAt,
        uint64 n
    );
    /// @notice `amount` was added to the bankroll.
    event BankFunded(uint32 indexed bank, uint96 amount, uint64 n);
    /// @notice `amount` is to leave, from `exitAt` on; it replaces what was asked for before.
    event ExitRequested(uint32 indexed bank, uint96 amount, uint40 exitAt, uint64 n);
    event ExitCancelled(uint32 indexed bank, uint64 n);
    /// @notice `amount` left the bankroll for `to`'s free balance. What of the request is left may
    /// follow at once when it is free.
    event BankExited(uint32 indexed bank, address indexed to, uint96 amount, uint64 n);
    event Resumed(uint32 indexed bank, uint64 n);
    /// @notice No PLAY and no OPEN before `until`.
    event Paused(uint32 indexed bank, uint32 until, uint64 n);
    /// @notice A grant came into effect: `amount` was added to the seat, the rest replaced; up to `topUp`
    /// may follow.
    event SeatFunded(
        address indexed player,
        address indexed operator,
        uint96 amount,
        uint96 topUp,
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

    /// @notice The open bets of a page ended after its due time. Bit i of `mask` is the bet with number
    /// `firstSeq` + i. Each got its stake back; of a bonded page, its whole reserve.
    event Expired(uint80 indexed page, uint48 firstSeq, uint64 mask, bool bonded, uint64 n);

    // ----------------------------------------------------------------------------- operators

    /// @notice The caller becomes an operator, and its own admin. Executors count at once.
    /// @param shards Number of lanes, a power of two; can never change.
    function registerOperator(
        uint16 shards,
        address[] calldata executors,
        address guardian
    ) external returns (uint32 operatorNo);

    /// @notice The operator's admin enables an executor (after the notice period) or disables it (at once).
    function setExecutor(address operator, address executor, bool enabled) external;

    /// @notice The operator's admin names a new guardian, who has to accept.
    function setGuardian(address operator, address successor) external;

    /// @notice The named guardian takes over.
    function acceptGuardian(address operator) external;

    /// @notice The operator's admin names a new admin, who has to accept. Zero takes it back.
    function transferAdmin(address operator, address successor) external;

    /// @notice The named admin takes over.
    function acceptAdmin(address operator) external;

    /// @notice The operator's guardian disables an executor at once.
    function disableExecutor(address operator, address executor) external;

    /// @notice The guardian of the bank's operator stops PLAY and OPEN for up to 72 hours. Seven days
    /// must pass after a pause before the next.
    function pause(uint32 bankNo, uint32 until) external;

    // --------------------------------------------------------------------------------- banks

    /// @notice Opens a bank of the calling operator admin.
    /// @param operator The operator's address.
    /// @param admin The bank's admin; exits go to them until they say otherwise.
    function openBank(
        address operator,
        address admin,
        Limits calldata limits_
    ) external returns (uint32 bankNo);

    /// @notice The bank's admin adds to the bankroll out of their free balance in the Treasury, within what
    /// they allowed to this contract there.
    function fund(uint32 bankNo, uint96 amount) external;

    /// @notice The bank's admin sets limits. What is lowered counts at once, what is raised after the
    /// notice period. Replaces what was announced before.
    function setLimits(uint32 bankNo, Limits calldata limits_) external;

    /// @notice The bank's admin ends a halt.
    function resume(uint32 bankNo) external;

    /// @notice The bank's admin says who gets what exits take out. Delays an exit that is under way by a
    /// whole notice period.
    function setPayout(uint32 bankNo, address to) external;

    /// @notice The bank's admin asks for `amount` of the bankroll, which backs no new OPEN from now on, but
    /// still pays wins. Replaces an earlier request and its time.
    function requestExit(uint32 bankNo, uint96 amount) external;

    /// @notice The bank's admin takes the request back.
    function cancelExit(uint32 bankNo) external;

    /// @notice The bank's admin takes what was requested, as far as no open bet reserves it, after the
    /// notice period. The rest stays requested.
    /// @return amount What left.
    function completeExit(uint32 bankNo) external returns (uint96 amount);

    /// @notice The bank's admin names a new admin, who has to accept. Zero takes it back.
    function transferBankAdmin(uint32 bankNo, address successor) external;

    /// @notice The named admin takes over.
    function acceptBankAdmin(uint32 bankNo) external;

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

    /// @notice Ends the open bets of a page after its due time: each stake goes back to its seat, of a bonded
    /// page the whole reserve. Sent by anyone.
    /// @param preimage The page's preimage, as the OPEN fixed it.
    function expire(uint48 lane_, uint32 slot, bytes calldata preimage) external;

    // --------------------------------------------------------------------------------- views

    /// @notice Where all chips are.
    function treasury() external view returns (ITreasury);

    /// @notice The notice period, seconds.
    function noticeS() external view returns (uint32);

    /// @notice The address of an operator by its number; 0 if there is none.
    function operatorOf(uint32 operatorNo) external view returns (address);

    /// @notice From when on the executor may apply batches of the operator; 0: never.
    function executorReadyAt(uint32 operatorNo, address executor) external view returns (uint40);
}
