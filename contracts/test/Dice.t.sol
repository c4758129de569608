// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BetBook} from "../BetBook.sol";
import {Dice} from "../games/Dice.sol";
import {Game} from "../games/Game.sol";
import {IDesk} from "../IDesk.sol";
import {MockToken} from "../MockToken.sol";
import {Treasury} from "../Treasury.sol";
import {VM} from "./Vm.sol";

/// @notice A round of dice pays what its roll says, whatever the seed, salt, stake and target; a house
/// that does not reveal pays everything. This contract is the house.
contract DiceTest {
    uint256 private constant BANKROLL = 1e12;
    uint96 private constant BUY_IN = 1e6;
    uint96 private constant MAX_STAKE = 1e6;
    address private constant PLAYER = address(0xA11CE);
    address private constant GUARDIAN = address(0x6A4D);
    bytes32 private constant SEED = "seed";

    MockToken private token;
    Treasury private treasury;
    BetBook private betBook;
    Dice private dice;

    function setUp() public {
        VM.warp(1_800_000_000);
        token = new MockToken(2);
        treasury = new Treasury(address(token));
        betBook = new BetBook(treasury, 60);
        dice = new Dice(betBook, address(this), GUARDIAN, _limits(), _rules());
        token.mint(address(this), 2 * BANKROLL);
        token.approve(address(treasury), 2 * BANKROLL);
        treasury.deposit(address(this), uint96(BANKROLL));
        treasury.allow(address(betBook), uint96(BANKROLL), uint40(block.timestamp + 60));
        betBook.fund(dice.bankNo(), uint96(BANKROLL));
        _sit(PLAYER, BUY_IN, MAX_STAKE);
    }

    function testFuzz_aRoundPaysWhatItsRollSays(
        bytes32 seed,
        bytes16 salt,
        uint96 anyStake,
        uint16 anyTarget
    ) public {
        (uint96 stake, uint16 target) = _playable(anyStake, anyTarget);
        uint128 id = _bet(seed, salt, stake, target);
        VM.warp(block.timestamp + 60);
        dice.reveal(seed);

        uint96 payout = dice.rollOf(seed, id, PLAYER, salt) < target
            ? dice.payoutOf(stake, target)
            : 0;
        _requireMoved(stake, payout);
    }

    function testFuzz_aHouseThatDoesNotRevealPaysInFull(
        bytes32 seed,
        bytes16 salt,
        uint96 anyStake,
        uint16 anyTarget
    ) public {
        (uint96 stake, uint16 target) = _playable(anyStake, anyTarget);
        _bet(seed, salt, stake, target);
        VM.warp(block.timestamp + 360);
        VM.expectPartialRevert(Dice.RevealTooLate.selector);
        dice.reveal(seed);
        VM.prank(address(0xBEEF));
        dice.expire();

        _requireMoved(stake, dice.payoutOf(stake, target));
    }

    function testFuzz_noOtherSeedIsAccepted(bytes32 seed, bytes32 other) public {
        VM.assume(seed != other);
        _bet(seed, 0, 100, 5_000);
        VM.warp(block.timestamp + 60);
        VM.expectPartialRevert(Dice.SeedMismatch.selector);
        dice.reveal(other);
    }

    function testFuzz_aBetReturnsNinetyNinePercent(uint96 stake, uint16 anyTarget) public view {
        stake = uint96(stake % MAX_STAKE);
        uint16 target = uint16((anyTarget % dice.MAX_TARGET()) + 1);
        // Over all 10,000 rolls, `target` of which win. Rounding costs less than a unit a win.
        uint256 paid = uint256(dice.payoutOf(stake, target)) * target;
        uint256 fair = uint256(stake) * 9_900;
        require(paid <= fair && fair - paid < target, "return");
    }

    // -------------------------------------------------------------------------------- house

    function test_rulesFitTogetherAndTheLimits() public {
        Dice.Rules[6] memory invalid = [
            Dice.Rules(0, MAX_STAKE, 60, 300),
            Dice.Rules(MAX_STAKE + 1, MAX_STAKE, 60, 300),
            Dice.Rules(10, MAX_STAKE, 0, 300),
            Dice.Rules(10, MAX_STAKE, 60, 0),
            Dice.Rules(10, MAX_STAKE, 60, 541),
            Dice.Rules(10, MAX_STAKE, type(uint32).max, type(uint32).max)
        ];
        for (uint256 i = 0; i < invalid.length; i++) {
            VM.expectRevert(Dice.RulesInvalid.selector);
            new Dice(betBook, address(this), GUARDIAN, _limits(), invalid[i]);
        }
    }

    function test_onlyTheHouseRunsRounds() public {
        bytes memory expected = abi.encodeWithSelector(Game.NotHouse.selector, PLAYER);
        VM.startPrank(PLAYER);
        VM.expectRevert(expected);
        dice.start(SEED);
        VM.expectRevert(expected);
        dice.reveal(SEED);
        VM.expectRevert(expected);
        dice.enable();
        VM.stopPrank();
    }

    function test_oneRoundAtATime() public {
        VM.expectRevert(Dice.NoRound.selector);
        dice.reveal(SEED);
        VM.expectRevert(Dice.NoRound.selector);
        dice.expire();
        VM.expectRevert(Dice.NoRound.selector);
        VM.prank(PLAYER);
        dice.bet(100, 5_000, 0);

        bytes32 commitment = dice.commitmentOf(SEED);
        VM.expectRevert(abi.encodeWithSelector(Dice.CommitmentUnusable.selector, bytes32(0)));
        dice.start(0);
        dice.start(commitment);
        VM.expectRevert(abi.encodeWithSelector(Dice.RoundRunning.selector, 1));
        dice.start(commitment);
        VM.expectPartialRevert(Dice.BettingOpen.selector);
        dice.reveal(SEED);
        VM.warp(block.timestamp + 60);
        VM.expectPartialRevert(Dice.NotDue.selector);
        dice.expire();
        dice.reveal(SEED);
        VM.expectRevert(abi.encodeWithSelector(Dice.CommitmentUnusable.selector, commitment));
        dice.start(commitment);
    }

    function test_theHouseEnablesTheGameAgain() public {
        dice.start(dice.commitmentOf(SEED));
        VM.prank(GUARDIAN);
        betBook.disableExecutor(address(dice), address(dice));
        _refuseBet(PLAYER, 100, 5_000, IDesk.NotAllowed.selector);
        dice.enable();
        VM.warp(block.timestamp + 60);
        dice.reveal(SEED);
        dice.start(dice.commitmentOf("other"));
        VM.prank(PLAYER);
        dice.bet(100, 5_000, 0);
    }

    function test_aRoundIsRevealedWholeOrNotAtAll() public {
        _bet(SEED, 0, 100, 5_000);
        for (uint256 i = 1; i < 8; i++) _betAgain(100);
        VM.warp(block.timestamp + 60);
        bool stopped = false;
        for (uint256 gasLimit = 200_000; gasLimit < 2_000_000 && !stopped; gasLimit += 20_000) {
            (bool success, bytes memory answer) = address(dice).call{gas: gasLimit}(
                abi.encodeCall(Dice.reveal, (SEED))
            );
            require(!success, "revealed with little gas");
            stopped = bytes4(answer) == Game.BatchIncomplete.selector;
        }
        require(stopped, "never in part");
        require(dice.roundNo() == 1 && betBook.isOpen(dice.lane(), 0, 0), "nothing happened");
        dice.reveal(SEED);
        require(!betBook.isOpen(dice.lane(), 7, 0), "settled");
    }

    // ------------------------------------------------------------------------------- players

    function test_aBetKeepsToTheRules() public {
        dice.start(dice.commitmentOf(SEED));
        _refuseBet(PLAYER, 100, 0, Dice.TargetOutOfRange.selector);
        _refuseBet(PLAYER, 100, dice.MAX_TARGET() + 1, Dice.TargetOutOfRange.selector);
        _refuseBet(PLAYER, 9, 5_000, Dice.StakeOutOfRange.selector);
        _refuseBet(PLAYER, MAX_STAKE + 1, 5_000, Dice.StakeOutOfRange.selector);
        // 97 x 9,900 / 9,800, rounded down, is 97 again: nothing to win.
        _refuseBet(PLAYER, 97, 9_800, Dice.StakeOutOfRange.selector);
        VM.expectRevert(abi.encodeWithSelector(Dice.StakeOutOfRange.selector, type(uint96).max));
        dice.payoutOf(type(uint96).max, 1);
        VM.warp(block.timestamp + 60);
        _refuseBet(PLAYER, 100, 5_000, Dice.BettingOver.selector);
    }

    function test_aPlayerLearnsWhyABetIsRefused() public {
        dice.start(dice.commitmentOf(SEED));
        _refuseBet(address(0xBEEF), 100, 5_000, Game.NoSeat.selector);
        _sit(address(0xB0B), 200, 150);
        _refuseBet(address(0xB0B), 151, 5_000, Game.AboveSeatLimit.selector);
        VM.prank(address(0xB0B));
        dice.bet(150, 5_000, 0);
        _refuseBet(address(0xB0B), 51, 5_000, Game.SeatShort.selector);
        uint32 bankNo = dice.bankNo();
        VM.prank(GUARDIAN);
        betBook.pause(bankNo, uint32(block.timestamp + 60));
        _refuseBet(PLAYER, 100, 5_000, Game.BankRefused.selector);
    }

    function test_aRoundTakes64Bets() public {
        _bet(SEED, 0, 100, 5_000);
        for (uint256 i = 1; i < dice.MAX_BETS(); i++) _betAgain(100);
        _refuseBet(PLAYER, 100, 5_000, Dice.RoundFull.selector);
        VM.warp(block.timestamp + 60);
        dice.reveal(SEED);
        require(betBook.bank(dice.bankNo()).locked == 0, "all are settled");
    }

    function test_anyoneExpiresABetAtBetBookItself() public {
        _bet(SEED, 0, 100, 5_000);
        _betAgain(200);
        VM.expectRevert(abi.encodeWithSelector(Dice.NoBet.selector, 2));
        dice.preimageOf(2);
        bytes memory preimage = dice.preimageOf(1);
        VM.warp(block.timestamp + 360);
        betBook.expire(dice.lane(), 1, preimage);
        dice.expire();
        _requireMoved(300, dice.payoutOf(100, 5_000) + dice.payoutOf(200, 5_000));
    }

    // ------------------------------------------------------------------------------- helpers

    /// @dev What the rules allow and wins at least a unit.
    function _playable(
        uint96 anyStake,
        uint16 anyTarget
    ) private view returns (uint96 stake, uint16 target) {
        stake = 100 + (anyStake % (MAX_STAKE - 99));
        target = uint16((anyTarget % dice.MAX_TARGET()) + 1);
    }

    function _bet(
        bytes32 seed,
        bytes16 salt,
        uint96 stake,
        uint16 target
    ) private returns (uint128 id) {
        dice.start(dice.commitmentOf(seed));
        VM.prank(PLAYER);
        id = dice.bet(stake, target, salt);
    }

    /// @dev The player's, in the round that is running.
    function _betAgain(uint96 stake) private {
        VM.prank(PLAYER);
        dice.bet(stake, 5_000, 0);
    }

    function _refuseBet(address player, uint96 stake, uint16 target, bytes4 expected) private {
        VM.expectPartialRevert(expected);
        VM.prank(player);
        dice.bet(stake, target, 0);
    }

    function _sit(address player, uint96 buyIn, uint96 maxStake) private {
        treasury.deposit(player, buyIn);
        VM.startPrank(player);
        treasury.allow(address(betBook), buyIn, uint40(block.timestamp + 60));
        uint32 expiry = uint32(block.timestamp + 1 days);
        betBook.sit(IDesk.Grant(address(dice), buyIn, 0, maxStake, expiry, 1));
        VM.stopPrank();
    }

    function _limits() private pure returns (IDesk.Limits memory) {
        return IDesk.Limits(uint96(BANKROLL), uint96(BANKROLL), uint96(BANKROLL), 0, 600);
    }

    function _rules() private pure returns (Dice.Rules memory) {
        return Dice.Rules(10, MAX_STAKE, 60, 300);
    }

    function _requireMoved(uint96 stake, uint96 payout) private view {
        IDesk.Bank memory bank = betBook.bank(dice.bankNo());
        uint96 balance = betBook.seat(PLAYER, address(dice)).balance;
        require(balance == BUY_IN - stake + payout, "seat");
        require(bank.bankroll == BANKROLL + stake - payout, "bankroll");
        require(bank.locked == 0 && bank.reserved == 0, "nothing is open");
    }
}
