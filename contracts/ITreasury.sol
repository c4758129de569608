// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IEventCounter} from "./EventCounter.sol";

/// @title Treasury
/// @notice One token, the players' free balances in it, and a balance for each client contract.
/// Nobody owns it, nobody can pause or change it. A client takes from a player only what that player
/// allowed to exactly this client.
interface ITreasury is IEventCounter {
    /// @notice What a player lets a client pull, as signed.
    /// @param amount The most that may be pulled, in the token's smallest unit.
    /// @param expiry Pulling ends then; seconds since the Unix epoch.
    /// @param nonce The allowance's nonce before this signature is used.
    /// @param deadline The signature may be used up to then; seconds since the Unix epoch.
    struct Allow {
        uint96 amount;
        uint40 expiry;
        uint48 nonce;
        uint40 deadline;
    }

    /// @notice The token has no code.
    error TokenWithoutCode(address token);
    /// @notice An amount of zero moves nothing.
    error AmountZero();
    /// @notice The sum of all balances would not fit in 96 bits any more.
    error TotalExceeded(uint256 total, uint256 amount);
    /// @notice The token moved another amount than it was asked to (a fee on transfer, a lie).
    error TokenMovedOther(uint256 moved, uint256 expected);
    /// @notice The free balance is too small.
    error BalanceShort(address account, uint256 available, uint256 needed);
    /// @notice The client's balance is too small.
    error ClientShort(address client, uint256 available, uint256 needed);
    /// @notice The player allowed this client less.
    error AllowanceShort(address player, address client, uint256 allowed, uint256 needed);
    /// @notice The allowance has ended.
    error AllowanceExpired(address player, address client, uint256 expiry);
    /// @notice The signature is not the player's over exactly these values, on this chain and contract.
    error SignatureInvalid(address player);
    /// @notice The signature came too late.
    error DeadlinePassed(uint256 deadline);
    /// @notice The signature was used, or others must be used before it.
    error NonceMismatch(uint256 nonce, uint256 expected);
    /// @notice A time above 1e11: milliseconds where seconds belong.
    error TimeNotInSeconds(uint256 time);
    /// @notice The two lists differ in length.
    error LengthsDiffer(uint256 players, uint256 amounts);

    /// @notice `payer`'s tokens came in and belong to `player`.
    event Deposited(address indexed player, address indexed payer, uint96 amount, uint64 n);
    /// @notice `player`'s money left as tokens to `to`. Each raises the player's withdrawal nonce by one.
    event Withdrawn(address indexed player, address indexed to, uint96 amount, uint64 n);
    /// @notice What `client` may pull from now on; `nonce` is the one that the next signature carries.
    event Allowed(
        address indexed player,
        address indexed client,
        uint96 amount,
        uint40 expiry,
        uint48 nonce,
        uint64 n
    );
    /// @notice `client` took from the player's free balance, and that much of its allowance is used.
    event Pulled(address indexed player, address indexed client, uint96 amount, uint64 n);
    /// @notice `client` gave to the player's free balance.
    event Pushed(address indexed player, address indexed client, uint96 amount, uint64 n);

    /// @notice The caller's tokens become `player`'s free balance. Needs the token's approval.
    function deposit(address player, uint96 amount) external;

    /// @notice `player`'s tokens become their free balance, sent by anyone.
    /// @dev A permit that was already used (someone else sent it first) is no error as long as the
    /// approval stands. Whoever calls it, the money can only move to the player's own balance.
    /// @param signature ERC-2612 permit for (player, this, amount, deadline), 65 bytes r, s, v.
    function depositWithPermit(
        address player,
        uint96 amount,
        uint256 deadline,
        bytes calldata signature
    ) external;

    /// @notice Pays the caller's free balance out to `to`, at once.
    function withdraw(address to, uint96 amount) external;

    /// @notice The same for a player who signed `Withdraw(address player,address to,uint96 amount,uint64 nonce,uint40 deadline)`.
    function withdrawBySig(
        address player,
        address to,
        uint96 amount,
        uint64 nonce,
        uint40 deadline,
        bytes calldata signature
    ) external;

    /// @notice Replaces what `client` may pull from the caller. Makes unused signatures for it void.
    function allow(address client, uint96 amount, uint40 expiry) external;

    /// @notice The same for a player who signed
    /// `Allow(address client,uint96 amount,uint40 expiry,uint48 nonce,uint40 deadline)`.
    function allowBySig(
        address player,
        address client,
        Allow calldata allowed,
        bytes calldata signature
    ) external;

    /// @notice The calling client takes `amount` of the player's free balance, within its allowance.
    function pull(address player, uint96 amount) external;

    /// @notice Sets the calling client's allowance by signature, then pulls `amount`.
    /// @dev The player signed `Allow(address client,uint96 amount,uint40 expiry,uint48 nonce,uint40
    /// deadline,` + `witnessType`: so the wallet shows what the client promises for the money. ERC-1271
    /// signatures count.
    /// @param witness The struct hash of the witness.
    /// @param witnessType The witness as member, the closing bracket, and its type:
    /// `Grant grant)Grant(…)`.
    function pullBySig(
        address player,
        uint96 amount,
        Allow calldata allowed,
        bytes32 witness,
        string calldata witnessType,
        bytes calldata signature
    ) external;

    /// @notice The calling client gives `amount` of its balance to the player.
    function push(address player, uint96 amount) external;

    /// @notice `push` for several.
    function pushMany(address[] calldata players, uint96[] calldata amounts) external;

    /// @notice The token.
    function token() external view returns (address);

    /// @notice The player's free balance.
    function available(address player) external view returns (uint96);

    /// @notice The nonce that the player's next withdrawal signature carries: how often they withdrew.
    function withdrawNonce(address player) external view returns (uint64);

    /// @notice What `client` may pull from `player`, until when, and the nonce of the next signature.
    function allowance(
        address player,
        address client
    ) external view returns (uint96 amount, uint40 expiry, uint48 nonce);

    /// @notice What a client holds.
    function clientBalance(address client) external view returns (uint96);

    /// @notice The sum of all free balances and client balances.
    function total() external view returns (uint96);

    /// @notice Tokens held against what is owed (`total`). Less held than owed: the token took some.
    /// More held: a donation, which is nobody's.
    function solvency() external view returns (uint256 held, uint256 owed);
}
