// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice Numbers that follow from one seed.
abstract contract Random {
    uint256 internal _seed;

    function _random() internal returns (uint256 drawn) {
        drawn = _seed;
        assembly ("memory-safe") {
            mstore(0, drawn)
            drawn := keccak256(0, 32)
        }
        _seed = drawn;
    }

    /// @dev One of 0 to `count` - 1.
    function _below(uint256 count) internal returns (uint256) {
        return _random() % count;
    }

    /// @dev Both ends included.
    function _between(uint256 least, uint256 most) internal returns (uint256) {
        return least + _below(most - least + 1);
    }

    /// @dev True once in `times`.
    function _once(uint256 times) internal returns (bool) {
        return _below(times) == 0;
    }
}
