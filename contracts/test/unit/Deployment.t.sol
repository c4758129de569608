// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IDesk} from "../../IDesk.sol";
import {MORE_VM} from "../campaign/Deploy.t.sol";
import {Fixture} from "./Fixture.t.sol";

/// @notice What a BetBook is deployed with can never change, so it is checked.
contract DeploymentTest is Fixture {
    function test_theTreasuryHasCode() external {
        bytes memory expected = _error(IDesk.TreasuryWithoutCode.selector, _player);
        _refuseDeployment(_player, NOTICE_S, expected);
    }

    function test_theNoticeIsOneSecondToSevenDays() external {
        uint32[2] memory invalid = [uint32(0), 7 days + 1];
        for (uint256 i = 0; i < invalid.length; i++) {
            bytes memory expected = _error(IDesk.NoticeOutOfRange.selector, invalid[i]);
            _refuseDeployment(address(_treasury), invalid[i], expected);
        }
        require(_book.noticeS() == NOTICE_S, "notice");
        require(address(_book.treasury()) == address(_treasury), "treasury");
    }

    function _refuseDeployment(address treasury, uint32 noticeS, bytes memory expected) private {
        bytes memory code = bytes.concat(
            MORE_VM.getCode("BetBook.sol:BetBook"),
            abi.encode(treasury, noticeS)
        );
        address deployed;
        bytes memory answer;
        assembly ("memory-safe") {
            deployed := create(0, add(code, 32), mload(code))
            answer := mload(0x40)
            mstore(answer, returndatasize())
            returndatacopy(add(answer, 32), 0, returndatasize())
            mstore(0x40, add(answer, and(add(returndatasize(), 63), not(31))))
        }
        require(deployed == address(0), "deployed");
        require(keccak256(answer) == keccak256(expected), "refused for another reason");
    }
}
