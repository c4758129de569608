// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Batch} from "../../Batch.sol";
import {Codes} from "../../Codes.sol";
import {IDesk} from "../../IDesk.sol";
import {ITreasury} from "../../ITreasury.sol";
import {VM} from "../Vm.sol";
import {Fixture} from "./Fixture.t.sol";

/// @notice Seats taken by grant, left by notice, swept by anyone.
contract SeatsTest is Fixture {
    string private constant SIT = "sit((address,uint96,uint96,uint96,uint32,uint32))";
    string private constant SIT_BY_SIG =
        "sit(address,(address,uint96,uint96,uint96,uint32,uint32),(uint40,uint48,uint40),bytes)";

    function test_aGrantIsTheNextOfASeatThatHasEnded() external {
        uint32 expiry = uint32(NOW) + SEAT_S;
        _refuse(PLAYER, _sitting(_grant(2)), _error(IDesk.SeatLive.selector, expiry));
        VM.warp(expiry);
        bytes memory expected = abi.encodeWithSelector(IDesk.GrantNoMismatch.selector, 3, 2);
        _refuse(PLAYER, _sitting(_grant(3)), expected);
        _as(PLAYER);
        _book.sit(_grant(2));
        require(_chips() == 2 * BUY_IN, "what was in the seat stays");
    }

    function test_aGrantEndsWithin30Days() external {
        VM.warp(NOW + SEAT_S);
        uint32[2] memory invalid = [uint32(block.timestamp), uint32(block.timestamp + 30 days + 1)];
        for (uint256 i = 0; i < invalid.length; i++) {
            IDesk.Grant memory grant = _grant(2);
            grant.expiry = invalid[i];
            bytes memory expected = _error(IDesk.ExpiryOutOfRange.selector, invalid[i]);
            _refuse(PLAYER, _sitting(grant), expected);
        }
    }

    function test_aGrantIsSomeOperators() external {
        IDesk.Grant memory grant = _grant(1);
        grant.operator = _actors[OUTSIDER];
        bytes memory expected = _error(IDesk.OperatorUnknown.selector, grant.operator);
        _refuse(PLAYER, _sitting(grant), expected);
    }

    function test_aSignedGrantFitsIn96Bits() external {
        IDesk.Grant memory grant = _grant(1);
        grant.topUp = type(uint96).max;
        bytes memory data = abi.encodeWithSignature(
            SIT_BY_SIG,
            _player,
            grant,
            IDesk.Allowing(0, 0, 0),
            ""
        );
        uint256 amount = uint256(grant.topUp) + BUY_IN;
        _refuse(OUTSIDER, data, _error(IDesk.GrantTooLarge.selector, amount));
    }

    function test_aContractSitsByItsOwnersSignature() external {
        _enrich(WALLET);
        IDesk.Grant memory grant = _grant(1);
        (, , uint48 nonce) = _treasury.allowance(_actors[WALLET], address(_book));
        IDesk.Allowing memory allowing = IDesk.Allowing(uint40(NOW + 1), nonce, uint40(NOW));
        bytes32 hash = _sitHash(address(_book), grant, allowing);
        bytes memory signature = _signTreasury(PLAYER, address(_treasury), hash);
        bytes memory expected = _error(ITreasury.SignatureInvalid.selector, _actors[WALLET]);
        _refuse(OUTSIDER, _sittingBySig(grant, allowing, signature), expected);

        signature = _signTreasury(WALLET, address(_treasury), hash);
        _as(OUTSIDER);
        (bool success, ) = address(_book).call(_sittingBySig(grant, allowing, signature));
        require(success, "refused");
        require(_book.seat(_actors[WALLET], _operator).balance == BUY_IN, "seat");
        require(_book.topUpLeft(_actors[WALLET], _operator) == TOP_UP, "top-up");
    }

    // ------------------------------------------------------------------------------- leaving

    function test_leavingTakesTheNoticeOnce() external {
        _as(PLAYER);
        _book.leave(_operator);
        VM.warp(NOW + 1);
        _as(PLAYER);
        _book.leave(_operator);
        require(_book.seat(_player, _operator).expiry == NOW + NOTICE_S, "not delayed");
        VM.warp(NOW + NOTICE_S);
        bytes memory data = abi.encodeCall(IDesk.leave, (_operator));
        _refuse(PLAYER, data, _error(IDesk.SeatNotLive.selector, NOW + NOTICE_S));
        bytes memory unknown = abi.encodeCall(IDesk.leave, (_player));
        _refuse(PLAYER, unknown, _error(IDesk.OperatorUnknown.selector, _player));
    }

    function test_aSignatureToLeaveIsOfThisGrantAndInTime() external {
        uint40 late = uint40(NOW - 1);
        _refuse(OUTSIDER, _leaving(late, 1), _error(IDesk.DeadlinePassed.selector, late));
        uint40 millis = 1e11 + 1;
        _refuse(OUTSIDER, _leaving(millis, 1), _error(IDesk.TimeNotInSeconds.selector, millis));
        bytes memory expected = abi.encodeWithSelector(IDesk.GrantNoMismatch.selector, 2, 1);
        _refuse(OUTSIDER, _leaving(uint40(NOW), 2), expected);
        _as(OUTSIDER);
        (bool success, ) = address(_book).call(_leaving(uint40(NOW), 1));
        require(success, "refused");
        require(_book.seat(_player, _operator).expiry == NOW + NOTICE_S, "leaving");
    }

    function test_aSignatureToLeaveIsThePlayers() external {
        bytes32 hash = _leaveHash(_player, _operator, 1, uint40(NOW));
        bytes memory signature = _signBook(OUTSIDER, address(_book), hash);
        bytes memory data = abi.encodeCall(
            IDesk.leaveBySig,
            (_player, _operator, 1, uint40(NOW), signature)
        );
        _refuse(OUTSIDER, data, _error(IDesk.SignatureInvalid.selector, _player));
    }

    function test_onlyAnEndedSeatIsSweptToItsPlayer() external {
        bytes memory data = abi.encodeCall(IDesk.sweep, (_player, _operator));
        _refuse(OUTSIDER, data, _error(IDesk.SeatLive.selector, NOW + SEAT_S));
        VM.warp(NOW + SEAT_S);
        uint96 before = _treasury.available(_player);
        _as(OUTSIDER);
        _book.sweep(_player, _operator);
        require(_treasury.available(_player) == before + BUY_IN, "player's");
        _refuse(OUTSIDER, data, _error(IDesk.SeatEmpty.selector));
    }

    // ------------------------------------------------------------------------------- top-ups

    function test_aTopUpStaysWithinTheGrantAndTheAllowance() external {
        require(_codeOf(Batch.topUp(_player, TOP_UP + 1, REF)) == Codes.TOP_UP_REFUSED, "grant");
        require(_codeOf(Batch.topUp(_player, 0, REF)) == Codes.TOP_UP_REFUSED, "nothing");
        require(_codeOf(Batch.topUp(_player, 200, REF)) == 0, "within");
        require(_chips() == BUY_IN + 200, "seat");
        require(_book.topUpLeft(_player, _operator) == TOP_UP - 200, "left");
        _as(PLAYER);
        _treasury.allow(address(_book), 0, 0);
        require(_codeOf(Batch.topUp(_player, 1, REF)) == Codes.TOP_UP_REFUSED, "allowance");
    }

    function test_aReleasedSeatTakesNoMore() external {
        require(_codeOf(Batch.release(_player, REF)) == 0, "released");
        require(_book.seat(_player, _operator).expiry == NOW, "ended");
        require(_codeOf(Batch.release(_player, REF)) == Codes.SEAT_ENDED, "once");
        require(_codeOf(Batch.topUp(_player, 1, REF)) == Codes.SEAT_ENDED, "top-up");
        require(_codeOf(_play(1, 1)) == Codes.SEAT_ENDED, "bet");
        require(_codeOf(_play(1, 2)) == 0, "a net win is the player's");
    }

    // ------------------------------------------------------------------------------- helpers

    function _sitting(IDesk.Grant memory grant) private pure returns (bytes memory) {
        return abi.encodeWithSignature(SIT, grant);
    }

    function _sittingBySig(
        IDesk.Grant memory grant,
        IDesk.Allowing memory allowing,
        bytes memory signature
    ) private view returns (bytes memory) {
        return abi.encodeWithSignature(SIT_BY_SIG, _actors[WALLET], grant, allowing, signature);
    }

    /// @dev Signed by the player.
    function _leaving(uint40 deadline, uint32 grantNo) private view returns (bytes memory) {
        bytes32 hash = _leaveHash(_player, _operator, grantNo, deadline);
        bytes memory signature = _signBook(PLAYER, address(_book), hash);
        return
            abi.encodeCall(
                IDesk.leaveBySig,
                (_player, _operator, grantNo, deadline, signature)
            );
    }
}
