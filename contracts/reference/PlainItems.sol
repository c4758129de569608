// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Codes} from "../Codes.sol";
import {Credit, Finish, Play, Release, TopUp} from "./PlainOps.sol";
import {PlainSeats} from "./PlainSeats.sol";

/// @notice The items that leave nothing open: PLAY, CREDIT, FINISH, TOPUP, RELEASE. Each has one
/// number, `seq`, and emits one event of its own id. Those that can be refused return the code; 0:
/// applied.
abstract contract PlainItems is PlainSeats {
    // ---------------------------------------------------------------------------------- PLAY

    function _play(uint48 lane_, uint48 seq, Play memory play) internal returns (uint8 code) {
        uint128 id = _id(lane_, play.bankNo, seq);
        code = _refusePlay(_operatorNoOf(lane_), play);
        if (code != 0) {
            emit Rejected(id, play.player, code, play.refBet);
            if (_haltsBank(play, code)) _halt(play.bankNo, code);
            return code;
        }
        // Added first: an ended seat may hold less than the stake of a winner.
        Seat storage seat_ = _seats[_operatorNoOf(lane_)][play.player];
        seat_.balance = seat_.balance + play.payout - play.stake;
        _exchange(play.bankNo, play.stake, play.payout);
        emit Played(id, play.player, play.stake, play.payout, play.refBet, play.refWin);
    }

    /// @dev A house that cannot pay a winner takes from no other loser.
    function _haltsBank(Play memory play, uint8 code) internal pure returns (bool) {
        bool bankRefused = code == Codes.ABOVE_MAX_PAYOUT ||
            code == Codes.BANK_SHORT ||
            code == Codes.DAY_LIMIT;
        return bankRefused && play.payout > play.stake;
    }

    /// @dev A net win reaches an ended seat too, whatever is left in it: the bet was decided before
    /// it landed, and only the bank can lose by it.
    function _refusePlay(uint32 operatorNo, Play memory play) private view returns (uint8) {
        Seat storage seat_ = _seats[operatorNo][play.player];
        bool ended = _hasEnded(seat_);
        uint96 win = play.payout > play.stake ? play.payout - play.stake : 0;
        if (play.stake == 0) return Codes.STAKE_ZERO;
        if (seat_.grantNo == 0 || (ended && win == 0)) return Codes.SEAT_ENDED;
        if (play.stake > seat_.maxStake) return Codes.ABOVE_MAX_STAKE;
        if (!ended && play.stake > seat_.balance) return Codes.SEAT_SHORT;
        if (_isClosed(play.bankNo, operatorNo)) return Codes.BANK_CLOSED;
        if (play.payout > limits(play.bankNo).maxPayout) return Codes.ABOVE_MAX_PAYOUT;
        if (win > _unreserved(play.bankNo)) return Codes.BANK_SHORT;
        if (_isAboveDayLimit(play.bankNo, win)) return Codes.DAY_LIMIT;
        return 0;
    }

    // -------------------------------------------------------------------------------- CREDIT

    /// @dev An ended seat takes it: what a player won is theirs.
    function _credit(uint48 lane_, uint48 seq, Credit memory credit) internal returns (uint8 code) {
        uint32 operatorNo = _operatorNoOf(lane_);
        uint128 id = _id(lane_, credit.bankNo, seq);
        Seat storage seat_ = _seats[operatorNo][credit.player];
        code = seat_.grantNo == 0
            ? Codes.SEAT_ENDED
            : _refuseBankCredit(credit.bankNo, operatorNo, credit.amount);
        if (code != 0) {
            emit Rejected(id, credit.player, code, credit.ref);
            return code;
        }
        _payCredit(credit.bankNo, credit.amount);
        seat_.balance += credit.amount;
        emit Credited(id, credit.player, credit.amount, credit.ref);
    }

    // ---------------------------------------------------------------- FINISH, TOPUP, RELEASE

    function _finish(uint48 lane_, uint48 seq, Finish memory finish) internal {
        emit RoundFinalized(_id(lane_, finish.bankNo, seq), finish.round);
    }

    function _topUp(uint48 lane_, uint48 seq, TopUp memory topUp) internal {
        uint32 operatorNo = _operatorNoOf(lane_);
        uint128 id = _id(lane_, 0, seq);
        Seat storage seat_ = _seats[operatorNo][topUp.player];
        if (!_isLive(seat_)) {
            emit Rejected(id, topUp.player, Codes.SEAT_ENDED, topUp.ref);
            return;
        }
        if (
            topUp.amount == 0 ||
            topUp.amount > _topUpLeft[operatorNo][topUp.player] ||
            !_pulls(topUp.player, topUp.amount)
        ) {
            emit Rejected(id, topUp.player, Codes.TOP_UP_REFUSED, topUp.ref);
            return;
        }
        seat_.balance += topUp.amount;
        _topUpLeft[operatorNo][topUp.player] -= topUp.amount;
        _owed += topUp.amount;
        emit ToppedUp(id, topUp.player, topUp.amount, topUp.ref);
    }

    function _release(uint48 lane_, uint48 seq, Release memory release) internal {
        uint128 id = _id(lane_, 0, seq);
        Seat storage seat_ = _seats[_operatorNoOf(lane_)][release.player];
        if (!_isLive(seat_)) {
            emit Rejected(id, release.player, Codes.SEAT_ENDED, release.ref);
            return;
        }
        seat_.expiry = uint32(block.timestamp);
        emit Released(id, release.player, release.ref);
    }

    function _id(uint48 lane_, uint32 bankNo, uint48 seq) internal pure returns (uint128) {
        return (uint128(lane_) << 80) | (uint128(bankNo) << 48) | seq;
    }

    /// @dev Moves the amount out of the player's free balance, unless the Treasury refuses.
    function _pulls(address player, uint96 amount) private returns (bool) {
        try treasury.pull(player, amount) {
            return true;
        } catch {
            return false;
        }
    }
}
