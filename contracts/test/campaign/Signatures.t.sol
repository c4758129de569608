// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IDesk} from "../../IDesk.sol";
import {ITreasury} from "../../ITreasury.sol";
import {Deploy} from "./Deploy.t.sol";
import {System, World} from "./World.t.sol";
import {VM} from "../Vm.sol";

/// @notice Invariant 16: a signature counts for exactly what was signed, where it was signed for,
/// once. Changed in any field, in chain, contract, nonce, grantNo or deadline, cut, made longer or
/// mirrored it is refused, and nothing changes; unchanged it is taken.
contract SignaturesTest is World {
    uint256 private constant NOW = 1_800_000_000;
    string private constant SIT_BY_SIG =
        "sit(address,(address,uint96,uint96,uint96,uint32,uint32),(uint40,uint48,uint40),bytes)";

    System private _system;
    System private _other;

    function setUp() external {
        VM.warp(NOW);
        _system = Deploy.system("BetBook", NOTICE_S);
        _other = Deploy.system("BetBook", NOTICE_S);
        for (uint256 i = PLAYER; i < ACTORS; i++) {
            (bool minted, ) = address(_system.token).call(
                abi.encodeWithSignature("mint(address,uint256)", _actors[i], START)
            );
            assert(minted);
            VM.prank(_actors[i]);
            _system.token.approve(address(_system.treasury), START);
            VM.prank(_actors[i]);
            _system.treasury.deposit(_actors[i], START);
        }
        VM.prank(_actors[OPERATOR]);
        _system.book.registerOperator(2, new address[](0), _actors[GUARDIAN]);
    }

    function testFuzz_sit(uint256 seed) external {
        _seed = seed;
        uint256 actor = _between(PLAYER, ACTORS - 1);
        IDesk.Grant memory grant = IDesk.Grant(
            _actors[OPERATOR],
            uint96(_between(1, 1_000)),
            uint96(_between(1, 1_000)),
            uint96(_between(1, 1_000)),
            uint32(NOW + _between(1, 30 days)),
            1
        );
        IDesk.Allowing memory allowing = IDesk.Allowing(
            uint40(NOW + _between(1, 30 days)),
            0,
            uint40(NOW + _below(1_000))
        );
        bytes memory data = _sitData(actor, grant, allowing);
        _refuseChangedSit(actor, grant, allowing);
        _otherChainMustFail(address(_system.book), data, ITreasury.SignatureInvalid.selector);
        _mustPass(address(_system.book), data);
        IDesk.Seat memory seat = _system.book.seat(_actors[actor], _actors[OPERATOR]);
        assert(seat.balance == grant.buyIn && seat.maxStake == grant.maxStake);
        _mustFail(address(_system.book), data, IDesk.SeatLive.selector);
        // It is used: nor when the seat has ended.
        VM.warp(grant.expiry);
        _mustFail(address(_system.book), data, IDesk.GrantNoMismatch.selector);
    }

    function _refuseChangedSit(
        uint256 actor,
        IDesk.Grant memory signed,
        IDesk.Allowing memory signedAllowing
    ) private {
        bytes32 hash = _sitHash(address(_system.book), signed, signedAllowing);
        bytes memory signature = _signTreasury(actor, address(_system.treasury), hash);
        IDesk.Grant memory grant = abi.decode(abi.encode(signed), (IDesk.Grant));
        IDesk.Allowing memory allowing = abi.decode(abi.encode(signedAllowing), (IDesk.Allowing));
        address player = _actors[actor];
        bytes4 expected = ITreasury.SignatureInvalid.selector;
        uint256 way = _below(13);
        if (way == 0) grant.buyIn++;
        else if (way == 1) grant.topUp--;
        else if (way == 2) grant.maxStake++;
        else if (way == 3) grant.expiry = grant.expiry == NOW + 1 ? uint32(NOW + 2) : grant.expiry - 1;
        else if (way == 4) (grant.grantNo, expected) = (2, IDesk.GrantNoMismatch.selector);
        else if (way == 5) (grant.buyIn, grant.topUp) = (grant.buyIn - 1, grant.topUp + 1);
        else if (way == 6) player = _actors[actor == PLAYER ? PLAYER + 1 : PLAYER];
        else if (way == 7) allowing.deadline++;
        else if (way == 8) allowing.expiry++;
        else if (way == 9) (allowing.nonce, expected) = (1, ITreasury.NonceMismatch.selector);
        else if (way == 10) signature = _signTreasury(actor, address(_other.treasury), hash);
        else if (way == 11) signature = _spoil(signature);
        else (allowing.deadline, expected) = (uint40(NOW - 1), ITreasury.DeadlinePassed.selector);
        _mustFail(
            address(_system.book),
            abi.encodeWithSignature(SIT_BY_SIG, player, grant, allowing, signature),
            expected
        );
    }

    function _sitData(
        uint256 actor,
        IDesk.Grant memory grant,
        IDesk.Allowing memory allowing
    ) private view returns (bytes memory) {
        bytes memory signature = _signTreasury(
            actor,
            address(_system.treasury),
            _sitHash(address(_system.book), grant, allowing)
        );
        return abi.encodeWithSignature(SIT_BY_SIG, _actors[actor], grant, allowing, signature);
    }

    struct Leave {
        address player;
        uint32 grantNo;
        uint40 deadline;
        bytes signature;
    }

    function testFuzz_leave(uint256 seed) external {
        _seed = seed;
        uint256 actor = _between(PLAYER, WALLET - 1);
        address player = _actors[actor];
        address book = address(_system.book);
        VM.prank(player);
        _system.treasury.allow(book, 500, uint40(NOW + 1 days));
        VM.prank(player);
        _system.book.sit(IDesk.Grant(_actors[OPERATOR], 500, 0, 10, uint32(NOW + 10 days), 1));
        uint40 deadline = uint40(NOW + _below(1_000));
        bytes32 hash = _leaveHash(player, _actors[OPERATOR], 1, deadline);
        Leave memory asked = Leave(player, 1, deadline, _signBook(actor, book, hash));
        bytes memory data = _leaveData(asked);

        uint256 way = _below(7);
        bytes4 expected = IDesk.SignatureInvalid.selector;
        if (way < 2) expected = IDesk.GrantNoMismatch.selector;
        if (way == 0) asked.player = _actors[WALLET];
        else if (way == 1) asked.grantNo = 2;
        else if (way == 2) asked.deadline++;
        else if (way == 3) (asked.deadline, expected) = (uint40(NOW - 1), IDesk.DeadlinePassed.selector);
        else if (way == 4) (asked.deadline, expected) = (1e11 + 1, IDesk.TimeNotInSeconds.selector);
        else if (way == 5) asked.signature = _signBook(actor, address(_other.book), hash);
        else asked.signature = _spoil(asked.signature);
        _mustFail(book, _leaveData(asked), expected);

        _otherChainMustFail(book, data, IDesk.SignatureInvalid.selector);
        _mustPass(book, data);
        assert(_system.book.seat(player, _actors[OPERATOR]).expiry == NOW + NOTICE_S);
    }

    function _leaveData(Leave memory asked) private view returns (bytes memory) {
        return
            abi.encodeCall(
                IDesk.leaveBySig,
                (asked.player, _actors[OPERATOR], asked.grantNo, asked.deadline, asked.signature)
            );
    }

    struct Withdrawal {
        address player;
        address to;
        uint96 amount;
        uint64 nonce;
        uint40 deadline;
        bytes signature;
    }

    function testFuzz_withdraw(uint256 seed) external {
        _seed = seed;
        uint256 actor = _between(PLAYER, WALLET - 1);
        address treasury = address(_system.treasury);
        Withdrawal memory asked = Withdrawal(
            _actors[actor],
            _actors[actor],
            uint96(_between(1, START / 2)),
            0,
            uint40(NOW + _below(1_000)),
            ""
        );
        uint96 amount = asked.amount;
        bytes32 hash = _withdrawHash(asked.player, asked.to, amount, 0, asked.deadline);
        asked.signature = _signTreasury(actor, treasury, hash);
        bytes memory data = _withdrawData(asked);

        uint256 way = _below(7);
        bytes4 expected = ITreasury.SignatureInvalid.selector;
        if (way == 0) asked.player = _actors[actor == PLAYER ? PLAYER + 1 : PLAYER];
        else if (way == 1) asked.to = _actors[OUTSIDER];
        else if (way == 2) asked.amount++;
        else if (way == 3) (asked.nonce, expected) = (1, ITreasury.NonceMismatch.selector);
        else if (way == 4) asked.deadline++;
        else if (way == 5) asked.signature = _signTreasury(actor, address(_other.treasury), hash);
        else asked.signature = _spoil(asked.signature);
        _mustFail(treasury, _withdrawData(asked), expected);

        _otherChainMustFail(treasury, data, ITreasury.SignatureInvalid.selector);
        _mustPass(treasury, data);
        assert(_system.token.balanceOf(_actors[actor]) == amount);
        _mustFail(treasury, data, ITreasury.NonceMismatch.selector);
    }

    function _withdrawData(Withdrawal memory asked) private pure returns (bytes memory) {
        return
            abi.encodeCall(
                ITreasury.withdrawBySig,
                (
                    asked.player,
                    asked.to,
                    asked.amount,
                    asked.nonce,
                    asked.deadline,
                    asked.signature
                )
            );
    }

    struct Allowance {
        address player;
        address client;
        ITreasury.Allow allowed;
        bytes signature;
    }

    function testFuzz_allow(uint256 seed) external {
        _seed = seed;
        uint256 actor = _between(PLAYER, WALLET - 1);
        address treasury = address(_system.treasury);
        Allowance memory asked = Allowance(
            _actors[actor],
            address(_system.book),
            ITreasury.Allow(
                uint96(_random()),
                uint40(NOW + _below(1 days)),
                0,
                uint40(NOW + _below(1_000))
            ),
            ""
        );
        uint96 signed = asked.allowed.amount;
        bytes32 hash = _allowHash(asked.client, asked.allowed);
        asked.signature = _signTreasury(actor, treasury, hash);
        bytes memory data = _allowData(asked);

        uint256 way = _below(7);
        bytes4 expected = ITreasury.SignatureInvalid.selector;
        if (way == 0) asked.player = _actors[actor == PLAYER ? PLAYER + 1 : PLAYER];
        else if (way == 1) asked.client = _actors[OUTSIDER];
        else if (way == 2) asked.allowed.amount ^= 1;
        else if (way == 3) (asked.allowed.nonce, expected) = (1, ITreasury.NonceMismatch.selector);
        else if (way == 4) asked.allowed.deadline++;
        else if (way == 5) asked.allowed.expiry++;
        else asked.signature = _spoil(asked.signature);
        _mustFail(treasury, _allowData(asked), expected);

        _otherChainMustFail(treasury, data, ITreasury.SignatureInvalid.selector);
        _mustPass(treasury, data);
        (uint96 amount, , uint48 nonce) = _system.treasury.allowance(
            _actors[actor],
            address(_system.book)
        );
        assert(amount == signed && nonce == 1);
        _mustFail(treasury, data, ITreasury.NonceMismatch.selector);
    }

    function _allowData(Allowance memory asked) private pure returns (bytes memory) {
        return
            abi.encodeCall(
                ITreasury.allowBySig,
                (asked.player, asked.client, asked.allowed, asked.signature)
            );
    }

    /// @dev One bit changed, cut, made longer, or mirrored to the other half of the curve.
    function _spoil(bytes memory signature) private returns (bytes memory) {
        uint256 way = _below(4);
        if (way == 0) {
            signature[_below(64)] ^= bytes1(uint8(1 << _below(8)));
            return signature;
        }
        if (way == 1) return bytes.concat(signature, hex"00");
        (bytes32 r, uint256 s, uint8 v) = (0, 0, 0);
        assembly ("memory-safe") {
            r := mload(add(signature, 32))
            s := mload(add(signature, 64))
            v := byte(0, mload(add(signature, 96)))
        }
        if (way == 2) return abi.encodePacked(r, s);
        return abi.encodePacked(r, CURVE_ORDER - s, v ^ 7);
    }

    function _mustPass(address to, bytes memory data) private {
        VM.prank(_actors[OUTSIDER]);
        (bool success, ) = to.call(data);
        require(success, "refused although signed");
    }

    function _mustFail(address to, bytes memory data, bytes4 expected) private {
        uint256 sum = _system.treasury.eventCount() + _system.book.eventCount();
        VM.prank(_actors[OUTSIDER]);
        (bool success, bytes memory answer) = to.call(data);
        require(!success, "taken although not signed");
        require(bytes4(answer) == expected, "refused for another reason");
        assert(sum == _system.treasury.eventCount() + _system.book.eventCount());
    }

    function _otherChainMustFail(address to, bytes memory data, bytes4 expected) private {
        uint256 chain = block.chainid;
        VM.chainId(chain + 1);
        _mustFail(to, data, expected);
        VM.chainId(chain);
    }
}
