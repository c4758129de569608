// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Codes} from "../../Codes.sol";
import {IBetBook} from "../../IBetBook.sol";
import {IDesk} from "../../IDesk.sol";
import {ITreasury} from "../../ITreasury.sol";
import {System, World} from "./World.t.sol";
import {Vm} from "../Vm.sol";

/// @notice What the logs alone say about one deployment: every log is folded in here, and what a
/// log claims is checked against the rules as far as they can be told from logs. `_compare` then
/// asks the contracts.
abstract contract Shadow is World {
    /// @notice An invariant of the contracts (by its number, see `Invariants.t.sol`) does not hold.
    error Violated(uint256 invariant, string what);

    struct OperatorModel {
        address account;
        uint16 shards;
        address admin;
        address pendingAdmin;
        address guardian;
        address pendingGuardian;
    }

    struct SeatModel {
        uint96 balance;
        uint96 maxStake;
        uint32 expiry;
        uint32 grantNo;
        uint96 topUpLeft;
    }

    struct BankModel {
        uint32 operatorNo;
        address admin;
        address pendingAdmin;
        address payout;
        uint96 bankroll;
        uint96 reserved;
        uint96 locked;
        uint96 exiting;
        uint40 exitAt;
        uint32 pausedUntil;
        /// The day after the one it is halted on.
        uint256 haltedDay;
        uint256 day;
        /// What the bank gained today by bets, and the most that this was today.
        int256 gain;
        int256 peak;
        uint96 won;
        uint96 credited;
        IDesk.Limits active;
        IDesk.Limits announced;
        uint40 readyAt;
    }

    enum BetState {
        None,
        Open,
        Ended
    }

    struct BetModel {
        BetState state;
        uint32 bankNo;
        address player;
        uint96 stake;
        uint96 profit;
        uint80 page;
    }

    struct PageModel {
        /// Whether the bytes are known: not those of a page that mutated bytes opened.
        bool known;
        bool bonded;
        uint64 mask;
        uint48 firstSeq;
        uint40 due;
        bytes preimage;
    }

    struct AllowanceModel {
        uint96 amount;
        uint40 expiry;
        uint48 nonce;
    }

    /// @dev A page that a batch under way opens, if its OPEN is taken.
    struct Pending {
        uint80 page;
        uint48 firstSeq;
        bool bonded;
        uint40 due;
        uint256 count;
        bytes preimage;
    }

    enum Outcome {
        None,
        Landed,
        Refused,
        /// Refused with its group.
        GroupRefused
    }

    System internal _system;
    OperatorModel[] internal _operators;
    mapping(address operator => uint32) internal _operatorNos;
    mapping(uint32 operatorNo => mapping(address executor => uint40)) internal _readyAt;
    mapping(uint32 operatorNo => mapping(address player => SeatModel)) internal _seats;
    BankModel[] internal _banks;
    mapping(uint48 lane => uint48) internal _nexts;
    mapping(uint48 lane => mapping(uint48 seq => BetModel)) internal _bets;
    mapping(uint80 page => PageModel) internal _pages;
    mapping(address player => uint96) internal _available;
    mapping(address player => uint64) internal _withdrawals;
    mapping(address player => mapping(address client => AllowanceModel)) internal _allowances;
    /// @notice What an account gave away by its own will: bought in, topped up, funded, sent to
    /// others.
    mapping(address account => uint256) internal _given;
    uint64 internal _bookEvents;
    uint64 internal _treasuryEvents;
    uint256 internal _sumAvailable;
    uint256 internal _sumClients;
    uint256 internal _sumSeats;
    uint256 internal _sumBankrolls;
    uint256 internal _sumLocked;
    Pending[] internal _pending;

    /// @dev Zero once each movement that the book names has its counterpart in the treasury.
    uint256 private _flows;
    /// @dev Of the batch whose logs are folded: the number that is next, and what became of each.
    uint48 private _cursor;
    uint48 private _cursorLane;
    uint48 private _batchFirst;
    bool private _refusedInSettle;
    Outcome[] internal _outcomes;

    /// @notice How often each event was seen (by its topic), and each rejection code.
    mapping(bytes32 topic => uint256) public seen;
    mapping(uint8 code => uint256) public refused;
    /// @notice How often something happened that has no event of its own.
    mapping(bytes32 what => uint256) public happened;

    constructor() {
        _operators.push();
        _banks.push();
    }

    // --------------------------------------------------------------------------------- logs

    function _fold(Vm.Log[] memory logs) internal {
        for (uint256 i = 0; i < logs.length; i++) {
            Vm.Log memory log = logs[i];
            if (log.emitter == address(_system.treasury)) {
                _foldTreasury(log);
            } else if (log.emitter == address(_system.book)) {
                bytes32 topic = log.topics[0];
                seen[topic]++;
                if (!_foldItem(topic, log)) _foldNumbered(topic, log);
            }
        }
        if (_cursorLane != 0) revert Violated(6, "items without BatchApplied");
        if (_flows != 0) revert Violated(2, "money moved without its counterpart");
        if (_sumAvailable + _sumClients > type(uint96).max) revert Violated(1, "sum");
    }

    function _foldTreasury(Vm.Log memory log) private {
        bytes32 topic = log.topics[0];
        seen[topic]++;
        address player = _address(log, 1);
        if (_last(log) != ++_treasuryEvents) revert Violated(7, "gap in the treasury's events");
        uint96 amount = uint96(_word(log, 0));
        address other = _address(log, 2);
        if (topic == ITreasury.Deposited.selector) {
            _available[player] += amount;
            _sumAvailable += amount;
            if (other != player) _given[other] += amount;
        } else if (topic == ITreasury.Withdrawn.selector) {
            _available[player] -= amount;
            _sumAvailable -= amount;
            _withdrawals[player]++;
            if (other != player) _given[player] += amount;
        } else if (topic == ITreasury.Allowed.selector) {
            AllowanceModel storage a = _allowances[player][other];
            a.amount = amount;
            a.expiry = uint40(_word(log, 1));
            if (_word(log, 2) != ++a.nonce) revert Violated(7, "nonce");
        } else if (topic == ITreasury.Pulled.selector) {
            if (block.timestamp >= _allowances[player][other].expiry) {
                revert Violated(14, "pulled after the allowance");
            }
            _allowances[player][other].amount -= amount;
            _available[player] -= amount;
            _sumAvailable -= amount;
            _sumClients += amount;
            unchecked {
                _flows -= _flow("in", player, amount);
            }
        } else if (topic == ITreasury.Pushed.selector) {
            _available[player] += amount;
            _sumAvailable += amount;
            _sumClients -= amount;
            unchecked {
                _flows -= _flow("out", player, amount);
            }
        } else {
            revert Violated(7, "unknown event of the treasury");
        }
    }

    function _foldNumbered(bytes32 topic, Vm.Log memory log) private {
        if (_last(log) != ++_bookEvents) revert Violated(7, "gap in the book's events");
        if (topic == IDesk.Expired.selector) return _foldExpired(log);
        if (_foldOperator(topic, log) || _foldSeat(topic, log)) return;
        _foldBank(topic, log);
    }

    function _foldOperator(bytes32 topic, Vm.Log memory log) private returns (bool) {
        address account = _address(log, 1);
        if (topic == IDesk.OperatorRegistered.selector) {
            if (_word(log, 0) != _operators.length) revert Violated(7, "operator's number");
            _operatorNos[account] = uint32(_operators.length);
            OperatorModel storage added = _operators.push();
            added.account = account;
            added.shards = uint16(_word(log, 1));
            return true;
        }
        OperatorModel storage o = _operators[_operatorNos[account]];
        if (topic == IDesk.AdminNamed.selector) {
            o.pendingAdmin = _address(log, 2);
        } else if (topic == IDesk.AdminSet.selector) {
            o.admin = _address(log, 2);
            o.pendingAdmin = address(0);
        } else if (topic == IDesk.GuardianNamed.selector) {
            o.pendingGuardian = _address(log, 2);
        } else if (topic == IDesk.GuardianSet.selector) {
            o.guardian = _address(log, 2);
            o.pendingGuardian = address(0);
        } else if (topic == IDesk.ExecutorSet.selector) {
            _readyAt[_operatorNos[account]][_address(log, 2)] = uint40(_word(log, 0));
        } else {
            return false;
        }
        return true;
    }

    function _foldSeat(bytes32 topic, Vm.Log memory log) private returns (bool) {
        address player = _address(log, 1);
        SeatModel storage s = _seats[_operatorNos[_address(log, 2)]][player];
        if (topic == IDesk.SeatFunded.selector) {
            if (block.timestamp < s.expiry) revert Violated(8, "sat on a live seat");
            if (_word(log, 4) != s.grantNo + 1) revert Violated(8, "grantNo");
            uint96 amount = uint96(_word(log, 0));
            s.balance += amount;
            s.topUpLeft = uint96(_word(log, 1));
            s.maxStake = uint96(_word(log, 2));
            s.expiry = uint32(_word(log, 3));
            s.grantNo++;
            _sumSeats += amount;
            _comesIn(player, amount);
        } else if (topic == IDesk.SeatEnding.selector) {
            uint32 endsAt = uint32(_word(log, 0));
            if (endsAt > s.expiry || endsAt > block.timestamp + NOTICE_S) {
                revert Violated(11, "leaving takes longer than the notice");
            }
            s.expiry = endsAt;
        } else if (topic == IDesk.SeatSwept.selector) {
            if (block.timestamp < s.expiry) revert Violated(8, "swept a live seat");
            if (_word(log, 0) != s.balance) revert Violated(8, "swept another amount");
            _goesOut(player, s.balance);
            _sumSeats -= s.balance;
            s.balance = 0;
        } else {
            return false;
        }
        return true;
    }

    function _foldBank(bytes32 topic, Vm.Log memory log) private {
        uint32 bankNo = uint32(uint256(log.topics[1]));
        if (topic == IDesk.BankOpened.selector) {
            if (bankNo != _banks.length) revert Violated(7, "bank's number");
            BankModel storage added = _banks.push();
            added.operatorNo = _operatorNos[_address(log, 2)];
            added.admin = _address(log, 3);
            return;
        }
        BankModel storage b = _banks[bankNo];
        if (topic == IDesk.BankAdminNamed.selector) {
            b.pendingAdmin = _address(log, 2);
        } else if (topic == IDesk.BankAdminSet.selector) {
            b.admin = _address(log, 2);
            b.pendingAdmin = address(0);
        } else if (topic == IDesk.PayoutSet.selector) {
            b.payout = _address(log, 2);
            b.exitAt = uint40(_word(log, 0));
        } else if (topic == IDesk.LimitsSet.selector) {
            _foldLimits(b, log);
        } else if (topic == IDesk.BankFunded.selector) {
            uint96 amount = uint96(_word(log, 0));
            b.bankroll += amount;
            _sumBankrolls += amount;
            _comesIn(b.admin, amount);
        } else if (topic == IDesk.ExitRequested.selector) {
            b.exiting = uint96(_word(log, 0));
            b.exitAt = uint40(_word(log, 1));
            if (b.exitAt < block.timestamp + NOTICE_S) revert Violated(10, "exit without notice");
        } else if (topic == IDesk.ExitCancelled.selector) {
            b.exiting = 0;
            b.exitAt = 0;
        } else if (topic == IDesk.BankExited.selector) {
            uint96 amount = uint96(_word(log, 0));
            if (b.exitAt == 0 || block.timestamp < b.exitAt) revert Violated(10, "exit too early");
            if (_address(log, 2) != b.payout) revert Violated(14, "exit to another");
            if (amount > b.bankroll - b.reserved) revert Violated(3, "exit of reserved money");
            b.bankroll -= amount;
            b.exiting -= amount;
            if (b.exiting == 0) b.exitAt = 0;
            _sumBankrolls -= amount;
            _goesOut(b.payout, amount);
        } else if (topic == IBetBook.Halted.selector) {
            b.haltedDay = block.timestamp / 1 days + 1;
            uint8 code = uint8(_word(log, 0));
            if (code < Codes.ABOVE_MAX_PAYOUT || code > Codes.DAY_LIMIT) {
                revert Violated(18, "halted for another reason");
            }
        } else if (topic == IDesk.Resumed.selector) {
            b.haltedDay = 0;
        } else if (topic == IDesk.Paused.selector) {
            b.pausedUntil = uint32(_word(log, 0));
            if (b.pausedUntil > block.timestamp + 72 hours) revert Violated(11, "long pause");
        } else {
            revert Violated(7, "unknown event of the book");
        }
    }

    function _foldLimits(BankModel storage b, Vm.Log memory log) private {
        IDesk.Limits memory set = IDesk.Limits(
            uint96(_word(log, 0)),
            uint96(_word(log, 1)),
            uint96(_word(log, 2)),
            uint96(_word(log, 3)),
            uint32(_word(log, 4))
        );
        uint40 readyAt = uint40(_word(log, 5));
        if (readyAt == block.timestamp) {
            b.active = set;
            b.readyAt = 0;
            return;
        }
        if (readyAt < block.timestamp + NOTICE_S) revert Violated(10, "limits without notice");
        IDesk.Limits memory now_ = _limitsOf(b);
        b.active = IDesk.Limits(
            _least(now_.maxPayout, set.maxPayout),
            _least(now_.stopLoss, set.stopLoss),
            _least(now_.dayWon, set.dayWon),
            _least(now_.dayCredit, set.dayCredit),
            now_.maxHorizon < set.maxHorizon ? now_.maxHorizon : set.maxHorizon
        );
        b.announced = set;
        b.readyAt = readyAt;
    }

    function _foldExpired(Vm.Log memory log) private {
        uint80 pageId = uint80(uint256(log.topics[1]));
        PageModel storage p = _pages[pageId];
        if (block.timestamp < p.due) revert Violated(8, "expired before due");
        if (_word(log, 0) != p.firstSeq || _word(log, 1) != p.mask || p.mask == 0) {
            revert Violated(7, "expired another page");
        }
        bool bonded = _word(log, 2) == 1;
        _happen(bonded ? bytes32("bonded page expired") : bytes32("page expired"));
        if (bonded != p.bonded) revert Violated(12, "bonded page expired as another");
        for (uint48 i = 0; i < 64; i++) {
            if ((p.mask >> i) & 1 == 0) continue;
            BetModel storage bet = _bets[uint48(pageId >> 32)][p.firstSeq + i];
            _endBet(uint48(pageId >> 32), bet, bonded ? bet.stake + bet.profit : bet.stake, !bonded);
        }
        p.mask = 0;
    }

    // --------------------------------------------------------------------------------- items

    /// @dev An event of a lane. False: it is none.
    function _foldItem(bytes32 topic, Vm.Log memory log) private returns (bool) {
        if (topic == IBetBook.BatchApplied.selector) {
            _endBatch(log);
            return true;
        }
        uint128 id = uint128(uint256(log.topics[1]));
        address player = log.topics.length > 2 ? _address(log, 2) : address(0);
        uint48 lane_ = uint48(id >> 80);
        uint48 seq = uint48(id);
        if (topic == IBetBook.Settled.selector || topic == IBetBook.Voided.selector) {
            BetModel storage bet = _bets[lane_][seq];
            if (bet.player != player || bet.bankNo != uint32(id >> 48)) revert Violated(5, "no bet");
            bool voided = topic == IBetBook.Voided.selector;
            uint96 payout = uint96(_word(log, 0));
            if (voided && payout != bet.stake) revert Violated(8, "void of another stake");
            PageModel storage p = _pages[bet.page];
            if (voided && p.known && p.bonded) revert Violated(12, "void of a bonded bet");
            if (p.known && block.timestamp >= p.due) revert Violated(5, "settled after due");
            _endBet(lane_, bet, payout, voided);
            p.mask &= ~(uint64(1) << uint8(seq - p.firstSeq));
            return true;
        }
        if (topic == IBetBook.Rejected.selector) {
            uint8 code = uint8(_word(log, 0));
            refused[code]++;
            if (player == address(0) || (_cursorLane != 0 && seq < _cursor) || _isSettles(lane_, seq)) {
                _refusedInSettle = true;
                if (player == address(0) && code != 9 && code != 16) revert Violated(6, "code");
                _happen(
                    player == address(0) ? bytes32("settle rejected whole") : bytes32("outcome rejected")
                );
                if (code == 16) _groupRefusedInSettle = true;
                return true;
            }
            _use(lane_, seq, code == 16 ? Outcome.GroupRefused : Outcome.Refused);
        } else if (topic == IBetBook.Played.selector) {
            _use(lane_, seq, Outcome.Landed);
            _foldPlayed(lane_, _banks[uint32(id >> 48)], player, log);
        } else if (topic == IBetBook.Opened.selector) {
            _use(lane_, seq, Outcome.Landed);
            _foldOpened(id, player, log);
        } else if (topic == IBetBook.OpenRejected.selector) {
            uint8 code = uint8(_word(log, 3));
            refused[code]++;
            _use(lane_, seq, code == 16 ? Outcome.GroupRefused : Outcome.Refused);
        } else if (topic == IBetBook.Closed.selector) {
            _use(
                lane_,
                seq,
                _groupRefusedInSettle
                    ? Outcome.GroupRefused
                    : _refusedInSettle
                        ? Outcome.Refused
                        : Outcome.Landed
            );
            _refusedInSettle = false;
            _groupRefusedInSettle = false;
            PageModel storage p = _pages[uint80(_word(log, 0))];
            if (p.known && _word(log, 2) != p.mask) revert Violated(7, "mask left");
        } else if (topic == IBetBook.Credited.selector) {
            _use(lane_, seq, Outcome.Landed);
            _foldCredited(lane_, _banks[uint32(id >> 48)], player, uint96(_word(log, 0)));
        } else if (topic == IBetBook.ToppedUp.selector) {
            _use(lane_, seq, Outcome.Landed);
            SeatModel storage s = _seats[uint32(lane_ >> 16)][player];
            if (block.timestamp >= s.expiry) revert Violated(8, "topped up an ended seat");
            uint96 amount = uint96(_word(log, 0));
            if (amount > s.topUpLeft) revert Violated(9, "topped up more than granted");
            s.topUpLeft -= amount;
            s.balance += amount;
            _sumSeats += amount;
            _comesIn(player, amount);
        } else if (topic == IBetBook.Released.selector) {
            _use(lane_, seq, Outcome.Landed);
            _seats[uint32(lane_ >> 16)][player].expiry = uint32(block.timestamp);
        } else if (topic == IBetBook.RoundFinalized.selector) {
            _use(lane_, seq, Outcome.Landed);
        } else {
            return false;
        }
        return true;
    }

    bool private _groupRefusedInSettle;

    /// @dev A bet that a SETTLE names by its id is older than the SETTLE.
    function _isSettles(uint48 lane_, uint48 seq) private view returns (bool) {
        return _cursorLane == 0 && seq < _nexts[lane_];
    }

    /// @dev Every number has one outcome, in order.
    function _use(uint48 lane_, uint48 seq, Outcome outcome) private {
        if (_cursorLane == 0) {
            _cursorLane = lane_;
            _cursor = _nexts[lane_];
            _batchFirst = _cursor;
            delete _outcomes;
        }
        if (lane_ != _cursorLane || seq != _cursor) revert Violated(6, "number used out of order");
        _cursor++;
        _outcomes.push(outcome);
    }

    function _endBatch(Vm.Log memory log) private {
        uint48 lane_ = uint48(uint256(log.topics[1]));
        if (lane_ != _cursorLane) revert Violated(6, "batch of another lane");
        if (_word(log, 0) != _batchFirst) revert Violated(6, "first of a batch");
        if (_word(log, 1) != _cursor) revert Violated(6, "next of a batch");
        if (_refusedInSettle) revert Violated(6, "outcome without Closed");
        _nexts[lane_] = _cursor;
        _cursorLane = 0;
    }

    function _foldPlayed(
        uint48 lane_,
        BankModel storage b,
        address player,
        Vm.Log memory log
    ) private {
        uint96 stake = uint96(_word(log, 0));
        uint96 payout = uint96(_word(log, 1));
        SeatModel storage s = _seats[uint32(lane_ >> 16)][player];
        bool ended = block.timestamp >= s.expiry;
        if (s.grantNo == 0 || stake == 0 || stake > s.maxStake) revert Violated(8, "beyond the grant");
        if (ended ? payout <= stake : stake > s.balance) revert Violated(8, "beyond the seat");
        uint96 win = payout > stake ? payout - stake : 0;
        _checkRisk(lane_, b, payout, win, b.bankroll - b.reserved);
        s.balance = s.balance + payout - stake;
        _sumSeats = _sumSeats + payout - stake;
        _gain(b, stake, payout);
        if (ended) _happen("win on an ended seat");
    }

    function _foldOpened(uint128 id, address player, Vm.Log memory log) private {
        uint48 lane_ = uint48(id >> 80);
        uint96 stake = uint96(_word(log, 0));
        uint96 profit = uint96(_word(log, 1)) - stake;
        uint80 pageId = uint80(_word(log, 2));
        SeatModel storage s = _seats[uint32(lane_ >> 16)][player];
        BankModel storage b = _banks[uint32(id >> 48)];
        if (s.grantNo == 0 || stake == 0 || stake > s.maxStake) revert Violated(8, "beyond the grant");
        if (block.timestamp >= s.expiry || stake > s.balance) revert Violated(8, "beyond the seat");
        uint96 used = b.reserved + b.exiting;
        _checkRisk(lane_, b, stake + profit, profit, b.bankroll > used ? b.bankroll - used : 0);
        uint40 due = uint40(_word(log, 3));
        if (due <= block.timestamp || due > block.timestamp + _limitsOf(b).maxHorizon) {
            revert Violated(10, "beyond the horizon");
        }
        BetModel storage bet = _bets[lane_][uint48(id)];
        if (bet.state != BetState.None) revert Violated(5, "opened twice");
        _bets[lane_][uint48(id)] = BetModel(
            BetState.Open,
            uint32(id >> 48),
            player,
            stake,
            profit,
            pageId
        );
        s.balance -= stake;
        b.locked += stake;
        b.reserved += profit;
        _sumSeats -= stake;
        _sumLocked += stake;
        PageModel storage p = _pages[pageId];
        if (p.mask == 0) _startPage(p, pageId, uint48(id));
        p.mask |= uint64(1) << uint8(uint48(id) - p.firstSeq);
    }

    function _startPage(PageModel storage p, uint80 pageId, uint48 seq) private {
        for (uint256 i = 0; i < _pending.length; i++) {
            Pending storage q = _pending[i];
            if (q.page != pageId || seq < q.firstSeq || seq >= q.firstSeq + q.count) continue;
            p.known = true;
            p.bonded = q.bonded;
            p.firstSeq = q.firstSeq;
            p.due = q.due;
            p.preimage = q.preimage;
            return;
        }
        p.known = false;
        p.firstSeq = seq;
    }

    function _foldCredited(
        uint48 lane_,
        BankModel storage b,
        address player,
        uint96 amount
    ) private {
        _turnDay(b);
        SeatModel storage s = _seats[uint32(lane_ >> 16)][player];
        if (s.grantNo == 0) revert Violated(8, "credit without a seat");
        if (b.operatorNo != uint32(lane_ >> 16)) revert Violated(14, "another operator's bank");
        if (amount > b.bankroll - b.reserved) revert Violated(3, "credit of reserved money");
        b.credited += amount;
        if (b.credited > _limitsOf(b).dayCredit) revert Violated(10, "credits of a day");
        b.bankroll -= amount;
        s.balance += amount;
        _sumBankrolls -= amount;
        _sumSeats += amount;
    }

    /// @dev What a bank must allow for before it takes a bet that may cost it `win` of the money
    /// `free`.
    function _checkRisk(
        uint48 lane_,
        BankModel storage b,
        uint256 payout,
        uint256 win,
        uint256 free
    ) private {
        _turnDay(b);
        if (b.operatorNo != uint32(lane_ >> 16)) revert Violated(14, "another operator's bank");
        if (block.timestamp < b.pausedUntil) revert Violated(18, "bet while paused");
        if (b.haltedDay == block.timestamp / 1 days + 1) revert Violated(18, "bet after the halt");
        IDesk.Limits memory most = _limitsOf(b);
        if (payout > most.maxPayout) revert Violated(10, "payout");
        if (win > free) revert Violated(3, "bet that the bank cannot pay");
        if (_lossOf(b) + b.reserved + win > most.stopLoss) revert Violated(10, "stopLoss");
        if (uint256(b.won) + b.reserved + win > most.dayWon) revert Violated(10, "dayWon");
    }

    /// @dev Ending a bet never raises loss + reserved, nor won + reserved.
    function _endBet(uint48 lane_, BetModel storage bet, uint96 payout, bool stakeBack) private {
        if (bet.state != BetState.Open) revert Violated(5, "ended twice");
        bet.state = BetState.Ended;
        BankModel storage b = _banks[bet.bankNo];
        _turnDay(b);
        if (payout > bet.stake + bet.profit) revert Violated(3, "paid above the reserve");
        uint256 loss = _lossOf(b) + b.reserved;
        uint256 won = uint256(b.won) + b.reserved;
        b.locked -= bet.stake;
        b.reserved -= bet.profit;
        _sumLocked -= bet.stake;
        _seats[uint32(lane_ >> 16)][bet.player].balance += payout;
        _sumSeats += payout;
        if (!stakeBack) _gain(b, bet.stake, payout);
        if (_lossOf(b) + b.reserved > loss) revert Violated(10, "a settlement raised the loss");
        if (uint256(b.won) + b.reserved > won) revert Violated(10, "a settlement raised won");
    }

    /// @dev Loss is told by the day's highest and the present gain, not by steps.
    function _gain(BankModel storage b, uint96 stake, uint96 payout) private {
        _turnDay(b);
        b.bankroll = b.bankroll + stake - payout;
        _sumBankrolls = _sumBankrolls + stake - payout;
        b.gain += int256(uint256(stake)) - int256(uint256(payout));
        if (b.gain > b.peak) b.peak = b.gain;
        if (payout > stake) b.won += payout - stake;
    }

    function _turnDay(BankModel storage b) private {
        uint256 today = block.timestamp / 1 days;
        if (b.day == today) return;
        if (b.day != 0 && (b.won != 0 || b.peak != b.gain)) _happen("day turned");
        b.day = today;
        b.gain = 0;
        b.peak = 0;
        b.won = 0;
        b.credited = 0;
    }

    function _lossOf(BankModel storage b) internal view returns (uint256) {
        return b.day == block.timestamp / 1 days ? uint256(b.peak - b.gain) : 0;
    }

    function _limitsOf(BankModel storage b) internal view returns (IDesk.Limits memory) {
        return b.readyAt != 0 && block.timestamp >= b.readyAt ? b.announced : b.active;
    }

    /// @dev The account gives it to the book.
    function _comesIn(address account, uint96 amount) private {
        _given[account] += amount;
        unchecked {
            _flows += _flow("in", account, amount);
        }
    }

    function _goesOut(address account, uint96 amount) private {
        unchecked {
            _flows += _flow("out", account, amount);
        }
    }

    function _flow(
        string memory way,
        address account,
        uint96 amount
    ) private pure returns (uint256) {
        return uint256(keccak256(abi.encode(way, account, amount)));
    }

    function _happen(bytes32 what) internal {
        happened[what]++;
    }

    // ------------------------------------------------------------------------------- compare

    /// @dev Invariants 1 to 3: sums, of the contracts' own books and of the shadow's.
    function _compareSums() internal view {
        (uint256 held, uint256 owed) = _system.treasury.solvency();
        if (held < owed) revert Violated(1, "tokens held below total");
        if (owed != _sumAvailable + _sumClients) revert Violated(1, "total and balances differ");
        uint256 sum = _sumSeats + _sumBankrolls + _sumLocked;
        (held, owed) = _system.book.solvency();
        if (held != sum || owed != sum) revert Violated(2, "seats, bankrolls, stakes and chips");
        for (uint32 i = 1; i < _banks.length; i++) {
            if (_banks[i].bankroll < _banks[i].reserved) revert Violated(3, "reserved above bankroll");
        }
    }

    /// @dev Invariants 3, 4 and 7: every getter says what the logs say.
    function _compareGetters() internal view {
        IBetBook book = _system.book;
        if (book.eventCount() != _bookEvents) revert Violated(7, "book's event counter");
        if (_system.treasury.eventCount() != _treasuryEvents) {
            revert Violated(7, "treasury's event counter");
        }
        for (uint32 o = 1; o < _operators.length; o++) _compareOperator(book, o);
        for (uint32 b = 1; b < _banks.length; b++) _compareBank(book, b);
        for (uint256 i = 0; i < ACTORS; i++) _compareAccount(_actors[i], i >= PLAYER);
    }

    function _compareOperator(IBetBook book, uint32 no) private view {
        OperatorModel storage m = _operators[no];
        IDesk.Operator memory o = book.operator(m.account);
        if (
            o.operatorNo != no ||
            o.shards != m.shards ||
            o.admin != m.admin ||
            o.pendingAdmin != m.pendingAdmin ||
            o.guardian != m.guardian ||
            o.pendingGuardian != m.pendingGuardian ||
            book.operatorOf(no) != m.account
        ) revert Violated(7, "operator");
        for (uint16 shard = 0; shard < m.shards && shard < 2; shard++) {
            uint48 lane_ = (uint48(no) << 16) | shard;
            if (book.lane(lane_) != _nexts[lane_]) revert Violated(7, "lane");
        }
        for (uint256 i = 0; i < ACTORS; i++) {
            if (book.executorReadyAt(no, _actors[i]) != _readyAt[no][_actors[i]]) {
                revert Violated(7, "executor");
            }
        }
        for (uint256 i = PLAYER; i < ACTORS; i++) {
            SeatModel storage s = _seats[no][_actors[i]];
            IDesk.Seat memory seat = book.seat(_actors[i], m.account);
            if (
                seat.balance != s.balance ||
                seat.maxStake != s.maxStake ||
                seat.expiry != s.expiry ||
                seat.grantNo != s.grantNo
            ) revert Violated(7, "seat");
            if (book.topUpLeft(_actors[i], m.account) != s.topUpLeft) revert Violated(7, "topUpLeft");
        }
    }

    function _compareBank(IBetBook book, uint32 no) private view {
        BankModel storage m = _banks[no];
        IDesk.Bank memory b = book.bank(no);
        if (b.bankroll < b.reserved) revert Violated(3, "reserved above bankroll");
        if (b.locked != m.locked || b.reserved != m.reserved) revert Violated(4, "open bets");
        bool today = m.day == block.timestamp / 1 days;
        if (
            b.operatorNo != m.operatorNo ||
            b.admin != m.admin ||
            b.pendingAdmin != m.pendingAdmin ||
            b.payout != m.payout ||
            b.bankroll != m.bankroll ||
            b.exiting != m.exiting ||
            b.exitAt != m.exitAt ||
            b.pausedUntil != m.pausedUntil
        ) revert Violated(7, "bank");
        if (
            b.halted != (m.haltedDay == block.timestamp / 1 days + 1) ||
            b.loss != _lossOf(m) ||
            b.won != (today ? m.won : 0) ||
            b.credited != (today ? m.credited : 0)
        ) revert Violated(10, "day counters");
        if (!_same(book.limits(no), _limitsOf(m))) revert Violated(7, "limits");
        (IDesk.Limits memory announced, uint40 readyAt) = book.pendingLimits(no);
        bool waits = m.readyAt != 0 && block.timestamp < m.readyAt;
        IDesk.Limits memory none;
        if (readyAt != (waits ? m.readyAt : 0) || !_same(announced, waits ? m.announced : none)) {
            revert Violated(7, "pending limits");
        }
    }

    function _comparePage(uint80 pageId) internal view {
        PageModel storage p = _pages[pageId];
        uint256 word = _system.book.page(uint48(pageId >> 32), uint32(pageId));
        if (p.mask == 0) {
            if (word > 1) revert Violated(7, "page without open bets");
        } else if (p.known) {
            uint256 hash = uint256(keccak256(p.preimage));
            if (word != ((hash >> 64) << 64) | p.mask) revert Violated(7, "page");
        }
    }

    function _compareAccount(address account, bool plays) private view {
        ITreasury treasury = _system.treasury;
        uint96 free = treasury.available(account);
        if (free != _available[account]) revert Violated(7, "available");
        if (treasury.withdrawNonce(account) != _withdrawals[account]) {
            revert Violated(7, "withdrawals");
        }
        if (plays) {
            AllowanceModel storage a = _allowances[account][address(_system.book)];
            (uint96 amount, uint40 expiry, uint48 nonce) = treasury.allowance(
                account,
                address(_system.book)
            );
            if (amount != a.amount || expiry != a.expiry || nonce != a.nonce) {
                revert Violated(7, "allowance");
            }
        }
        if (_system.token.balanceOf(account) + free + _given[account] < START) {
            revert Violated(9, "somebody lost more than they gave");
        }
    }

    function _same(
        IDesk.Limits memory a,
        IDesk.Limits memory b
    ) private pure returns (bool) {
        return
            a.maxPayout == b.maxPayout &&
            a.stopLoss == b.stopLoss &&
            a.dayWon == b.dayWon &&
            a.dayCredit == b.dayCredit &&
            a.maxHorizon == b.maxHorizon;
    }

    function _least(uint96 a, uint96 b) internal pure returns (uint96) {
        return a < b ? a : b;
    }

    // --------------------------------------------------------------------------- reverted logs

    /// @dev The runner records logs of calls inside that reverted, too: a group may be tried,
    /// rolled back and refused. Its refusal starts over at the number of its first bet: all from
    /// there on was rolled back.
    function _withoutReverted(
        Vm.Log[] memory logs,
        uint48 cursor
    ) internal pure returns (Vm.Log[] memory kept) {
        kept = new Vm.Log[](logs.length);
        uint48 first = cursor;
        uint256[] memory starts = new uint256[](logs.length + 1);
        uint256 count = 0;
        uint256 refusedAt = type(uint256).max;
        for (uint256 i = 0; i < logs.length; i++) {
            bytes32 topic = logs[i].topics[0];
            uint48 seq = uint48(uint256(logs[i].topics[1]));
            if (_refusesGroup(topic, logs[i])) {
                // The second and further refusals of one SETTLE have its number again.
                if (seq < cursor || (seq == cursor && refusedAt != seq)) count = starts[seq - first];
                cursor = seq;
                refusedAt = seq;
            }
            kept[count++] = logs[i];
            if (_isOwn(topic, logs[i]) && seq == cursor) starts[++cursor - first] = count;
            // Follows the event of its number.
            else if (topic == IBetBook.Halted.selector) starts[cursor - first] = count;
        }
        assembly ("memory-safe") {
            mstore(kept, count)
        }
    }

    function _refusesGroup(bytes32 topic, Vm.Log memory log) private pure returns (bool) {
        if (topic == IBetBook.Rejected.selector) return _word(log, 0) == Codes.GROUP_REFUSED;
        return
            topic == IBetBook.OpenRejected.selector && _word(log, 3) == Codes.GROUP_REFUSED;
    }

    /// @dev Whether the log can be the one of its own number.
    function _isOwn(bytes32 topic, Vm.Log memory log) private pure returns (bool) {
        if (topic == IBetBook.Rejected.selector) return _address(log, 2) != address(0);
        return
            topic == IBetBook.Played.selector ||
            topic == IBetBook.Opened.selector ||
            topic == IBetBook.OpenRejected.selector ||
            topic == IBetBook.Closed.selector ||
            topic == IBetBook.Credited.selector ||
            topic == IBetBook.ToppedUp.selector ||
            topic == IBetBook.Released.selector ||
            topic == IBetBook.RoundFinalized.selector;
    }

    // -------------------------------------------------------------------------------- reading

    function _word(Vm.Log memory log, uint256 index) internal pure returns (uint256 word) {
        bytes memory data = log.data;
        if (data.length < 32 * (index + 1)) return 0;
        assembly ("memory-safe") {
            word := mload(add(add(data, 32), mul(index, 32)))
        }
    }

    function _last(Vm.Log memory log) private pure returns (uint256) {
        return _word(log, log.data.length / 32 - 1);
    }

    function _address(Vm.Log memory log, uint256 topic) internal pure returns (address) {
        return topic < log.topics.length ? address(uint160(uint256(log.topics[topic]))) : address(0);
    }
}
