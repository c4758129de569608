// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ITreasury} from "../ITreasury.sol";
import {MockToken} from "../MockToken.sol";
import {TestToken} from "./TestToken.sol";
import {Treasury} from "../Treasury.sol";
import {VM} from "./Vm.sol";

/// @notice Money goes into the Treasury and out of it by the amount asked for, and by nobody else.
contract TreasuryTest {
    uint256 private constant PLAYER_KEY = 0xA11CE;
    address private constant CLIENT = address(0xC11E);

    MockToken private token;
    Treasury private treasury;
    address private player;

    function setUp() public {
        token = new MockToken(2);
        treasury = new Treasury(address(token));
        player = VM.addr(PLAYER_KEY);
    }

    function testFuzz_depositAndWithdrawMoveExactlyTheAmount(uint96 put, uint96 taken) public {
        VM.assume(put > 0 && taken > 0 && taken <= put);
        _deposit(put);

        VM.prank(player);
        treasury.withdraw(address(this), taken);

        require(treasury.available(player) == put - taken, "available");
        require(token.balanceOf(address(this)) == taken, "paid out");
        (uint256 held, uint256 owed) = treasury.solvency();
        require(held == owed && owed == put - taken, "solvency");
    }

    function testFuzz_nobodyTakesMoreThanTheyHave(uint96 put, uint96 wanted) public {
        VM.assume(put > 0 && wanted > put);
        _deposit(put);

        VM.expectRevert(
            abi.encodeWithSelector(ITreasury.BalanceShort.selector, player, put, wanted)
        );
        VM.prank(player);
        treasury.withdraw(player, wanted);
    }

    function testFuzz_aPermitPaysWithoutATransactionOfThePlayers(uint96 amount) public {
        VM.assume(amount > 0);
        token.mint(player, amount);
        uint256 deadlineS = block.timestamp + 1;
        bytes32 structHash = keccak256(
            abi.encode(
                keccak256(
                    "Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"
                ),
                player,
                address(treasury),
                uint256(amount),
                uint256(0),
                deadlineS
            )
        );
        (uint8 v, bytes32 r, bytes32 s) = VM.sign(
            PLAYER_KEY,
            keccak256(abi.encodePacked(hex"1901", token.DOMAIN_SEPARATOR(), structHash))
        );

        treasury.depositWithPermit(player, amount, deadlineS, abi.encodePacked(r, s, v));

        require(treasury.available(player) == amount, "available");
        require(token.nonces(player) == 1, "permit used");
    }

    function testFuzz_aClientPullsOnlyWhatIsAllowedAndOnlyInTime(
        uint96 put,
        uint96 allowed,
        uint40 expiryS
    ) public {
        VM.assume(put > 0 && allowed > 0 && allowed <= put);
        VM.assume(expiryS > 1 && expiryS < 1e11);
        VM.warp(1);
        _deposit(put);
        VM.prank(player);
        treasury.allow(CLIENT, allowed, expiryS);

        VM.prank(CLIENT);
        treasury.pull(player, allowed - 1);
        VM.expectPartialRevert(ITreasury.AllowanceShort.selector);
        VM.prank(CLIENT);
        treasury.pull(player, 2);

        VM.warp(expiryS);
        VM.expectPartialRevert(ITreasury.AllowanceExpired.selector);
        VM.prank(CLIENT);
        treasury.pull(player, 1);
        require(treasury.clientBalance(CLIENT) == allowed - 1, "pulled");
    }

    function test_aTokenHasCode() public {
        VM.expectRevert(abi.encodeWithSelector(ITreasury.TokenWithoutCode.selector, CLIENT));
        new Treasury(CLIENT);
    }

    function test_zeroMovesNothing() public {
        VM.expectRevert(ITreasury.AmountZero.selector);
        treasury.deposit(player, 0);
        VM.expectRevert(ITreasury.AmountZero.selector);
        treasury.withdraw(player, 0);
    }

    function test_allBalancesFitIn96Bits() public {
        _deposit(type(uint96).max - 1);
        VM.expectRevert(
            abi.encodeWithSelector(ITreasury.TotalExceeded.selector, type(uint96).max - 1, 2)
        );
        treasury.deposit(player, 2);
        _deposit(1);
        require(treasury.total() == type(uint96).max, "total");
    }

    function test_aPermitIs65Bytes() public {
        VM.expectRevert(abi.encodeWithSelector(ITreasury.SignatureInvalid.selector, player));
        treasury.depositWithPermit(player, 1, block.timestamp, new bytes(64));
    }

    function test_aPermitIsTheOwnersAndInTime() public {
        VM.warp(1_000);
        VM.expectRevert(abi.encodeWithSelector(MockToken.PermitExpired.selector, 999));
        token.permit(player, CLIENT, 1, 999, 27, "r", "s");
        VM.expectRevert(abi.encodeWithSelector(MockToken.PermitInvalid.selector, player));
        token.permit(player, CLIENT, 1, 1_000, 27, "r", "s");
        require(token.allowance(player, CLIENT) == 0 && token.nonces(player) == 0, "nothing");
        require(token.decimals() == 2, "decimals");
    }

    function test_timesAreSeconds() public {
        uint40 millis = 1e11 + 1;
        bytes memory expected = abi.encodeWithSelector(ITreasury.TimeNotInSeconds.selector, millis);
        VM.expectRevert(expected);
        treasury.allow(CLIENT, 1, millis);
        VM.expectRevert(expected);
        treasury.withdrawBySig(player, player, 1, 0, millis, "");
        VM.warp(1_000);
        VM.expectRevert(abi.encodeWithSelector(ITreasury.DeadlinePassed.selector, 999));
        treasury.withdrawBySig(player, player, 1, 0, 999, "");
    }

    function test_aClientPaysSeveralOrNone() public {
        _deposit(100);
        VM.prank(player);
        treasury.allow(CLIENT, 100, uint40(block.timestamp + 1));
        VM.startPrank(CLIENT);
        treasury.pull(player, 100);
        address[] memory players = new address[](2);
        (players[0], players[1]) = (player, address(this));
        VM.expectRevert(abi.encodeWithSelector(ITreasury.LengthsDiffer.selector, 2, 1));
        treasury.pushMany(players, new uint96[](1));
        uint96[] memory amounts = new uint96[](2);
        (amounts[0], amounts[1]) = (60, 41);
        VM.expectRevert(abi.encodeWithSelector(ITreasury.ClientShort.selector, CLIENT, 40, 41));
        treasury.pushMany(players, amounts);
        amounts[1] = 40;
        treasury.pushMany(players, amounts);
        VM.stopPrank();
        require(treasury.available(player) == 60, "first");
        require(treasury.available(address(this)) == 40, "second");
    }

    function test_aTokenMovesWhatItIsAskedTo() public {
        TestToken liar = new TestToken();
        Treasury other = new Treasury(address(liar));
        liar.mint(address(this), 200);
        liar.approve(address(other), 200);
        other.deposit(player, 100);
        liar.setMode(TestToken.Mode.TakesFee);
        VM.expectRevert(abi.encodeWithSelector(ITreasury.TokenMovedOther.selector, 99, 100));
        other.deposit(player, 100);
        liar.setMode(TestToken.Mode.MovesNothing);
        VM.expectRevert(abi.encodeWithSelector(ITreasury.TokenMovedOther.selector, 0, 100));
        VM.prank(player);
        other.withdraw(player, 100);
        require(other.available(player) == 100 && other.total() == 100, "nothing changed");
    }

    function _deposit(uint96 amount) private {
        token.mint(player, amount);
        VM.startPrank(player);
        token.approve(address(treasury), amount);
        treasury.deposit(player, amount);
        VM.stopPrank();
    }
}
