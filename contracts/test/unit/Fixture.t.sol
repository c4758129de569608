// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Batch} from "../../Batch.sol";
import {IBetBook} from "../../IBetBook.sol";
import {IDesk} from "../../IDesk.sol";
import {ITreasury} from "../../ITreasury.sol";
import {Deploy} from "../campaign/Deploy.t.sol";
import {System, World} from "../campaign/World.t.sol";
import {Vm, VM} from "../Vm.sol";

/// @notice Where each test begins: an operator with one lane and one funded bank, and a player
/// with a seat.
abstract contract Fixture is World {
    uint256 internal constant NOW = 1_800_000_000;
    uint48 internal constant LANE = 1 << 16;
    uint32 internal constant BANK = 1;
    uint96 internal constant BANKROLL = 10_000;
    uint96 internal constant BUY_IN = 1_000;
    uint96 internal constant TOP_UP = 500;
    uint96 internal constant MAX_STAKE = 100;
    uint32 internal constant SEAT_S = 10 days;
    uint32 internal constant SLOT = 7;
    uint32 internal constant DUE_S = 1 hours;
    bytes16 internal constant REF = "ref";

    System internal _system;
    IBetBook internal _book;
    ITreasury internal _treasury;
    address internal _operator;
    address internal _player;

    function setUp() public virtual {
        VM.warp(NOW);
        _system = Deploy.system("BetBook", NOTICE_S);
        (_book, _treasury) = (_system.book, _system.treasury);
        (_operator, _player) = (_actors[OPERATOR], _actors[PLAYER]);
        _enrich(BANK_ADMIN);
        _enrich(PLAYER);
        address[] memory executors = new address[](1);
        executors[0] = _actors[EXECUTOR];
        _as(OPERATOR);
        _book.registerOperator(1, executors, _actors[GUARDIAN]);
        _as(OPERATOR);
        _book.openBank(_operator, _actors[BANK_ADMIN], _limits());
        _as(BANK_ADMIN);
        _book.fund(BANK, BANKROLL);
        _as(PLAYER);
        _book.sit(_grant(1));
    }

    function _limits() internal pure returns (IDesk.Limits memory) {
        return IDesk.Limits(3_000, 8_000, 8_000, 500, 1 days);
    }

    function _grant(uint32 grantNo) internal view returns (IDesk.Grant memory) {
        uint32 expiry = uint32(block.timestamp) + SEAT_S;
        return IDesk.Grant(_operator, BUY_IN, TOP_UP, MAX_STAKE, expiry, grantNo);
    }

    /// @dev Tokens, half of them in the Treasury and allowed to the book.
    function _enrich(uint256 actor) internal {
        (bool minted, ) = address(_system.token).call(
            abi.encodeWithSignature("mint(address,uint256)", _actors[actor], START)
        );
        assert(minted);
        _as(actor);
        _system.token.approve(address(_treasury), START);
        _as(actor);
        _treasury.deposit(_actors[actor], START / 2);
        _as(actor);
        _treasury.allow(address(_book), START, uint40(NOW + 365 days));
    }

    /// @dev The next call is the actor's.
    function _as(uint256 actor) internal {
        VM.prank(_actors[actor]);
    }

    // ------------------------------------------------------------------------------ refusals

    /// @dev The call to the book reverts with exactly `expected`.
    function _refuse(uint256 actor, bytes memory data, bytes memory expected) internal {
        _as(actor);
        (bool success, bytes memory answer) = address(_book).call(data);
        require(!success, "not refused");
        require(keccak256(answer) == keccak256(expected), "refused for another reason");
    }

    function _notAllowed(uint256 actor) internal view returns (bytes memory) {
        return abi.encodeWithSelector(IDesk.NotAllowed.selector, _actors[actor]);
    }

    function _error(bytes4 selector) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(selector);
    }

    function _error(bytes4 selector, uint256 argument) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(selector, argument);
    }

    function _error(bytes4 selector, address argument) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(selector, argument);
    }

    // ------------------------------------------------------------------------------- batches

    /// @dev Applies `ops` where the lane stands, with plenty of gas.
    function _apply(bytes memory ops) internal {
        uint48 next = _book.lane(LANE);
        _as(EXECUTOR);
        _book.applyBatch(LANE, next, 0, ops);
    }

    /// @dev The same; the code of the first item that was refused, 0 if none was.
    function _codeOf(bytes memory ops) internal returns (uint8 code) {
        VM.recordLogs();
        _apply(ops);
        Vm.Log[] memory logs = VM.getRecordedLogs();
        for (uint256 i = 0; i < logs.length && code == 0; i++) {
            if (logs[i].topics[0] == IBetBook.Rejected.selector) {
                (code, ) = abi.decode(logs[i].data, (uint8, bytes16));
            } else if (logs[i].topics[0] == IBetBook.OpenRejected.selector) {
                (, , , code, ) = abi.decode(logs[i].data, (uint96, uint96, uint80, uint8, bytes16));
            }
        }
    }

    function _batchData(uint48 first, bytes memory ops) internal pure returns (bytes memory) {
        return abi.encodeCall(IBetBook.applyBatch, (LANE, first, 0, ops));
    }

    function _play(uint96 stake, uint96 payout) internal view returns (bytes memory) {
        Batch.Play[] memory items = new Batch.Play[](1);
        items[0] = Batch.Play(stake, payout, REF, REF);
        return Batch.play(_player, BANK, items);
    }

    /// @dev A page of one bet.
    function _open(
        uint32 bankNo,
        uint96 stake,
        uint96 profit
    ) internal view returns (bytes memory) {
        return Batch.open(_page(false), _bets(1, bankNo, stake, profit));
    }

    function _page(bool bonded) internal view returns (Batch.Page memory) {
        return Batch.Page(SLOT, uint40(block.timestamp) + DUE_S, "round", bonded);
    }

    /// @dev Equal bets of the player's.
    function _bets(
        uint256 count,
        uint32 bankNo,
        uint96 stake,
        uint96 profit
    ) internal view returns (Batch.Bet[] memory bets) {
        bets = new Batch.Bet[](count);
        for (uint256 i = 0; i < count; i++) {
            bets[i] = Batch.Bet(_player, bankNo, stake, profit, REF);
        }
    }

    /// @dev What the seat holds.
    function _chips() internal view returns (uint96) {
        return _book.seat(_player, _operator).balance;
    }
}
