// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BookStorage} from "./BookStorage.sol";
import {IDesk} from "./IDesk.sol";

/// @notice Who may do what for an operator.
abstract contract Operators is BookStorage {
    uint256 private constant MAX_SHARDS = 1 << 15;
    uint256 private constant MAX_EXECUTORS = 64;

    /// @inheritdoc IDesk
    function registerOperator(
        uint16 shards,
        address[] calldata executors,
        address guardian
    ) external returns (uint32 operatorNo) {
        Operator storage own = _operators[msg.sender];
        if (own.operatorNo != 0) revert OperatorExists(msg.sender);
        if (shards == 0 || shards > MAX_SHARDS || shards & (shards - 1) != 0) {
            revert ShardsInvalid(shards);
        }
        if (executors.length > MAX_EXECUTORS) revert TooManyExecutors(executors.length);
        operatorNo = ++_operatorCount;
        operatorOf[operatorNo] = msg.sender;
        _shards[operatorNo] = shards;
        (own.operatorNo, own.shards, own.admin, own.guardian) = (
            operatorNo,
            shards,
            msg.sender,
            guardian
        );
        emit OperatorRegistered(msg.sender, operatorNo, shards, _nextEvent());
        emit AdminSet(msg.sender, msg.sender, _nextEvent());
        emit GuardianSet(msg.sender, guardian, _nextEvent());
        for (uint256 i = 0; i < executors.length; i++) {
            _setExecutor(msg.sender, operatorNo, executors[i], uint40(block.timestamp));
        }
    }

    /// @inheritdoc IDesk
    function setExecutor(address operator_, address executor, bool enabled) external {
        Operator storage known = _administered(operator_);
        _switchExecutor(operator_, known.operatorNo, executor, enabled);
    }

    /// @inheritdoc IDesk
    function disableExecutor(address operator_, address executor) external {
        Operator storage known = _knownOperator(operator_);
        if (msg.sender != known.guardian) revert NotAllowed(msg.sender);
        _switchExecutor(operator_, known.operatorNo, executor, false);
    }

    /// @inheritdoc IDesk
    function setGuardian(address operator_, address successor) external {
        Operator storage known = _administered(operator_);
        if (successor == address(0)) revert ZeroValue();
        known.pendingGuardian = successor;
        emit GuardianNamed(operator_, successor, _nextEvent());
    }

    /// @inheritdoc IDesk
    function acceptGuardian(address operator_) external {
        Operator storage known = _knownOperator(operator_);
        if (msg.sender != known.pendingGuardian) revert NotAllowed(msg.sender);
        (known.guardian, known.pendingGuardian) = (msg.sender, address(0));
        emit GuardianSet(operator_, msg.sender, _nextEvent());
    }

    /// @inheritdoc IDesk
    function transferAdmin(address operator_, address successor) external {
        _administered(operator_).pendingAdmin = successor;
        emit AdminNamed(operator_, successor, _nextEvent());
    }

    /// @inheritdoc IDesk
    function acceptAdmin(address operator_) external {
        Operator storage known = _knownOperator(operator_);
        if (msg.sender != known.pendingAdmin) revert NotAllowed(msg.sender);
        (known.admin, known.pendingAdmin) = (msg.sender, address(0));
        emit AdminSet(operator_, msg.sender, _nextEvent());
    }

    /// @dev The operator's roles; the caller is its admin.
    function _administered(address operator_) internal view returns (Operator storage known) {
        known = _knownOperator(operator_);
        if (msg.sender != known.admin) revert NotAllowed(msg.sender);
    }

    function _switchExecutor(
        address operator_,
        uint32 operatorNo,
        address executor,
        bool enabled
    ) private {
        if ((executorReadyAt[operatorNo][executor] != 0) == enabled) {
            revert ExecutorUnchanged(executor);
        }
        uint256 readyAt = enabled ? block.timestamp + noticeS : 0;
        _setExecutor(operator_, operatorNo, executor, uint40(readyAt));
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
