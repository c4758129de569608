// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IBetBook} from "./IBetBook.sol";
import {ITreasury} from "./ITreasury.sol";
import {Operators} from "./Operators.sol";

/// @notice The operators' bankrolls, what of them is reserved, and their limits.
abstract contract Banks is Operators {
    /// @dev One slot: all that most items need of a bank.
    struct Chips {
        uint96 bankroll;
        uint96 reserved;
        uint32 operatorNo;
    }

    /// @inheritdoc IBetBook
    ITreasury public immutable override treasury;

    mapping(uint32 bankNo => Chips) internal _chips;
    mapping(uint32 bankNo => uint96) internal _locked;
    mapping(uint32 bankNo => Limits) internal _limits;
    mapping(uint32 bankNo => address) private _bankAdmin;
    uint32 private _bankCount;
    /// @dev Σ seats + Σ bankrolls + Σ locked. A batch only moves chips between them.
    uint96 internal _owed;

    constructor(ITreasury treasury_) {
        if (address(treasury_).code.length == 0) revert TreasuryWithoutCode(address(treasury_));
        treasury = treasury_;
    }

    /// @inheritdoc IBetBook
    function openBank(
        address operator_,
        address admin,
        Limits calldata limits_
    ) external returns (uint32 bankNo) {
        Operator storage known = _knownOperator(operator_);
        if (msg.sender != known.admin) revert NotAllowed(msg.sender);
        if (admin == address(0)) revert ZeroValue();
        bankNo = ++_bankCount;
        _chips[bankNo].operatorNo = known.operatorNo;
        _bankAdmin[bankNo] = admin;
        _limits[bankNo] = limits_;
        emit BankOpened(bankNo, operator_, admin, _nextEvent());
        emit LimitsSet(
            bankNo,
            limits_.maxPayout,
            limits_.maxHorizon,
            uint40(block.timestamp),
            _nextEvent()
        );
    }

    /// @inheritdoc IBetBook
    function fund(uint32 bankNo, uint96 amount) external {
        if (_chips[bankNo].operatorNo == 0) revert BankUnknown(bankNo);
        if (msg.sender != _bankAdmin[bankNo]) revert NotAllowed(msg.sender);
        if (amount == 0) revert ZeroValue();
        _chips[bankNo].bankroll += amount;
        _owed += amount;
        emit BankFunded(bankNo, amount, _nextEvent());
        treasury.pull(msg.sender, amount);
    }

    /// @inheritdoc IBetBook
    function bank(uint32 bankNo) external view returns (Bank memory) {
        Chips memory chips = _chips[bankNo];
        return
            Bank(
                chips.operatorNo,
                _bankAdmin[bankNo],
                chips.bankroll,
                chips.reserved,
                _locked[bankNo]
            );
    }

    /// @inheritdoc IBetBook
    function limits(uint32 bankNo) external view returns (Limits memory) {
        return _limits[bankNo];
    }

    /// @inheritdoc IBetBook
    function solvency() external view returns (uint256 held, uint256 owed) {
        return (treasury.clientBalance(address(this)), _owed);
    }
}
