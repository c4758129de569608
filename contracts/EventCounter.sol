// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

interface IEventCounter {
    /// @notice How many numbered events this contract has emitted. They carry n = 1, 2, 3, … without
    /// a gap, so that whoever reads logs can prove that none is missing.
    function eventCount() external view returns (uint64);
}

/// @notice Numbers the events of a contract.
abstract contract EventCounter is IEventCounter {
    /// @inheritdoc IEventCounter
    uint64 public override eventCount;

    /// @dev The number of the event that is emitted next.
    function _nextEvent() internal returns (uint64) {
        return ++eventCount;
    }
}
