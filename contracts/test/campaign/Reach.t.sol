// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IBetBook} from "../../IBetBook.sol";
import {IDesk} from "../../IDesk.sol";
import {ITreasury} from "../../ITreasury.sol";
import {Campaign, Deploy, System} from "./Campaign.t.sol";
import {VM} from "../Vm.sol";

/// @notice The campaign is not empty: its steps, from one seed, reach every event, every rejection
/// code, the errors that a valid caller can meet, and what the handler counts by name.
contract ReachTest is Campaign {
    uint256 private constant STEPS = 6_000;

    string private _missing;

    function setUp() external {
        System[] memory systems = new System[](1);
        systems[0] = Deploy.system("BetBook", 1 hours);
        _begin(systems);
    }

    function test_reachesEverything() external {
        for (uint256 i = 0; i < STEPS; i++) _handler.step(uint256(keccak256(abi.encode("reach", i))));
        _events();
        for (uint8 code = 1; code <= 17; code++) {
            _need(_handler.refused(code), string.concat("code ", VM.toString(uint256(code))));
        }
        _named();
        _errors();
        require(bytes(_missing).length == 0, _missing);
    }

    function _events() private {
        _event(IBetBook.Played.selector, "Played");
        _event(IBetBook.Opened.selector, "Opened");
        _event(IBetBook.OpenRejected.selector, "OpenRejected");
        _event(IBetBook.Settled.selector, "Settled");
        _event(IBetBook.Voided.selector, "Voided");
        _event(IBetBook.Closed.selector, "Closed");
        _event(IBetBook.Credited.selector, "Credited");
        _event(IBetBook.ToppedUp.selector, "ToppedUp");
        _event(IBetBook.Released.selector, "Released");
        _event(IBetBook.RoundFinalized.selector, "RoundFinalized");
        _event(IBetBook.Rejected.selector, "Rejected");
        _event(IBetBook.BatchApplied.selector, "BatchApplied");
        _event(IBetBook.Halted.selector, "Halted");
        _event(IDesk.Resumed.selector, "Resumed");
        _event(IDesk.Paused.selector, "Paused");
        _event(IDesk.Expired.selector, "Expired");
        _event(IDesk.OperatorRegistered.selector, "OperatorRegistered");
        _event(IDesk.AdminNamed.selector, "AdminNamed");
        _event(IDesk.AdminSet.selector, "AdminSet");
        _event(IDesk.GuardianNamed.selector, "GuardianNamed");
        _event(IDesk.GuardianSet.selector, "GuardianSet");
        _event(IDesk.ExecutorSet.selector, "ExecutorSet");
        _event(IDesk.SeatFunded.selector, "SeatFunded");
        _event(IDesk.SeatEnding.selector, "SeatEnding");
        _event(IDesk.SeatSwept.selector, "SeatSwept");
        _event(IDesk.BankOpened.selector, "BankOpened");
        _event(IDesk.BankAdminNamed.selector, "BankAdminNamed");
        _event(IDesk.BankAdminSet.selector, "BankAdminSet");
        _event(IDesk.PayoutSet.selector, "PayoutSet");
        _event(IDesk.LimitsSet.selector, "LimitsSet");
        _event(IDesk.BankFunded.selector, "BankFunded");
        _event(IDesk.ExitRequested.selector, "ExitRequested");
        _event(IDesk.ExitCancelled.selector, "ExitCancelled");
        _event(IDesk.BankExited.selector, "BankExited");
        _event(ITreasury.Deposited.selector, "Deposited");
        _event(ITreasury.Withdrawn.selector, "Withdrawn");
        _event(ITreasury.Allowed.selector, "Allowed");
        _event(ITreasury.Pulled.selector, "Pulled");
        _event(ITreasury.Pushed.selector, "Pushed");
    }

    function _named() private {
        _what("group landed");
        _what("group refused");
        _what("group of several landed");
        _what("settle rejected whole");
        _what("outcome rejected");
        _what("win on an ended seat");
        _what("day turned");
        _what("bonded page expired");
        _what("page expired");
        _what("split");
        _what("repeated");
        _what("mutated bytes landed");
        _what("thief refused");
        _what("theft by signature refused");
        _what("exit drill");
        _what("hostile token");
        if (!_handler.isGasUsual()) return;
        _what("stopped early");
        _what("tight gas");
        _error(IBetBook.GasTooLow.selector, "GasTooLow");
    }

    function _errors() private {
        _error(IBetBook.MalformedOps.selector, "MalformedOps");
        _error(IBetBook.WrongShard.selector, "WrongShard");
        _error(IBetBook.LaneGap.selector, "LaneGap");
        _error(IBetBook.UnitSplit.selector, "UnitSplit");
        _error(IDesk.NotAllowed.selector, "NotAllowed");
        _error(IDesk.SeatLive.selector, "SeatLive");
        _error(IDesk.SeatNotLive.selector, "SeatNotLive");
        _error(IDesk.SeatEmpty.selector, "SeatEmpty");
        _error(IDesk.GrantNoMismatch.selector, "GrantNoMismatch");
        _error(IDesk.ExpiryOutOfRange.selector, "ExpiryOutOfRange");
        _error(IDesk.SignatureInvalid.selector, "SignatureInvalid");
        _error(IDesk.PageMismatch.selector, "PageMismatch");
        _error(IDesk.NotDue.selector, "NotDue");
        _error(IDesk.CoolingDown.selector, "CoolingDown");
        _error(IDesk.PauseOutOfRange.selector, "PauseOutOfRange");
        _error(IDesk.NotHalted.selector, "NotHalted");
        _error(IDesk.NotExiting.selector, "NotExiting");
        _error(IDesk.ExitTooEarly.selector, "ExitTooEarly");
        _error(IDesk.ExecutorUnchanged.selector, "ExecutorUnchanged");
        _error(IDesk.ZeroValue.selector, "ZeroValue");
    }

    function _event(bytes32 topic, string memory name) private {
        _need(_handler.seen(topic), name);
    }

    function _what(bytes32 name) private {
        _need(_handler.happened(name), string(abi.encodePacked(name)));
    }

    function _error(bytes4 selector, string memory name) private {
        _need(_handler.reverted(selector), name);
    }

    function _need(uint256 count, string memory name) private {
        if (count == 0) _missing = string.concat(_missing, " ", name);
    }
}
