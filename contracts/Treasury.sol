// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuard} from "@openzeppelin/contracts/utils/ReentrancyGuard.sol";

import {EventCounter} from "./EventCounter.sol";
import {ITreasury} from "./ITreasury.sol";
import {Signatures} from "./Signatures.sol";

/// @notice See ITreasury.
contract Treasury is ITreasury, EventCounter, Signatures, ReentrancyGuard {
    using SafeERC20 for IERC20;

    struct Account {
        uint96 available;
        uint64 withdrawals;
    }

    struct Allowance {
        uint96 amount;
        uint40 expiry;
        uint48 nonce;
    }

    bytes32 private constant WITHDRAW_TYPEHASH =
        keccak256("Withdraw(address player,address to,uint96 amount,uint64 nonce,uint40 deadline)");
    bytes32 private constant ALLOW_TYPEHASH =
        keccak256("Allow(address client,uint96 amount,uint40 expiry,uint48 nonce,uint40 deadline)");
    string private constant ALLOW_WITH_WITNESS =
        "Allow(address client,uint96 amount,uint40 expiry,uint48 nonce,uint40 deadline,";
    /// @dev Later than the year 5000 in seconds, in 1973 in milliseconds.
    uint256 private constant LATEST_TIME = 1e11;

    /// @inheritdoc ITreasury
    address public immutable override token;
    /// @inheritdoc ITreasury
    uint96 public override total;
    /// @inheritdoc ITreasury
    mapping(address client => uint96) public override clientBalance;
    /// @inheritdoc ITreasury
    mapping(address player => mapping(address client => Allowance)) public override allowance;

    mapping(address player => Account) private _accounts;

    constructor(address token_) Signatures("Croupier Treasury") {
        if (token_.code.length == 0) revert TokenWithoutCode(token_);
        token = token_;
    }

    // -------------------------------------------------------------------------------- tokens

    /// @inheritdoc ITreasury
    function deposit(address player, uint96 amount) external nonReentrant {
        _deposit(player, msg.sender, amount);
    }

    /// @inheritdoc ITreasury
    function depositWithPermit(
        address player,
        uint96 amount,
        uint256 deadline,
        bytes calldata signature
    ) external nonReentrant {
        if (signature.length != 65) revert SignatureInvalid(player);
        // Anyone may have sent the permit before us; what counts is that the approval stands.
        try
            IERC20Permit(token).permit(
                player,
                address(this),
                amount,
                deadline,
                uint8(signature[64]),
                bytes32(signature[:32]),
                bytes32(signature[32:64])
            )
        {} catch {}
        _deposit(player, player, amount);
    }

    /// @inheritdoc ITreasury
    function withdraw(address to, uint96 amount) external nonReentrant {
        _withdraw(msg.sender, to, amount);
    }

    /// @inheritdoc ITreasury
    function withdrawBySig(
        address player,
        address to,
        uint96 amount,
        uint64 nonce,
        uint40 deadline,
        bytes calldata signature
    ) external nonReentrant {
        _checkDeadline(deadline);
        uint64 expected = _accounts[player].withdrawals;
        if (nonce != expected) revert NonceMismatch(nonce, expected);
        bytes32 structHash = keccak256(
            abi.encode(WITHDRAW_TYPEHASH, player, to, amount, nonce, deadline)
        );
        if (!_signedByKey(player, structHash, signature)) revert SignatureInvalid(player);
        _withdraw(player, to, amount);
    }

    // ---------------------------------------------------------------------------- allowances

    /// @inheritdoc ITreasury
    function allow(address client, uint96 amount, uint40 expiry) external {
        _allow(msg.sender, client, amount, expiry);
    }

    /// @inheritdoc ITreasury
    function allowBySig(
        address player,
        address client,
        Allow calldata allowed,
        bytes calldata signature
    ) external {
        _checkAllow(player, client, allowed);
        bytes32 structHash = keccak256(
            abi.encode(
                ALLOW_TYPEHASH,
                client,
                allowed.amount,
                allowed.expiry,
                allowed.nonce,
                allowed.deadline
            )
        );
        if (!_signedByKey(player, structHash, signature)) revert SignatureInvalid(player);
        _allow(player, client, allowed.amount, allowed.expiry);
    }

    // ------------------------------------------------------------------------------- clients

    /// @inheritdoc ITreasury
    function pull(address player, uint96 amount) external {
        _pull(player, amount);
    }

    /// @inheritdoc ITreasury
    function pullBySig(
        address player,
        uint96 amount,
        Allow calldata allowed,
        bytes32 witness,
        string calldata witnessType,
        bytes calldata signature
    ) external {
        _checkAllow(player, msg.sender, allowed);
        bytes32 structHash = keccak256(
            abi.encode(
                keccak256(abi.encodePacked(ALLOW_WITH_WITNESS, witnessType)),
                msg.sender,
                allowed.amount,
                allowed.expiry,
                allowed.nonce,
                allowed.deadline,
                witness
            )
        );
        if (!_signedBy(player, structHash, signature)) revert SignatureInvalid(player);
        _allow(player, msg.sender, allowed.amount, allowed.expiry);
        _pull(player, amount);
    }

    /// @inheritdoc ITreasury
    function push(address player, uint96 amount) external {
        _push(player, amount);
    }

    /// @inheritdoc ITreasury
    function pushMany(address[] calldata players, uint96[] calldata amounts) external {
        if (players.length != amounts.length) {
            revert LengthsDiffer(players.length, amounts.length);
        }
        for (uint256 i = 0; i < players.length; i++) _push(players[i], amounts[i]);
    }

    // --------------------------------------------------------------------------------- views

    /// @inheritdoc ITreasury
    function available(address player) external view returns (uint96) {
        return _accounts[player].available;
    }

    /// @inheritdoc ITreasury
    function withdrawNonce(address player) external view returns (uint64) {
        return _accounts[player].withdrawals;
    }

    /// @inheritdoc ITreasury
    function solvency() external view returns (uint256 held, uint256 owed) {
        return (IERC20(token).balanceOf(address(this)), total);
    }

    // ------------------------------------------------------------------------------- private

    function _deposit(address player, address payer, uint96 amount) private {
        if (amount == 0) revert AmountZero();
        if (amount > type(uint96).max - total) revert TotalExceeded(total, amount);
        uint256 before = IERC20(token).balanceOf(address(this));
        IERC20(token).safeTransferFrom(payer, address(this), amount);
        uint256 afterwards = IERC20(token).balanceOf(address(this));
        if (afterwards < before || afterwards - before != amount) {
            revert TokenMovedOther(afterwards < before ? 0 : afterwards - before, amount);
        }
        _accounts[player].available += amount;
        total += amount;
        emit Deposited(player, payer, amount, _nextEvent());
    }

    function _withdraw(address player, address to, uint96 amount) private {
        if (amount == 0) revert AmountZero();
        Account storage account = _accounts[player];
        if (account.available < amount) revert BalanceShort(player, account.available, amount);
        account.available -= amount;
        account.withdrawals++;
        total -= amount;
        emit Withdrawn(player, to, amount, _nextEvent());
        uint256 before = IERC20(token).balanceOf(address(this));
        IERC20(token).safeTransfer(to, amount);
        uint256 afterwards = IERC20(token).balanceOf(address(this));
        if (afterwards > before || before - afterwards != amount) {
            revert TokenMovedOther(afterwards > before ? 0 : before - afterwards, amount);
        }
    }

    function _checkAllow(address player, address client, Allow calldata allowed) private view {
        _checkDeadline(allowed.deadline);
        uint48 expected = allowance[player][client].nonce;
        if (allowed.nonce != expected) revert NonceMismatch(allowed.nonce, expected);
    }

    function _checkDeadline(uint40 deadline) private view {
        if (block.timestamp > deadline) revert DeadlinePassed(deadline);
        if (deadline > LATEST_TIME) revert TimeNotInSeconds(deadline);
    }

    function _allow(address player, address client, uint96 amount, uint40 expiry) private {
        if (expiry > LATEST_TIME) revert TimeNotInSeconds(expiry);
        Allowance storage granted = allowance[player][client];
        granted.amount = amount;
        granted.expiry = expiry;
        granted.nonce++;
        emit Allowed(player, client, amount, expiry, granted.nonce, _nextEvent());
    }

    function _pull(address player, uint96 amount) private {
        address client = msg.sender;
        Allowance storage granted = allowance[player][client];
        if (block.timestamp >= granted.expiry) {
            revert AllowanceExpired(player, client, granted.expiry);
        }
        if (granted.amount < amount) {
            revert AllowanceShort(player, client, granted.amount, amount);
        }
        Account storage account = _accounts[player];
        if (account.available < amount) revert BalanceShort(player, account.available, amount);
        granted.amount -= amount;
        account.available -= amount;
        clientBalance[client] += amount;
        emit Pulled(player, client, amount, _nextEvent());
    }

    function _push(address player, uint96 amount) private {
        address client = msg.sender;
        if (clientBalance[client] < amount) {
            revert ClientShort(client, clientBalance[client], amount);
        }
        clientBalance[client] -= amount;
        _accounts[player].available += amount;
        emit Pushed(player, client, amount, _nextEvent());
    }
}
