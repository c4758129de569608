// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IBetBook} from "../IBetBook.sol";

/// @notice A place in some bytes.
struct Reader {
    uint256 position;
}

/// @notice Reads bytes on from a place, field by field, big endian. What ends too early or is out
/// of its range is `MalformedOps`.
library PlainReader {
    /// @dev `size` (1 to 32) bytes as a number.
    function number(
        Reader memory reader,
        bytes calldata data,
        uint256 size
    ) internal pure returns (uint256) {
        uint256 start = reader.position;
        skip(reader, data, size);
        // As bytes32 the field stands at the left, with zeros behind it.
        return uint256(bytes32(data[start:reader.position])) >> (256 - 8 * size);
    }

    function readU8(Reader memory reader, bytes calldata data) internal pure returns (uint8) {
        return uint8(number(reader, data, 1));
    }

    function readU32(Reader memory reader, bytes calldata data) internal pure returns (uint32) {
        return uint32(number(reader, data, 4));
    }

    function readU40(Reader memory reader, bytes calldata data) internal pure returns (uint40) {
        return uint40(number(reader, data, 5));
    }

    function readU48(Reader memory reader, bytes calldata data) internal pure returns (uint48) {
        return uint48(number(reader, data, 6));
    }

    function readU96(Reader memory reader, bytes calldata data) internal pure returns (uint96) {
        return uint96(number(reader, data, 12));
    }

    function readAddress(
        Reader memory reader,
        bytes calldata data
    ) internal pure returns (address) {
        return address(uint160(number(reader, data, 20)));
    }

    function readBytes8(Reader memory reader, bytes calldata data) internal pure returns (bytes8) {
        return bytes8(uint64(number(reader, data, 8)));
    }

    function readBytes16(
        Reader memory reader,
        bytes calldata data
    ) internal pure returns (bytes16) {
        return bytes16(uint128(number(reader, data, 16)));
    }

    /// @dev One byte, 0 or 1.
    function readBool(Reader memory reader, bytes calldata data) internal pure returns (bool) {
        return readUpTo(reader, data, 1) == 1;
    }

    /// @dev One byte, 1 to `most`.
    function readCount(
        Reader memory reader,
        bytes calldata data,
        uint256 most
    ) internal pure returns (uint8 count) {
        count = readUpTo(reader, data, most);
        if (count == 0) revert IBetBook.MalformedOps(reader.position - 1);
    }

    /// @dev One byte, 0 to `most`.
    function readUpTo(
        Reader memory reader,
        bytes calldata data,
        uint256 most
    ) internal pure returns (uint8 value) {
        value = readU8(reader, data);
        if (value > most) revert IBetBook.MalformedOps(reader.position - 1);
    }

    /// @dev Passes over `size` bytes.
    function skip(Reader memory reader, bytes calldata data, uint256 size) internal pure {
        if (reader.position + size > data.length) revert IBetBook.MalformedOps(reader.position);
        reader.position += size;
    }
}
