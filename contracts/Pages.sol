// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IBetBook} from "./IBetBook.sol";

/// @notice Open bets: a slot keeps the hash of a page of up to 64 bets and the mask of the open ones.
/// The preimage is firstSeq u48 | due u40 | round 8 bytes | bonded u8 | count u8 | count × (player 20
/// bytes | bank u32 | stake u96 | profit u96). It never changes; only the mask does.
abstract contract Pages is IBetBook {
    uint256 internal constant NEVER_USED = 0;
    uint256 internal constant FREE = 1;
    uint256 private constant HASH_MASK = ~uint256(type(uint64).max);
    /// @dev Bytes of the preimage before its leaves, and of half a leaf.
    uint256 internal constant HEADER_BYTES = 21;
    uint256 private constant CHUNK_BYTES = 24;

    mapping(uint48 lane => mapping(uint32 slot => uint256)) internal _pages;

    /// @dev Collects the preimage word by word: `tail` holds the last `tailBytes` (< 32) bytes.
    struct PreimageWriter {
        bytes32[] words;
        uint256 count;
        uint256 tail;
        uint256 tailBytes;
    }

    /// @inheritdoc IBetBook
    function page(uint48 lane_, uint32 slot) external view returns (uint256) {
        return _pages[lane_][slot];
    }

    /// @inheritdoc IBetBook
    function isOpen(uint48 lane_, uint32 slot, uint8 offset) external view returns (bool) {
        return offset < 64 && (_openMask(_pages[lane_][slot]) >> offset) & 1 == 1;
    }

    /// @inheritdoc IBetBook
    function hashPage(bytes calldata preimage) external pure returns (bytes32) {
        return keccak256(preimage);
    }

    function _isBusy(uint256 word) internal pure returns (bool) {
        return word != NEVER_USED && word != FREE;
    }

    function _openMask(uint256 word) internal pure returns (uint64) {
        return _isBusy(word) ? uint64(word) : 0;
    }

    function _isPageOf(uint256 word, bytes32 pageHash) internal pure returns (bool) {
        return _isBusy(word) && (word & HASH_MASK) == (uint256(pageHash) & HASH_MASK);
    }

    /// @dev Marked free, not deleted: the next page in the slot is 17,100 gas cheaper.
    function _pageWord(bytes32 pageHash, uint64 openMask) internal pure returns (uint256) {
        return openMask == 0 ? FREE : (uint256(pageHash) & HASH_MASK) | openMask;
    }

    function _startPreimage(
        uint48 firstSeq,
        uint40 due,
        bytes8 round,
        bool bonded,
        uint8 count
    ) internal pure returns (PreimageWriter memory writer) {
        uint256 size = HEADER_BYTES + uint256(count) * 2 * CHUNK_BYTES;
        writer.words = new bytes32[](size / 32);
        writer.tail = uint168(
            bytes21(abi.encodePacked(firstSeq, due, round, uint8(bonded ? 1 : 0), count))
        );
        writer.tailBytes = HEADER_BYTES;
    }

    function _addLeaf(
        PreimageWriter memory writer,
        address player,
        uint32 bankNo,
        uint96 stake,
        uint96 profit
    ) internal pure {
        _addChunk(writer, (uint256(uint160(player)) << 32) | bankNo);
        _addChunk(writer, (uint256(stake) << 96) | profit);
    }

    function _addChunk(PreimageWriter memory writer, uint256 chunk) private pure {
        uint256 size = writer.tailBytes + CHUNK_BYTES;
        if (size < 32) {
            writer.tail = (writer.tail << (8 * CHUNK_BYTES)) | chunk;
            writer.tailBytes = size;
            return;
        }
        uint256 left = size - 32;
        writer.words[writer.count++] = bytes32(
            (writer.tail << (8 * (CHUNK_BYTES - left))) | (chunk >> (8 * left))
        );
        writer.tail = chunk & ((1 << (8 * left)) - 1);
        writer.tailBytes = left;
    }

    /// @dev 21 + 48 × count bytes end 21 or 5 bytes after a full word.
    function _finishPreimage(PreimageWriter memory writer) internal pure returns (bytes32) {
        return
            writer.tailBytes == HEADER_BYTES
                ? keccak256(abi.encodePacked(writer.words, bytes21(uint168(writer.tail))))
                : keccak256(abi.encodePacked(writer.words, bytes5(uint40(writer.tail))));
    }
}
