// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {EventCounter} from "./EventCounter.sol";
import {IDesk} from "./IDesk.sol";
import {ITreasury} from "./ITreasury.sol";

/// @notice The whole storage. `BetBook` and its `Desk` both begin with it and add nothing, so that the
/// desk's code works on the book's storage.
abstract contract BookStorage is IDesk, EventCounter {
    uint256 private constant MAX_NOTICE_S = 7 days;

    /// @dev A bank's slots. `Netting` reads and writes the first seven as whole words: their order and
    /// their fields' order, from the lowest bit up, are part of it.
    struct BankSlots {
        Chips chips;
        Day day;
        LimitSlots active;
        Vault vault;
        LimitSlots announced;
        Credits credits;
        address admin;
        address pendingAdmin;
        address payout;
    }

    /// @dev All that a settlement needs to know of a bank.
    struct Chips {
        uint96 bankroll;
        uint96 reserved;
        uint32 operatorNo;
        uint32 pausedUntil;
    }

    /// @dev Counts for `day` only (days since the Unix epoch); on any other day all are zero.
    struct Day {
        uint96 loss;
        uint96 won;
        uint32 day;
        bool halted;
    }

    /// @dev Of the active limits, `readyAt` says from when on the announced ones count instead; 0: there
    /// are none.
    struct LimitSlots {
        uint96 maxPayout;
        uint96 stopLoss;
        uint32 maxHorizon;
        uint32 readyAt;
        uint96 dayWon;
        uint96 dayCredit;
    }

    /// @dev `used` is never zero, so that the slot is never new: locking the first stake again is 17,100
    /// gas cheaper.
    struct Vault {
        uint96 locked;
        uint96 exiting;
        uint40 exitAt;
        uint8 used;
    }

    struct Credits {
        uint96 credited;
        uint32 day;
    }

    /// @dev What may still be topped up under that grant; nothing under any other.
    struct TopUp {
        uint96 left;
        uint32 grantNo;
    }

    /// @inheritdoc IDesk
    ITreasury public immutable override treasury;
    /// @inheritdoc IDesk
    uint32 public immutable override noticeS;

    /// @inheritdoc IDesk
    mapping(uint32 operatorNo => address) public override operatorOf;
    /// @inheritdoc IDesk
    mapping(uint32 operatorNo => mapping(address executor => uint40))
        public
        override executorReadyAt;
    mapping(address operator => Operator) internal _operators;
    mapping(uint32 operatorNo => uint16) internal _shards;
    mapping(uint32 bankNo => BankSlots) internal _banks;
    /// @dev `Netting` reads and writes a seat as one word: the order of its fields is part of it.
    mapping(uint32 operatorNo => mapping(address player => Seat)) internal _seats;
    mapping(uint32 operatorNo => mapping(address player => TopUp)) internal _topUps;
    mapping(uint48 lane => uint48 next) internal _lanes;
    /// @dev See `Pages`.
    mapping(uint48 lane => mapping(uint32 slot => uint256)) internal _pages;
    uint32 internal _operatorCount;
    uint32 internal _bankCount;
    /// @dev Σ seats + Σ bankrolls + Σ locked. A batch only moves chips between them.
    uint96 internal _owed;

    constructor(ITreasury treasury_, uint32 noticeS_) {
        if (address(treasury_).code.length == 0) revert TreasuryWithoutCode(address(treasury_));
        if (noticeS_ == 0 || noticeS_ > MAX_NOTICE_S) revert NoticeOutOfRange(noticeS_);
        treasury = treasury_;
        noticeS = noticeS_;
    }

    /// @dev Days since the Unix epoch.
    function _today() internal view returns (uint32) {
        return uint32(block.timestamp / 1 days);
    }

    /// @dev The operator's roles; reverts where there is none.
    function _knownOperator(address operator_) internal view returns (Operator storage known) {
        known = _operators[operator_];
        if (known.operatorNo == 0) revert OperatorUnknown(operator_);
    }

    function _limitsOf(BankSlots storage slots) internal view returns (Limits memory) {
        uint32 readyAt = slots.active.readyAt;
        bool ready = readyAt != 0 && block.timestamp >= readyAt;
        return _readLimits(ready ? slots.announced : slots.active);
    }

    function _readLimits(LimitSlots storage from) internal view returns (Limits memory) {
        return Limits(from.maxPayout, from.stopLoss, from.dayWon, from.dayCredit, from.maxHorizon);
    }

    function _topUpLeft(
        uint32 operatorNo,
        address player,
        uint32 grantNo
    ) internal view returns (uint96) {
        TopUp storage topUp = _topUps[operatorNo][player];
        return topUp.grantNo == grantNo ? topUp.left : 0;
    }
}
