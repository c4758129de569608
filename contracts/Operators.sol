// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {EventCounter} from "./EventCounter.sol";
import {IBetBook} from "./IBetBook.sol";

/// @notice Who may do what, and the operators' lanes.
abstract contract Operators is IBetBook, EventCounter {
    uint256 private constant MAX_SHARDS = 1 << 15;
    uint256 private constant MAX_EXECUTORS = 64;

    /// @inheritdoc IBetBook
    mapping(uint32 operatorNo => address) public override operatorOf;
    /// @inheritdoc IBetBook
    mapping(uint32 operatorNo => mapping(address executor => uint40))
        public
        override executorReadyAt;
    /// @inheritdoc IBetBook
    mapping(uint48 lane => uint48 next) public override lane;

    mapping(address operator => Operator) private _operators;
    mapping(uint32 operatorNo => uint16) internal _shards;
    uint32 private _operatorCount;

    /// @inheritdoc IBetBook
    function registerOperator(
        uint16 shards,
        address[] calldata executors,
        address guardian
    ) external returns (uint32 operatorNo) {
        if (_operators[msg.sender].operatorNo != 0) revert OperatorExists(msg.sender);
        if (shards == 0 || shards > MAX_SHARDS || shards & (shards - 1) != 0) {
            revert ShardsInvalid(shards);
        }
        if (executors.length > MAX_EXECUTORS) revert TooManyExecutors(executors.length);
        operatorNo = ++_operatorCount;
        operatorOf[operatorNo] = msg.sender;
        _shards[operatorNo] = shards;
        _operators[msg.sender] = Operator(operatorNo, shards, msg.sender, guardian);
        emit OperatorRegistered(msg.sender, operatorNo, shards, _nextEvent());
        emit AdminSet(msg.sender, msg.sender, _nextEvent());
        emit GuardianSet(msg.sender, guardian, _nextEvent());
        for (uint256 i = 0; i < executors.length; i++) {
            executorReadyAt[operatorNo][executors[i]] = uint40(block.timestamp);
            emit ExecutorSet(msg.sender, executors[i], uint40(block.timestamp), _nextEvent());
        }
    }

    /// @inheritdoc IBetBook
    function operator(address operator_) external view returns (Operator memory) {
        return _operators[operator_];
    }

    /// @dev The operator's number and admin; reverts where there is none.
    function _knownOperator(address operator_) internal view returns (Operator storage known) {
        known = _operators[operator_];
        if (known.operatorNo == 0) revert OperatorUnknown(operator_);
    }

    /// @dev Reverts unless the lane exists and the caller is an active executor of its operator.
    function _checkExecutor(uint48 lane_) internal view returns (uint32 operatorNo, uint16 shards) {
        operatorNo = uint32(lane_ >> 16);
        shards = _shards[operatorNo];
        if (uint16(lane_) >= shards) revert LaneUnknown(lane_);
        uint40 readyAt = executorReadyAt[operatorNo][msg.sender];
        if (readyAt == 0 || block.timestamp < readyAt) revert NotAllowed(msg.sender);
    }
}
