// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {EventCounter} from "../EventCounter.sol";
import {IDesk} from "../IDesk.sol";
import {IBetBook} from "../IBetBook.sol";

/// @notice Who may do what, and the operators' lanes.
abstract contract PlainOperators is IBetBook, EventCounter {
    uint256 private constant MAX_SHARDS = 32_768;
    uint256 private constant MAX_EXECUTORS = 64;
    uint256 private constant MAX_NOTICE_S = 7 days;

    /// @inheritdoc IDesk
    uint32 public immutable override noticeS;
    /// @inheritdoc IDesk
    mapping(uint32 operatorNo => address) public override operatorOf;
    /// @inheritdoc IDesk
    mapping(uint32 operatorNo => mapping(address executor => uint40))
        public
        override executorReadyAt;
    /// @inheritdoc IBetBook
    mapping(uint48 lane => uint48 next) public override lane;

    mapping(address operator => Operator) internal _operators;
    uint32 private _operatorCount;

    constructor(uint32 noticeS_) {
        if (noticeS_ == 0 || noticeS_ > MAX_NOTICE_S) revert NoticeOutOfRange(noticeS_);
        noticeS = noticeS_;
    }

    /// @inheritdoc IDesk
    function registerOperator(
        uint16 shards,
        address[] calldata executors,
        address guardian
    ) external returns (uint32 operatorNo) {
        if (_operators[msg.sender].operatorNo != 0) revert OperatorExists(msg.sender);
        if (shards == 0 || shards > MAX_SHARDS || (shards & (shards - 1)) != 0) {
            revert ShardsInvalid(shards);
        }
        if (executors.length > MAX_EXECUTORS) revert TooManyExecutors(executors.length);
        _operatorCount++;
        operatorNo = _operatorCount;
        operatorOf[operatorNo] = msg.sender;
        _operators[msg.sender] = Operator({
            operatorNo: operatorNo,
            shards: shards,
            admin: msg.sender,
            pendingAdmin: address(0),
            guardian: guardian,
            pendingGuardian: address(0)
        });
        emit OperatorRegistered(msg.sender, operatorNo, shards, _nextEvent());
        emit AdminSet(msg.sender, msg.sender, _nextEvent());
        emit GuardianSet(msg.sender, guardian, _nextEvent());
        for (uint256 i = 0; i < executors.length; i++) {
            _setExecutor(msg.sender, operatorNo, executors[i], uint40(block.timestamp));
        }
    }

    /// @inheritdoc IDesk
    function setExecutor(address operator_, address executor, bool enabled) external {
        uint32 operatorNo = _asAdmin(operator_).operatorNo;
        bool isEnabled = executorReadyAt[operatorNo][executor] != 0;
        if (enabled == isEnabled) revert ExecutorUnchanged(executor);
        _setExecutor(operator_, operatorNo, executor, enabled ? _afterNotice() : 0);
    }

    /// @inheritdoc IDesk
    function disableExecutor(address operator_, address executor) external {
        Operator storage known = _knownOperator(operator_);
        if (msg.sender != known.guardian) revert NotAllowed(msg.sender);
        if (executorReadyAt[known.operatorNo][executor] == 0) revert ExecutorUnchanged(executor);
        _setExecutor(operator_, known.operatorNo, executor, 0);
    }

    /// @inheritdoc IDesk
    function setGuardian(address operator_, address successor) external {
        Operator storage known = _asAdmin(operator_);
        if (successor == address(0)) revert ZeroValue();
        known.pendingGuardian = successor;
        emit GuardianNamed(operator_, successor, _nextEvent());
    }

    /// @inheritdoc IDesk
    function acceptGuardian(address operator_) external {
        Operator storage known = _knownOperator(operator_);
        _checkNamed(known.pendingGuardian);
        known.guardian = msg.sender;
        known.pendingGuardian = address(0);
        emit GuardianSet(operator_, msg.sender, _nextEvent());
    }

    /// @inheritdoc IDesk
    function transferAdmin(address operator_, address successor) external {
        _asAdmin(operator_).pendingAdmin = successor;
        emit AdminNamed(operator_, successor, _nextEvent());
    }

    /// @inheritdoc IDesk
    function acceptAdmin(address operator_) external {
        Operator storage known = _knownOperator(operator_);
        _checkNamed(known.pendingAdmin);
        known.admin = msg.sender;
        known.pendingAdmin = address(0);
        emit AdminSet(operator_, msg.sender, _nextEvent());
    }

    /// @inheritdoc IBetBook
    function operator(address operator_) external view returns (Operator memory) {
        return _operators[operator_];
    }

    /// @dev The operator; reverts where there is none.
    function _knownOperator(address operator_) internal view returns (Operator storage known) {
        known = _operators[operator_];
        if (known.operatorNo == 0) revert OperatorUnknown(operator_);
    }

    /// @dev The operator whose admin is calling.
    function _asAdmin(address operator_) internal view returns (Operator storage known) {
        known = _knownOperator(operator_);
        if (msg.sender != known.admin) revert NotAllowed(msg.sender);
    }

    /// @dev Reverts unless the caller was named; nobody is as long as the name is zero.
    function _checkNamed(address named) internal view {
        if (named == address(0) || msg.sender != named) revert NotAllowed(msg.sender);
    }

    /// @dev Reverts unless the lane exists and the caller is an active executor of its operator.
    function _checkExecutor(uint48 lane_) internal view {
        uint32 operatorNo = _operatorNoOf(lane_);
        if (uint16(lane_) >= _shardsOf(lane_)) revert LaneUnknown(lane_);
        uint40 readyAt = executorReadyAt[operatorNo][msg.sender];
        if (readyAt == 0 || block.timestamp < readyAt) revert NotAllowed(msg.sender);
    }

    /// @dev Reverts unless the player's items belong to the lane.
    function _checkShard(uint48 lane_, address player) internal view {
        if (uint160(player) % _shardsOf(lane_) != uint16(lane_)) revert WrongShard(player, lane_);
    }

    function _operatorNoOf(uint48 lane_) internal pure returns (uint32) {
        return uint32(lane_ >> 16);
    }

    function _afterNotice() internal view returns (uint40) {
        return uint40(block.timestamp + noticeS);
    }

    /// @dev 0 where there is no operator.
    function _shardsOf(uint48 lane_) private view returns (uint16) {
        return _operators[operatorOf[_operatorNoOf(lane_)]].shards;
    }

    function _setExecutor(
        address operator_,
        uint32 operatorNo,
        address executor,
        uint40 readyAt
    ) private {
        executorReadyAt[operatorNo][executor] = readyAt;
        emit ExecutorSet(operator_, executor, readyAt, _nextEvent());
    }
}
