// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice How open bets are kept: a slot has the hash of a page of up to 64 bets and the mask of the open ones.
/// The preimage is firstSeq u48 | due u40 | round 8 bytes | bonded u8 | count u8 | count × (player 20
/// bytes | bank u32 | stake u96 | profit u96). It never changes; only the mask does. A slot's 192 bits of
/// the hash cost 2^96 hashes to collide with.
abstract contract Pages {
    uint256 internal constant FREE = 1;
    uint256 private constant MASK_MAX = type(uint64).max;
    /// @dev Bytes of the preimage: before its leaves, and of each leaf.
    uint256 internal constant PAGE_HEADER_BYTES = 21;
    uint256 internal constant LEAF_BYTES = 48;

    function _isBusy(uint256 word) internal pure returns (bool) {
        return word > FREE;
    }

    function _openMask(uint256 word) internal pure returns (uint64) {
        return _isBusy(word) ? uint64(word) : 0;
    }

    function _isPageOf(uint256 word, bytes32 pageHash) internal pure returns (bool) {
        return _isBusy(word) && (word ^ uint256(pageHash)) <= MASK_MAX;
    }

    /// @dev Marked free, not deleted: the next page in the slot is 17,100 gas cheaper.
    function _pageWord(bytes32 pageHash, uint64 openMask) internal pure returns (uint256) {
        return openMask == 0 ? FREE : (uint256(pageHash) & ~MASK_MAX) | openMask;
    }
}
