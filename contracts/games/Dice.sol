// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Batch} from "../Batch.sol";
import {IBetBook} from "../IBetBook.sol";
import {Game} from "./Game.sol";

/// @title Dice
/// @notice A provably fair dice in rounds, and the example to copy for a game of your own. A player
/// picks a target from 1 to 9,800; a roll is 0 to 9,999 and wins when it is below the target.
///
/// 1. The house starts a round with the hash of a secret seed.
/// 2. Players bet out of their seats, each with some salt of their own, by their own transactions.
/// 3. After the betting time the house reveals the seed, and every roll is computed here from the seed
///    and that player's salt. Winners are paid in the same transaction.
/// 4. If the house never reveals, anyone ends the round after `due`, and every bet is paid as a win.
///
/// Why nobody can choose the outcome: the seed is fixed before the first salt is known, so the house
/// cannot fit it to the bets; the salt is chosen while the seed is unknown, so the player cannot fit it
/// either. A roll depends on no other player's salt, so whoever bets last decides nothing about the
/// others' bets, not even the house with a seat of its own. Not revealing costs the house more than any
/// seed could: the bets are bonded, their whole reserve is paid.
///
/// What is left to trust: the house knows the seed while it is secret, so the house, and whoever it
/// tells, can win its own money; and a house that sees a transaction before it lands could lower its
/// bank's limits in front of it. That takes no bet that was placed, and BetBook's events show it.
contract Dice is Game {
    // -------------------------------------------------------------------------------- errors

    /// @notice Limits of stakes or times that fit neither together nor to the bank's limits.
    error RulesInvalid();
    /// @notice The round before this one was neither revealed nor expired.
    error RoundRunning(uint64 round);
    /// @notice No round is running.
    error NoRound();
    /// @notice A commitment of zero, or one that was used before: its seed may be known.
    error CommitmentUnusable(bytes32 commitment);
    /// @notice The round takes no more bets.
    error BettingOver(uint64 round);
    /// @notice Bets may still come in.
    error BettingOpen(uint40 betsUntil);
    /// @notice The stake must be within the limits, and large enough to win something.
    error StakeOutOfRange(uint96 stake);
    /// @notice The target must be from 1 to 9,800.
    error TargetOutOfRange(uint16 target);
    /// @notice The round has all the bets that it can have.
    error RoundFull(uint64 round);
    /// @notice This is not the seed that was committed to.
    error SeedMismatch(bytes32 commitment);
    /// @notice Too late to reveal: the bets are paid in full.
    error RevealTooLate(uint40 due);
    /// @notice The running round has no bet at this place.
    error NoBet(uint8 place);
    /// @notice The house may still reveal.
    error NotDue(uint40 due);

    // -------------------------------------------------------------------------------- events

    /// @notice Bets are taken before `betsUntil`; the seed must be revealed before `due`.
    event RoundStarted(uint64 indexed round, bytes32 commitment, uint40 betsUntil, uint40 due);
    /// @notice `id` is the bet's in BetBook's events too. A win pays `maxPayout`, the stake included.
    event BetPlaced(
        uint128 indexed id,
        uint64 indexed round,
        address indexed player,
        uint96 stake,
        uint96 maxPayout,
        uint16 target,
        bytes16 salt
    );
    /// @notice The bet's outcome: won if `roll` is below its target.
    event Rolled(
        uint128 indexed id,
        uint64 indexed round,
        address indexed player,
        uint16 roll,
        uint96 payout
    );
    /// @notice The round is over; with `seed` anyone computes its rolls again.
    event RoundRevealed(uint64 indexed round, bytes32 seed, uint8 bets);
    /// @notice The round is over without a seed; every bet was paid in full.
    event RoundExpired(uint64 indexed round, uint8 bets);

    // --------------------------------------------------------------------------------- state

    /// @notice What is fixed when the game is deployed.
    /// @param minStake The least per bet. Also what it costs to take a place of a round from others.
    /// @param maxStake The most per bet.
    /// @param bettingS How long a round takes bets, seconds.
    /// @param revealS How long the house then has to reveal, seconds.
    struct Rules {
        uint96 minStake;
        uint96 maxStake;
        uint32 bettingS;
        uint32 revealS;
    }

    /// @param firstSeq Number of the round's first bet; the others follow without a gap.
    struct Round {
        bytes32 commitment;
        uint48 firstSeq;
        uint40 betsUntil;
        uint40 due;
        uint8 bets;
    }

    struct Bet {
        address player;
        uint96 stake;
        uint16 target;
        bytes16 salt;
    }

    /// @notice Bets of a round: so many are settled in one transaction with ease.
    uint8 public constant MAX_BETS = 64;
    /// @notice Rolls are below this.
    uint16 public constant FACES = 10_000;
    /// @notice Above it a win would not pay more than the stake.
    uint16 public constant MAX_TARGET = 9_800;
    /// @notice What a bet pays on average, of 10,000: the house keeps 1%.
    uint16 public constant RETURN_BPS = 9_900;

    uint96 public immutable minStake;
    uint96 public immutable maxStake;
    uint32 public immutable bettingS;
    uint32 public immutable revealS;

    /// @notice Number of the last round that was started.
    uint64 public roundNo;
    /// @notice The round that is running; its commitment is zero when there is none.
    Round public round;
    /// @notice The running round's bets, the first `round.bets` of them; the places are used again.
    mapping(uint256 place => Bet) public bets;
    mapping(bytes32 commitment => bool) private _used;

    /// @param guardian See Game.
    /// @param limits Of the bank; a page may be due at least bettingS + revealS ahead.
    constructor(
        IBetBook betBook_,
        address house_,
        address guardian,
        IBetBook.Limits memory limits,
        Rules memory rules
    ) Game(betBook_, house_, guardian, limits) {
        if (
            rules.minStake == 0 ||
            rules.minStake > rules.maxStake ||
            rules.bettingS == 0 ||
            rules.revealS == 0 ||
            uint256(rules.bettingS) + rules.revealS > limits.maxHorizon
        ) revert RulesInvalid();
        minStake = rules.minStake;
        maxStake = rules.maxStake;
        bettingS = rules.bettingS;
        revealS = rules.revealS;
    }

    // --------------------------------------------------------------------------------- house

    /// @notice Starts a round.
    /// @param commitment `commitmentOf(seed)` of 32 random bytes. A seed that could be guessed gives the
    /// bank away.
    function start(bytes32 commitment) external onlyHouse {
        if (round.commitment != 0) revert RoundRunning(roundNo);
        if (commitment == 0 || _used[commitment]) revert CommitmentUnusable(commitment);
        _used[commitment] = true;
        uint40 betsUntil = uint40(block.timestamp) + bettingS;
        uint40 due = betsUntil + revealS;
        round = Round(commitment, _nextSeq(), betsUntil, due, 0);
        roundNo++;
        emit RoundStarted(roundNo, commitment, betsUntil, due);
    }

    /// @notice Reveals the seed, rolls for every bet, and settles them all.
    function reveal(bytes32 seed) external onlyHouse {
        Round memory r = round;
        if (r.commitment == 0) revert NoRound();
        if (commitmentOf(seed) != r.commitment) revert SeedMismatch(r.commitment);
        if (block.timestamp < r.betsUntil) revert BettingOpen(r.betsUntil);
        if (block.timestamp >= r.due) revert RevealTooLate(r.due);
        delete round;

        bytes memory ops;
        for (uint8 place = 0; place < r.bets; place++) {
            Bet memory b = bets[place];
            uint48 seq = r.firstSeq + place;
            uint16 roll = rollOf(seed, _betId(seq), b.player, b.salt);
            bool won = roll < b.target;
            ops = bytes.concat(ops, _settlement(r, place, won));
            emit Rolled(
                _betId(seq),
                roundNo,
                b.player,
                roll,
                won ? payoutOf(b.stake, b.target) : 0
            );
        }
        ops = bytes.concat(ops, Batch.finish(bankNo, bytes8(roundNo)));
        // A settlement of an open bet by its own page, before its due time and within its reserve, is
        // never refused.
        _apply(r.firstSeq + r.bets, uint48(r.bets) + 1, ops);
        emit RoundRevealed(roundNo, seed, r.bets);
    }

    // ------------------------------------------------------------------------------- players

    /// @notice The caller bets `stake` out of their seat here that the roll will be below `target`.
    /// Reverts when BetBook refuses the bet, and says why.
    /// @param salt The player's own random bytes: the house must not be able to guess them when it
    /// commits to a seed.
    /// @return id The bet's in all events.
    function bet(uint96 stake, uint16 target, bytes16 salt) external returns (uint128 id) {
        Round memory r = round;
        if (r.commitment == 0) revert NoRound();
        if (block.timestamp >= r.betsUntil) revert BettingOver(roundNo);
        if (r.bets == MAX_BETS) revert RoundFull(roundNo);
        if (target == 0 || target > MAX_TARGET) revert TargetOutOfRange(target);
        uint96 maxPayout = payoutOf(stake, target);
        if (stake < minStake || stake > maxStake || maxPayout <= stake) {
            revert StakeOutOfRange(stake);
        }
        bets[r.bets] = Bet(msg.sender, stake, target, salt);
        round.bets = r.bets + 1;

        (Batch.Page memory page, Batch.Bet[] memory items) = _page(r, r.bets);
        _apply(r.firstSeq + r.bets, 1, Batch.open(page, items));
        _requireOpen(r.bets, msg.sender, stake);
        id = _betId(r.firstSeq + r.bets);
        emit BetPlaced(id, roundNo, msg.sender, stake, maxPayout, target, salt);
    }

    /// @notice Ends a round that was not revealed in time: every bet is paid in full. Sent by anyone.
    function expire() external {
        Round memory r = round;
        if (r.commitment == 0) revert NoRound();
        if (block.timestamp < r.due) revert NotDue(r.due);
        delete round;
        for (uint8 place = 0; place < r.bets; place++) {
            // Anyone may have expired a page at BetBook itself.
            if (!betBook.isOpen(lane, place, 0)) continue;
            betBook.expire(lane, place, _preimage(r, place));
        }
        emit RoundExpired(roundNo, r.bets);
    }

    // --------------------------------------------------------------------------------- views

    /// @notice What the house commits to.
    function commitmentOf(bytes32 seed) public pure returns (bytes32) {
        return keccak256(abi.encode(seed));
    }

    /// @notice The roll of a bet, 0 to 9,999; anyone computes it again from the events.
    /// @dev 2^256 is no multiple of 10,000, so rolls below 9,936 are likelier than the others, by one
    /// part in 10^73: no number of bets shows it, and no second draw is needed.
    function rollOf(
        bytes32 seed,
        uint128 id,
        address player,
        bytes16 salt
    ) public pure returns (uint16) {
        return uint16(uint256(keccak256(abi.encode(seed, id, player, salt))) % FACES);
    }

    /// @notice What a win pays, the stake included, rounded down.
    function payoutOf(uint96 stake, uint16 target) public pure returns (uint96) {
        uint256 payout = (uint256(stake) * RETURN_BPS) / target;
        if (payout > type(uint96).max) revert StakeOutOfRange(stake);
        return uint96(payout);
    }

    /// @notice The preimage of the page of the running round's bet at `place`, with which anyone may
    /// expire it at BetBook itself. Its slot is `place`.
    function preimageOf(uint8 place) external view returns (bytes memory) {
        Round memory r = round;
        if (place >= r.bets) revert NoBet(place);
        return _preimage(r, place);
    }

    // --------------------------------------------------------------------------------- pages

    /// @dev The page of the bet at `place`: it is alone on it. A place of the round is a slot of the
    /// lane, so that the same 64 slots serve round after round.
    function _page(
        Round memory r,
        uint8 place
    ) private view returns (Batch.Page memory page, Batch.Bet[] memory items) {
        Bet memory b = bets[place];
        page = Batch.Page(place, r.due, bytes8(roundNo), true);
        items = new Batch.Bet[](1);
        items[0] = Batch.Bet(
            b.player,
            bankNo,
            b.stake,
            payoutOf(b.stake, b.target) - b.stake,
            _ref(r.firstSeq + place)
        );
    }

    function _preimage(Round memory r, uint8 place) private view returns (bytes memory) {
        (Batch.Page memory page, Batch.Bet[] memory items) = _page(r, place);
        return Batch.preimage(r.firstSeq + place, page, items);
    }

    function _settlement(
        Round memory r,
        uint8 place,
        bool won
    ) private view returns (bytes memory) {
        bytes16 ref = _ref(r.firstSeq + place);
        Batch.Outcome[] memory outcomes = new Batch.Outcome[](1);
        outcomes[0] = Batch.Outcome(0, won ? Batch.FULL : Batch.LOST, 0, ref);
        return Batch.settle(place, _preimage(r, place), outcomes);
    }
}
