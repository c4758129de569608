// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

import {Signatures} from "./Signatures.sol";

/// @title MockToken
/// @notice A MOCK: anyone mints as much as they like. For development chains only.
contract MockToken is ERC20, Signatures {
    bytes32 private constant PERMIT_TYPEHASH =
        keccak256(
            "Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"
        );

    /// @notice The permit came too late.
    error PermitExpired(uint256 deadline);
    /// @notice The permit is not the owner's over exactly these values.
    error PermitInvalid(address owner);

    /// @notice The nonce of the owner's next permit.
    mapping(address owner => uint256) public nonces;

    uint8 private immutable DECIMALS;

    constructor(uint8 decimals_) ERC20("Mock Token", "MOCK") Signatures("Mock Token") {
        DECIMALS = decimals_;
    }

    /// @notice Makes `amount` new tokens for `to`.
    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    /// @notice ERC-2612: approves by signature.
    function permit(
        address owner,
        address spender,
        uint256 value,
        uint256 deadline,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external {
        if (block.timestamp > deadline) revert PermitExpired(deadline);
        bytes32 structHash = keccak256(
            abi.encode(PERMIT_TYPEHASH, owner, spender, value, nonces[owner]++, deadline)
        );
        (address recovered, ECDSA.RecoverError err, ) = ECDSA.tryRecover(
            _typedDataHash(structHash),
            v,
            r,
            s
        );
        if (err != ECDSA.RecoverError.NoError || recovered != owner) revert PermitInvalid(owner);
        _approve(owner, spender, value);
    }

    /// @notice ERC-2612: the hash of the EIP-712 domain ("Mock Token", "1").
    function DOMAIN_SEPARATOR() external view returns (bytes32) {
        return _domainSeparator();
    }

    /// @notice Digits after the point, for display.
    function decimals() public view override returns (uint8) {
        return DECIMALS;
    }
}
