// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import {IBetBook} from "../../IBetBook.sol";
import {ITreasury} from "../../ITreasury.sol";
import {System} from "./World.t.sol";

interface MoreVm {
    /// @notice The creation code of a contract of this project, `File.sol:Name`.
    function getCode(string calldata name) external view returns (bytes memory code);
    /// @notice Takes `account` and its slots for not touched yet, in what gas they cost.
    function cool(address account) external;
}

/// @dev Cheatcodes that only these tests use.
MoreVm constant MORE_VM = MoreVm(0x7109709ECfa91a80626fF3989D68f67F5b1DD12D);

/// @dev Tests deploy artifacts and import interfaces only: what is tested is compiled as it is
/// deployed, and the tests themselves may be compiled in the way that is fastest.
library Deploy {
    function token() internal returns (IERC20) {
        return IERC20(_create("MockToken", abi.encode(uint8(6))));
    }

    function treasury(address token_) internal returns (ITreasury) {
        return ITreasury(_create("Treasury", abi.encode(token_)));
    }

    /// @param name "BetBook" or "PlainBetBook".
    function book(
        string memory name,
        ITreasury treasury_,
        uint32 noticeS
    ) internal returns (IBetBook) {
        return IBetBook(_create(name, abi.encode(treasury_, noticeS)));
    }

    function system(
        string memory bookName,
        uint32 noticeS
    ) internal returns (System memory deployed) {
        deployed.token = token();
        deployed.treasury = treasury(address(deployed.token));
        deployed.book = book(bookName, deployed.treasury, noticeS);
    }

    /// @param path As in "Handler.t.sol:Handler".
    function artifact(
        string memory path,
        bytes memory arguments
    ) internal returns (address deployed) {
        bytes memory code = bytes.concat(MORE_VM.getCode(path), arguments);
        assembly ("memory-safe") {
            deployed := create(0, add(code, 32), mload(code))
        }
        require(deployed != address(0), path);
    }

    function _create(
        string memory name,
        bytes memory arguments
    ) private returns (address) {
        return artifact(string.concat(name, ".sol:", name), arguments);
    }
}
