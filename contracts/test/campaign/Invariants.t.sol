// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Campaign, Deploy, System} from "./Campaign.t.sol";

/// @notice The campaign: an actor per role, a thief per key, hostile tokens, random batches, time.
/// These are its invariants; a failure names the number. Those marked * are checked in each step,
/// on its logs (`Shadow.t.sol`, `Handler.t.sol`), the others by `compare`, too.
///
///  1  The treasury holds at least `total`, the sum of all available and client balances.
///  2  The book's client balance is the sum of seats, bankrolls and stakes of open bets.
///  3  No bank's bankroll is below what is reserved.
///  4  Locked and reserved are the sums over the open bets that the logs tell of.
///  5* A bet ends at most once.
///  6* Each number below `next` has one outcome; a repeated or re-split batch changes nothing.
///  7  Logs alone tell what every getter says.
///  8* A seat falls only by an item within its grant, or by a sweep to its own player.
///  9  Nobody has less than what they started with, what they gave away by their own will aside.
/// 10* In a UTC day a bank's drawdown, its gross losses and its credits keep to the limits.
/// 11* With everything against a player, leave, the notice, sweep and withdraw succeed.
/// 12* A bonded bet is never voided.
/// 13* A group lands whole or not at all.
/// 14* A caller without the role changes nothing.
/// 15* A unit never takes more gas than its published bound.
/// 16  A signature over anything else is refused: `Signatures.t.sol`, and thieves here.
/// 17  The optimised code equals the plain one: `Differential.t.sol`.
/// 18* After a halt no PLAY and no OPEN lands.
contract InvariantsTest is Campaign {
    function setUp() external {
        System[] memory systems = new System[](1);
        systems[0] = Deploy.system("BetBook", 1 hours);
        _begin(systems);
    }

    function invariant_all() external view {
        _handler.compareSums();
    }
}
