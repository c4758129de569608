// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Codes} from "../Codes.sol";
import {IDesk} from "../IDesk.sol";
import {IBetBook} from "../IBetBook.sol";
import {ITreasury} from "../ITreasury.sol";
import {PlainOperators} from "./PlainOperators.sol";

/// @notice The operators' bankrolls, what of them is reserved, their limits, and what they may
/// still risk.
abstract contract PlainBanks is PlainOperators {
    uint256 private constant MAX_PAUSE_S = 72 hours;
    uint256 private constant COOL_DOWN_S = 7 days;

    /// @dev What of a bank is the same on any day. Fields as in `IBetBook.Bank`.
    struct House {
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
    }

    /// @dev What happened at a bank on one UTC day. Fields as in `IBetBook.Bank`.
    struct Day {
        uint96 loss;
        uint96 won;
        uint96 credited;
        bool halted;
    }

    /// @dev `announced` counts from `readyAt` on, `active` before; `readyAt` 0: nothing is
    /// announced.
    struct LimitsHistory {
        Limits active;
        Limits announced;
        uint40 readyAt;
    }

    /// @inheritdoc IDesk
    ITreasury public immutable override treasury;

    mapping(uint32 bankNo => House) internal _houses;
    mapping(uint32 bankNo => mapping(uint256 day => Day)) private _days;
    mapping(uint32 bankNo => LimitsHistory) private _limits;
    uint32 private _bankCount;
    /// @dev Σ seats + Σ bankrolls + Σ locked. A bet only moves chips between them.
    uint96 internal _owed;

    constructor(ITreasury treasury_) {
        if (address(treasury_).code.length == 0) revert TreasuryWithoutCode(address(treasury_));
        treasury = treasury_;
    }

    // ---------------------------------------------------------------------- the bank's admin

    /// @inheritdoc IDesk
    function openBank(
        address operator_,
        address admin,
        Limits calldata limits_
    ) external returns (uint32 bankNo) {
        uint32 operatorNo = _asAdmin(operator_).operatorNo;
        if (admin == address(0)) revert ZeroValue();
        _bankCount++;
        bankNo = _bankCount;
        House storage house = _houses[bankNo];
        house.operatorNo = operatorNo;
        house.admin = admin;
        house.payout = admin;
        _limits[bankNo].active = limits_;
        emit BankOpened(bankNo, operator_, admin, _nextEvent());
        emit PayoutSet(bankNo, admin, 0, _nextEvent());
        _emitLimitsSet(bankNo, limits_, uint40(block.timestamp));
    }

    /// @inheritdoc IDesk
    function fund(uint32 bankNo, uint96 amount) external {
        House storage house = _asBankAdmin(bankNo);
        if (amount == 0) revert ZeroValue();
        house.bankroll += amount;
        _owed += amount;
        emit BankFunded(bankNo, amount, _nextEvent());
        treasury.pull(msg.sender, amount);
    }

    /// @inheritdoc IDesk
    function setLimits(uint32 bankNo, Limits calldata limits_) external {
        _asBankAdmin(bankNo);
        LimitsHistory storage history = _limits[bankNo];
        Limits memory current = limits(bankNo);
        history.active = Limits({
            maxPayout: uint96(_min(limits_.maxPayout, current.maxPayout)),
            stopLoss: uint96(_min(limits_.stopLoss, current.stopLoss)),
            dayWon: uint96(_min(limits_.dayWon, current.dayWon)),
            dayCredit: uint96(_min(limits_.dayCredit, current.dayCredit)),
            maxHorizon: uint32(_min(limits_.maxHorizon, current.maxHorizon))
        });
        bool raises = limits_.maxPayout > current.maxPayout ||
            limits_.stopLoss > current.stopLoss ||
            limits_.dayWon > current.dayWon ||
            limits_.dayCredit > current.dayCredit ||
            limits_.maxHorizon > current.maxHorizon;
        if (raises) {
            history.announced = limits_;
            history.readyAt = _afterNotice();
            _emitLimitsSet(bankNo, limits_, history.readyAt);
        } else {
            delete history.announced;
            history.readyAt = 0;
            _emitLimitsSet(bankNo, limits_, uint40(block.timestamp));
        }
    }

    /// @inheritdoc IDesk
    function resume(uint32 bankNo) external {
        _asBankAdmin(bankNo);
        if (!_today(bankNo).halted) revert NotHalted(bankNo);
        _today(bankNo).halted = false;
        emit Resumed(bankNo, _nextEvent());
    }

    /// @inheritdoc IDesk
    function transferBankAdmin(uint32 bankNo, address successor) external {
        _asBankAdmin(bankNo).pendingAdmin = successor;
        emit BankAdminNamed(bankNo, successor, _nextEvent());
    }

    /// @inheritdoc IDesk
    function acceptBankAdmin(uint32 bankNo) external {
        House storage house = _knownBank(bankNo);
        _checkNamed(house.pendingAdmin);
        house.admin = msg.sender;
        house.pendingAdmin = address(0);
        emit BankAdminSet(bankNo, msg.sender, _nextEvent());
    }

    // ---------------------------------------------------------------------------------- exit

    /// @inheritdoc IDesk
    function setPayout(uint32 bankNo, address to) external {
        House storage house = _asBankAdmin(bankNo);
        if (to == address(0)) revert ZeroValue();
        house.payout = to;
        if (house.exitAt != 0) house.exitAt = _afterNotice();
        emit PayoutSet(bankNo, to, house.exitAt, _nextEvent());
    }

    /// @inheritdoc IDesk
    function requestExit(uint32 bankNo, uint96 amount) external {
        House storage house = _asBankAdmin(bankNo);
        if (amount == 0) revert ZeroValue();
        house.exiting = amount;
        house.exitAt = _afterNotice();
        emit ExitRequested(bankNo, amount, house.exitAt, _nextEvent());
    }

    /// @inheritdoc IDesk
    function cancelExit(uint32 bankNo) external {
        House storage house = _asBankAdmin(bankNo);
        if (house.exitAt == 0) revert NotExiting(bankNo);
        house.exiting = 0;
        house.exitAt = 0;
        emit ExitCancelled(bankNo, _nextEvent());
    }

    /// @inheritdoc IDesk
    function completeExit(uint32 bankNo) external returns (uint96 amount) {
        House storage house = _asBankAdmin(bankNo);
        if (house.exitAt == 0) revert NotExiting(bankNo);
        if (block.timestamp < house.exitAt) revert ExitTooEarly(house.exitAt);
        amount = uint96(_min(house.exiting, house.bankroll - house.reserved));
        if (amount == 0) revert AllReserved(bankNo);
        house.exiting -= amount;
        if (house.exiting == 0) house.exitAt = 0;
        house.bankroll -= amount;
        _owed -= amount;
        emit BankExited(bankNo, house.payout, amount, _nextEvent());
        treasury.push(house.payout, amount);
    }

    // ------------------------------------------------------------------------------ guardian

    /// @inheritdoc IDesk
    function pause(uint32 bankNo, uint32 until) external {
        House storage house = _knownBank(bankNo);
        if (msg.sender != _operators[operatorOf[house.operatorNo]].guardian) {
            revert NotAllowed(msg.sender);
        }
        if (until <= block.timestamp || until > block.timestamp + MAX_PAUSE_S) {
            revert PauseOutOfRange(until);
        }
        uint256 cooledDownAt = house.pausedUntil + COOL_DOWN_S;
        if (house.pausedUntil != 0 && block.timestamp < cooledDownAt) {
            revert CoolingDown(cooledDownAt);
        }
        house.pausedUntil = until;
        emit Paused(bankNo, until, _nextEvent());
    }

    // --------------------------------------------------------------------------------- views

    /// @inheritdoc IBetBook
    function bank(uint32 bankNo) external view returns (Bank memory) {
        House memory house = _houses[bankNo];
        Day memory day = _today(bankNo);
        return
            Bank({
                operatorNo: house.operatorNo,
                admin: house.admin,
                pendingAdmin: house.pendingAdmin,
                payout: house.payout,
                bankroll: house.bankroll,
                reserved: house.reserved,
                locked: house.locked,
                exiting: house.exiting,
                exitAt: house.exitAt,
                pausedUntil: house.pausedUntil,
                halted: day.halted,
                loss: day.loss,
                won: day.won,
                credited: day.credited
            });
    }

    /// @inheritdoc IBetBook
    function limits(uint32 bankNo) public view returns (Limits memory) {
        LimitsHistory storage history = _limits[bankNo];
        bool ready = history.readyAt != 0 && block.timestamp >= history.readyAt;
        return ready ? history.announced : history.active;
    }

    /// @inheritdoc IBetBook
    function pendingLimits(
        uint32 bankNo
    ) external view returns (Limits memory announced, uint40 readyAt) {
        LimitsHistory storage history = _limits[bankNo];
        if (block.timestamp < history.readyAt) return (history.announced, history.readyAt);
    }

    /// @inheritdoc IBetBook
    function solvency() external view returns (uint256 held, uint256 owed) {
        return (treasury.clientBalance(address(this)), _owed);
    }

    // -------------------------------------------------------------------------- bets' effects

    /// @dev No PLAY and no OPEN of this operator: the bank is another's, paused, or halted today.
    function _isClosed(uint32 bankNo, uint32 operatorNo) internal view returns (bool) {
        House storage house = _houses[bankNo];
        return
            house.operatorNo != operatorNo ||
            block.timestamp < house.pausedUntil ||
            _today(bankNo).halted;
    }

    /// @dev What of the bankroll no open bet can win.
    function _unreserved(uint32 bankNo) internal view returns (uint96) {
        return _houses[bankNo].bankroll - _houses[bankNo].reserved;
    }

    /// @dev What of the bankroll backs new open bets: what is leaving does not.
    function _backing(uint32 bankNo) internal view returns (uint96) {
        uint96 exiting = _houses[bankNo].exiting;
        uint96 unreserved = _unreserved(bankNo);
        return exiting < unreserved ? unreserved - exiting : 0;
    }

    /// @dev Whether a bet that can win `win` would break a limit of the day.
    function _isAboveDayLimit(uint32 bankNo, uint96 win) internal view returns (bool) {
        Limits memory current = limits(bankNo);
        uint256 atRisk = uint256(_houses[bankNo].reserved) + win;
        return
            _today(bankNo).loss + atRisk > current.stopLoss ||
            _today(bankNo).won + atRisk > current.dayWon;
    }

    /// @dev The bank takes `stake` and pays `payout`.
    function _exchange(uint32 bankNo, uint96 stake, uint96 payout) internal {
        House storage house = _houses[bankNo];
        Day storage day = _today(bankNo);
        if (payout > stake) {
            uint96 win = payout - stake;
            house.bankroll -= win;
            day.loss += win;
            day.won += win;
        } else {
            uint96 gain = stake - payout;
            house.bankroll += gain;
            day.loss = day.loss > gain ? day.loss - gain : 0;
        }
    }

    /// @dev The code a CREDIT is refused with for the bank's reasons; 0: it is not.
    function _refuseBankCredit(
        uint32 bankNo,
        uint32 operatorNo,
        uint96 amount
    ) internal view returns (uint8) {
        if (_houses[bankNo].operatorNo != operatorNo) return Codes.BANK_CLOSED;
        if (amount > _unreserved(bankNo)) return Codes.BANK_SHORT;
        if (uint256(_today(bankNo).credited) + amount > limits(bankNo).dayCredit) {
            return Codes.DAY_LIMIT;
        }
        return 0;
    }

    /// @dev The bank pays a win without a bet.
    function _payCredit(uint32 bankNo, uint96 amount) internal {
        _houses[bankNo].bankroll -= amount;
        _today(bankNo).credited += amount;
    }

    /// @dev A winner was refused with `code`: the bank takes no bet for the rest of the day.
    function _halt(uint32 bankNo, uint8 code) internal {
        _today(bankNo).halted = true;
        emit Halted(bankNo, code, _nextEvent());
    }

    // ------------------------------------------------------------------------------- private

    function _today(uint32 bankNo) private view returns (Day storage) {
        return _days[bankNo][block.timestamp / 1 days];
    }

    function _knownBank(uint32 bankNo) private view returns (House storage house) {
        house = _houses[bankNo];
        if (house.operatorNo == 0) revert BankUnknown(bankNo);
    }

    function _asBankAdmin(uint32 bankNo) private view returns (House storage house) {
        house = _knownBank(bankNo);
        if (msg.sender != house.admin) revert NotAllowed(msg.sender);
    }

    function _min(uint256 a, uint256 b) private pure returns (uint256) {
        return a < b ? a : b;
    }

    function _emitLimitsSet(uint32 bankNo, Limits calldata limits_, uint40 readyAt) private {
        emit LimitsSet(
            bankNo,
            limits_.maxPayout,
            limits_.stopLoss,
            limits_.dayWon,
            limits_.dayCredit,
            limits_.maxHorizon,
            readyAt,
            _nextEvent()
        );
    }
}
