// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IDesk} from "./IDesk.sol";
import {Operators} from "./Operators.sol";

/// @notice What a bank's admin and the guardian do with a bankroll and its limits.
abstract contract Banks is Operators {
    uint256 private constant MAX_PAUSE_S = 72 hours;
    uint256 private constant PAUSE_COOLING_S = 7 days;

    // -------------------------------------------------------------------------------- admins

    /// @inheritdoc IDesk
    function openBank(
        address operator_,
        address admin,
        Limits calldata limits_
    ) external returns (uint32 bankNo) {
        uint32 operatorNo = _administered(operator_).operatorNo;
        if (admin == address(0)) revert ZeroValue();
        bankNo = ++_bankCount;
        BankSlots storage slots = _banks[bankNo];
        slots.chips.operatorNo = operatorNo;
        slots.day.day = _today();
        slots.vault.used = 1;
        (slots.admin, slots.payout) = (admin, admin);
        emit BankOpened(bankNo, operator_, admin, _nextEvent());
        emit PayoutSet(bankNo, admin, 0, _nextEvent());
        _writeLimits(slots.active, limits_);
        _emitLimits(bankNo, limits_, block.timestamp);
    }

    /// @inheritdoc IDesk
    function transferBankAdmin(uint32 bankNo, address successor) external {
        _administeredBank(bankNo).pendingAdmin = successor;
        emit BankAdminNamed(bankNo, successor, _nextEvent());
    }

    /// @inheritdoc IDesk
    function acceptBankAdmin(uint32 bankNo) external {
        BankSlots storage slots = _knownBank(bankNo);
        if (msg.sender != slots.pendingAdmin) revert NotAllowed(msg.sender);
        (slots.admin, slots.pendingAdmin) = (msg.sender, address(0));
        emit BankAdminSet(bankNo, msg.sender, _nextEvent());
    }

    // --------------------------------------------------------------------------------- money

    /// @inheritdoc IDesk
    function fund(uint32 bankNo, uint96 amount) external {
        BankSlots storage slots = _administeredBank(bankNo);
        if (amount == 0) revert ZeroValue();
        slots.chips.bankroll += amount;
        _owed += amount;
        emit BankFunded(bankNo, amount, _nextEvent());
        treasury.pull(msg.sender, amount);
    }

    /// @inheritdoc IDesk
    function setPayout(uint32 bankNo, address to) external {
        BankSlots storage slots = _administeredBank(bankNo);
        if (to == address(0)) revert ZeroValue();
        slots.payout = to;
        if (slots.vault.exitAt != 0) slots.vault.exitAt = _afterNotice();
        emit PayoutSet(bankNo, to, slots.vault.exitAt, _nextEvent());
    }

    /// @inheritdoc IDesk
    function requestExit(uint32 bankNo, uint96 amount) external {
        BankSlots storage slots = _administeredBank(bankNo);
        if (amount == 0) revert ZeroValue();
        (slots.vault.exiting, slots.vault.exitAt) = (amount, _afterNotice());
        emit ExitRequested(bankNo, amount, slots.vault.exitAt, _nextEvent());
    }

    /// @inheritdoc IDesk
    function cancelExit(uint32 bankNo) external {
        Vault storage vault = _administeredBank(bankNo).vault;
        if (vault.exitAt == 0) revert NotExiting(bankNo);
        (vault.exiting, vault.exitAt) = (0, 0);
        emit ExitCancelled(bankNo, _nextEvent());
    }

    /// @inheritdoc IDesk
    function completeExit(uint32 bankNo) external returns (uint96 amount) {
        BankSlots storage slots = _administeredBank(bankNo);
        Vault storage vault = slots.vault;
        uint40 exitAt = vault.exitAt;
        if (exitAt == 0) revert NotExiting(bankNo);
        if (block.timestamp < exitAt) revert ExitTooEarly(exitAt);
        uint96 free = slots.chips.bankroll - slots.chips.reserved;
        if (free == 0) revert AllReserved(bankNo);
        uint96 exiting = vault.exiting;
        amount = exiting < free ? exiting : free;
        vault.exiting = exiting - amount;
        if (exiting == amount) vault.exitAt = 0;
        slots.chips.bankroll -= amount;
        _owed -= amount;
        address to = slots.payout;
        emit BankExited(bankNo, to, amount, _nextEvent());
        treasury.push(to, amount);
    }

    // -------------------------------------------------------------------------------- limits

    /// @inheritdoc IDesk
    function setLimits(uint32 bankNo, Limits calldata limits_) external {
        BankSlots storage slots = _administeredBank(bankNo);
        Limits memory old = _limitsOf(slots);
        Limits memory lower = Limits(
            _least(old.maxPayout, limits_.maxPayout),
            _least(old.stopLoss, limits_.stopLoss),
            _least(old.dayWon, limits_.dayWon),
            _least(old.dayCredit, limits_.dayCredit),
            uint32(_least(old.maxHorizon, limits_.maxHorizon))
        );
        _writeLimits(slots.active, lower);
        bool raises = limits_.maxPayout > old.maxPayout ||
            limits_.stopLoss > old.stopLoss ||
            limits_.dayWon > old.dayWon ||
            limits_.dayCredit > old.dayCredit ||
            limits_.maxHorizon > old.maxHorizon;
        if (raises) {
            _writeLimits(slots.announced, limits_);
            slots.active.readyAt = uint32(_afterNotice());
        } else {
            slots.active.readyAt = 0;
        }
        _emitLimits(bankNo, limits_, raises ? _afterNotice() : block.timestamp);
    }

    /// @inheritdoc IDesk
    function resume(uint32 bankNo) external {
        Day storage day = _administeredBank(bankNo).day;
        if (day.day != _today() || !day.halted) revert NotHalted(bankNo);
        day.halted = false;
        emit Resumed(bankNo, _nextEvent());
    }

    /// @inheritdoc IDesk
    function pause(uint32 bankNo, uint32 until) external {
        Chips storage chips = _knownBank(bankNo).chips;
        address guardian = _knownOperator(operatorOf[chips.operatorNo]).guardian;
        if (msg.sender != guardian) revert NotAllowed(msg.sender);
        if (until <= block.timestamp || until > block.timestamp + MAX_PAUSE_S) {
            revert PauseOutOfRange(until);
        }
        uint256 coolUntil = uint256(chips.pausedUntil) + PAUSE_COOLING_S;
        if (chips.pausedUntil != 0 && block.timestamp < coolUntil) revert CoolingDown(coolUntil);
        chips.pausedUntil = until;
        emit Paused(bankNo, until, _nextEvent());
    }

    // ------------------------------------------------------------------------------- internal

    function _afterNotice() private view returns (uint40) {
        return uint40(block.timestamp + noticeS);
    }

    function _knownBank(uint32 bankNo) private view returns (BankSlots storage slots) {
        slots = _banks[bankNo];
        if (slots.chips.operatorNo == 0) revert BankUnknown(bankNo);
    }

    function _administeredBank(uint32 bankNo) private view returns (BankSlots storage slots) {
        slots = _knownBank(bankNo);
        if (msg.sender != slots.admin) revert NotAllowed(msg.sender);
    }

    function _writeLimits(LimitSlots storage to, Limits memory limits_) private {
        to.maxPayout = limits_.maxPayout;
        to.stopLoss = limits_.stopLoss;
        to.dayWon = limits_.dayWon;
        to.dayCredit = limits_.dayCredit;
        to.maxHorizon = limits_.maxHorizon;
    }

    function _emitLimits(uint32 bankNo, Limits calldata limits_, uint256 readyAt) private {
        emit LimitsSet(
            bankNo,
            limits_.maxPayout,
            limits_.stopLoss,
            limits_.dayWon,
            limits_.dayCredit,
            limits_.maxHorizon,
            uint40(readyAt),
            _nextEvent()
        );
    }

    function _least(uint96 one, uint96 other) private pure returns (uint96) {
        return one < other ? one : other;
    }
}
