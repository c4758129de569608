// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

/// @notice EIP-712 signatures of one domain (name, "1", chain, this contract).
/// @dev OpenZeppelin's EIP712 and SignatureChecker use MCOPY, which `paris` does not have.
abstract contract Signatures {
    bytes32 private constant DOMAIN_TYPEHASH =
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");

    bytes32 private immutable NAME_HASH;
    bytes32 private immutable CACHED_SEPARATOR;
    uint256 private immutable CACHED_CHAIN_ID;
    address private immutable CACHED_THIS;

    constructor(string memory name) {
        NAME_HASH = keccak256(bytes(name));
        CACHED_CHAIN_ID = block.chainid;
        CACHED_THIS = address(this);
        CACHED_SEPARATOR = _buildSeparator();
    }

    /// @dev Follows the chain id, so that a signature never counts on both sides of a chain split, and the
    /// contract whose storage the code runs on.
    function _domainSeparator() internal view returns (bytes32) {
        bool isCached = block.chainid == CACHED_CHAIN_ID && address(this) == CACHED_THIS;
        return isCached ? CACHED_SEPARATOR : _buildSeparator();
    }

    /// @dev The hash that a wallet signs for `structHash`.
    function _typedDataHash(bytes32 structHash) internal view returns (bytes32) {
        return keccak256(abi.encodePacked(hex"1901", _domainSeparator(), structHash));
    }

    /// @dev Whether the key of `signer` made `signature`. Never reverts, never calls out.
    function _signedByKey(
        address signer,
        bytes32 structHash,
        bytes calldata signature
    ) internal view returns (bool) {
        (address recovered, ECDSA.RecoverError err, ) = ECDSA.tryRecoverCalldata(
            _typedDataHash(structHash),
            signature
        );
        return err == ECDSA.RecoverError.NoError && recovered == signer;
    }

    /// @dev The same, or the contract at `signer` says by ERC-1271 that it agrees. The key comes
    /// first: an account that delegates its code (EIP-7702) still signs with its key.
    function _signedBy(
        address signer,
        bytes32 structHash,
        bytes calldata signature
    ) internal view returns (bool) {
        if (_signedByKey(signer, structHash, signature)) return true;
        if (signer.code.length == 0) return false;
        (bool success, bytes memory answer) = signer.staticcall(
            abi.encodeCall(IERC1271.isValidSignature, (_typedDataHash(structHash), signature))
        );
        return
            success &&
            answer.length == 32 &&
            abi.decode(answer, (bytes32)) == bytes32(IERC1271.isValidSignature.selector);
    }

    function _buildSeparator() private view returns (bytes32) {
        return
            keccak256(
                abi.encode(DOMAIN_TYPEHASH, NAME_HASH, keccak256("1"), block.chainid, address(this))
            );
    }
}
