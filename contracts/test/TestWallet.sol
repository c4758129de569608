// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

import {ITreasury} from "../ITreasury.sol";

/// @notice A contract account whose owner's key signs for it (ERC-1271). For tests only.
contract TestWallet {
    address private immutable OWNER;

    constructor(address owner) {
        OWNER = owner;
    }

    function isValidSignature(
        bytes32 hash,
        bytes calldata signature
    ) external view returns (bytes4) {
        (address signer, , ) = ECDSA.tryRecoverCalldata(hash, signature);
        return signer == OWNER ? this.isValidSignature.selector : bytes4(0xffffffff);
    }

    function deposit(ITreasury treasury, uint96 amount) external {
        IERC20(treasury.token()).approve(address(treasury), amount);
        treasury.deposit(address(this), amount);
    }
}
