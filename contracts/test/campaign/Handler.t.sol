// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IBetBook} from "../../IBetBook.sol";
import {IDesk} from "../../IDesk.sol";
import {ITreasury} from "../../ITreasury.sol";
import {Batches} from "./Batches.t.sol";
import {MORE_VM} from "./Deploy.t.sol";
import {HostileTreasury} from "./HostileTreasury.t.sol";
import {System} from "./World.t.sol";
import {Vm, VM} from "../Vm.sol";

/// @notice One handler for all invariants: each step, one of the actors does something at random.
/// Its logs are folded into the shadow. With two deployments the second gets the same calls,
/// batches whole and with plenty of gas: what both say must be equal, also where the first got a
/// batch in pieces.
contract Handler is Batches {
    struct Call {
        uint256 actor;
        address to;
        bytes data;
    }

    struct Answer {
        bool success;
        bytes data;
        Vm.Log[] logs;
    }

    /// @notice Invariant 17: what the two deployments said.
    error Differ(bytes optimised, bytes plain);

    /// @dev Asking all getters takes longer than most steps.
    uint256 private constant COMPARE_EVERY = 10;
    uint256 private constant PLENTY_GAS = 100_000_000;
    /// @dev Enough for what a batch costs before its first unit, and for most units alone.
    uint256 private constant LOW_GAS = 60_000;
    /// @dev EIP-170.
    uint256 private constant MAX_CODE_BYTES = 24_576;

    string private constant SIT = "sit((address,uint96,uint96,uint96,uint32,uint32))";
    string private constant SIT_BY_SIG =
        "sit(address,(address,uint96,uint96,uint96,uint32,uint32),(uint40,uint48,uint40),bytes)";

    System[] private _systems;
    HostileTreasury private _hostile;
    mapping(address account => uint256) private _indexes;
    uint256 private _steps;
    uint48 private _target;
    uint32 private _bank;

    /// @notice How often each error came back, by its selector.
    mapping(bytes4 selector => uint256) public reverted;

    /// @param systems Deployments with empty books and a token that anyone mints.
    constructor(System[] memory systems) {
        _system = systems[0];
        VM.recordLogs();
        for (uint256 i = 0; i < systems.length; i++) _systems.push(systems[i]);
        for (uint256 i = 0; i < ACTORS; i++) {
            _indexes[_actors[i]] = i;
            for (uint256 k = 0; k < systems.length; k++) {
                (bool minted, ) = address(systems[k].token).call(
                    abi.encodeWithSignature("mint(address,uint256)", _actors[i], START)
                );
                assert(minted);
                VM.prank(_actors[i]);
                systems[k].token.approve(address(systems[k].treasury), type(uint256).max);
            }
        }
        VM.warp(1_800_000_000);
        _hostile = new HostileTreasury();
        _start();
    }

    /// @notice One random step.
    function step(uint256 seed) external {
        _seed = uint256(keccak256(abi.encode(seed)));
        _steps++;
        VM.recordLogs();
        uint256 kind = _below(100);
        if (kind < 58) _batch();
        else if (kind < 64) _warp();
        else if (kind < 69) _act(_buildExpire);
        else if (kind < 81) _act(_buildPlayer);
        else if (kind < 88) _act(_buildBank);
        else if (kind < 91) _act(_buildOperator);
        else if (kind < 96) _steal();
        else if (kind < 97) _exitDrill();
        else {
            _hostile.step(_random());
            _happen("hostile token");
        }
        if (_steps % COMPARE_EVERY == 0) compare();
    }

    /// @notice Whether a batch can be sent with little gas. Not under `--coverage`: code that counts
    /// its statements, and is larger than what can be deployed, takes more than it publishes. Not
    /// under `--gas-stats`: there a call is a transaction, and pays for its bytes.
    function isGasUsual() public returns (bool) {
        address book = address(_system.book);
        if (book.code.length > MAX_CODE_BYTES) return false;
        (bool success, ) = book.call{gas: 40_000}(
            bytes.concat(_system.book.eventCount.selector, new bytes(10_000))
        );
        return success;
    }

    /// @notice Invariants 1 to 3.
    function compareSums() external view {
        _compareSums();
    }

    /// @notice Asks all getters. Each step does the rest.
    function compare() public view {
        _compareGetters();
        for (uint32 no = 1; no < 3; no++) {
            for (uint16 shard = 0; shard < _operators[no].shards; shard++) {
                _comparePages((uint48(no) << 16) | shard);
            }
        }
        if (_systems.length == 2) _compareSystems();
    }

    // --------------------------------------------------------------------------------- setup

    function _start() private {
        address[] memory executors = new address[](2);
        executors[0] = _actors[EXECUTOR];
        executors[1] = _actors[SECOND_EXECUTOR];
        _must(
            OPERATOR,
            abi.encodeCall(IDesk.registerOperator, (2, executors, _actors[GUARDIAN]))
        );
        executors = new address[](1);
        executors[0] = _actors[HOSTILE_EXECUTOR];
        _must(
            HOSTILE_OPERATOR,
            abi.encodeCall(IDesk.registerOperator, (1, executors, _actors[HOSTILE_GUARDIAN]))
        );
        for (uint256 i = BANK_ADMIN; i < ACTORS; i++) {
            if (i == SUCCESSOR || i == OUTSIDER) continue;
            _mustTreasury(i, abi.encodeCall(ITreasury.deposit, (_actors[i], 200_000)));
            for (uint256 k = 0; k < _systems.length; k++) _allowStart(_systems[k], i, k == 0);
        }
        _openStart(OPERATOR, BANK_ADMIN, 1);
        _openStart(OPERATOR, SECOND_BANK_ADMIN, 2);
        _openStart(HOSTILE_OPERATOR, HOSTILE_BANK_ADMIN, 3);
        for (uint256 i = PLAYER; i < ACTORS; i++) {
            for (uint256 o = 0; o < 2; o++) {
                IDesk.Grant memory grant = IDesk.Grant(
                    _actors[o],
                    5_000,
                    4_000,
                    600,
                    uint32(block.timestamp + 20 days),
                    1
                );
                _must(i, abi.encodeWithSignature(SIT, grant));
            }
        }
        compare();
    }

    function _allowStart(System memory system, uint256 actor, bool folded) private {
        VM.prank(_actors[actor]);
        system.treasury.allow(address(system.book), 500_000, uint40(block.timestamp + 3650 days));
        Vm.Log[] memory logs = VM.getRecordedLogs();
        if (folded) _fold(logs);
    }

    function _openStart(uint256 operator, uint256 admin, uint32 bankNo) private {
        IDesk.Limits memory limits = IDesk.Limits(3_000, 12_000, 30_000, 1_500, 2 days);
        _must(operator, abi.encodeCall(IDesk.openBank, (_actors[operator], _actors[admin], limits)));
        _must(admin, abi.encodeCall(IDesk.fund, (bankNo, 40_000)));
    }

    function _must(uint256 actor, bytes memory data) private {
        for (uint256 i = _systems.length; i > 0; i--) {
            Answer memory answer = _send(actor, address(_systems[i - 1].book), data, PLENTY_GAS);
            if (!answer.success) revert Violated(0, "setup");
            if (i == 1) _fold(answer.logs);
        }
    }

    function _mustTreasury(uint256 actor, bytes memory data) private {
        for (uint256 i = _systems.length; i > 0; i--) {
            Answer memory answer = _send(actor, address(_systems[i - 1].treasury), data, PLENTY_GAS);
            if (!answer.success) revert Violated(0, "setup");
            if (i == 1) _fold(answer.logs);
        }
    }

    // ------------------------------------------------------------------------------- sending

    function _send(
        uint256 actor,
        address to,
        bytes memory data,
        uint256 gasLimit
    ) private returns (Answer memory answer) {
        VM.prank(_actors[actor]);
        (answer.success, answer.data) = to.call{gas: gasLimit}(data);
        answer.logs = VM.getRecordedLogs();
        if (!answer.success) {
            reverted[bytes4(answer.data)]++;
            // A revert takes its logs with it.
            answer.logs = new Vm.Log[](0);
            if (answer.data.length == 0) revert Violated(15, "out of gas");
            if (bytes4(answer.data) == 0x4e487b71) revert Violated(3, "panic");
        }
    }

    /// @dev Builds a call for each deployment out of the same random numbers, and sends it.
    function _act(function(System memory) internal returns (Call memory) build) private {
        uint256 seed = _seed;
        Answer memory expected;
        if (_systems.length == 2) {
            Call memory second = build(_systems[1]);
            expected = _send(second.actor, second.to, second.data, PLENTY_GAS);
            _seed = seed;
        }
        Call memory first = build(_systems[0]);
        Answer memory answer = _send(first.actor, first.to, first.data, PLENTY_GAS);
        if (_systems.length == 2) _compareAnswers(answer, expected, false);
        _fold(answer.logs);
    }

    // ------------------------------------------------------------------------------- batches

    function _batch() private {
        uint48 lane_ = _pickLane();
        uint48 next = _nexts[lane_];
        uint48 first = next;
        if (_once(40)) first = next + uint48(_between(1, 3));
        else if (_once(20) && next > 0) first = next - uint48(_between(1, next > 3 ? 3 : next));
        Plan memory plan = _buildBatch(lane_, first);
        if (_once(12)) _mutate(plan);
        uint256 actor = _pickExecutor(lane_);
        bytes32 evidence = bytes32(_random());
        bytes memory whole = _batchData(plan, plan.ops.length, evidence);
        uint256 way = _below(8);
        Answer memory expected;
        if (_systems.length == 2) {
            expected = _sendOps(plan, actor, _systems[1].book, whole, PLENTY_GAS);
            if (!expected.success) way = 0;
        }
        Answer memory answer = _sendBatch(plan, actor, whole, evidence, way);
        if (_systems.length == 2) _compareAnswers(answer, expected, way != 0);
        _comparePages(lane_);
        if (answer.success && plan.end <= _nexts[lane_] && !plan.mutated && _once(6)) {
            _repeat(plan, actor, whole);
        }
    }

    /// @dev To the first deployment; way 1 to 3 in pieces. The answer is the last, with all logs.
    function _sendBatch(
        Plan memory plan,
        uint256 actor,
        bytes memory whole,
        bytes32 evidence,
        uint256 way
    ) private returns (Answer memory answer) {
        IBetBook book = _system.book;
        Vm.Log[] memory before = new Vm.Log[](0);
        if (way > 1 && !isGasUsual()) way = 0;
        if (way == 1) {
            uint256 cut = plan.cuts[_below(plan.cuts.length)];
            if (cut <= plan.ops.length) {
                answer = _sendOps(
                    plan,
                    actor,
                    book,
                    _batchData(plan, cut, evidence),
                    PLENTY_GAS
                );
                _foldBatch(plan, answer);
                _happen("split");
                before = answer.logs;
            }
        } else if (way == 2 && plan.first == _nexts[plan.lane]) {
            uint256 gasLimit = _between(150_000, 150_000 + 60_000 * (uint256(plan.end) - plan.first));
            answer = _sendOps(plan, actor, book, whole, gasLimit);
            _foldBatch(plan, answer);
            before = answer.logs;
        } else if (way == 3 && plan.first == _nexts[plan.lane]) {
            answer = _sendTight(plan, actor, book, whole);
            _foldBatch(plan, answer);
            before = answer.logs;
        }
        if (before.length != 0 && _nexts[plan.lane] < plan.end) _happen("stopped early");
        answer = _sendOps(plan, actor, book, whole, PLENTY_GAS);
        _foldBatch(plan, answer);
        if (answer.success && before.length != 0) answer.logs = _joined(before, answer.logs);
    }

    /// @dev With the least gas that the first unit takes: its bound must suffice for what it does.
    function _sendTight(
        Plan memory plan,
        uint256 actor,
        IBetBook book,
        bytes memory whole
    ) private returns (Answer memory answer) {
        MORE_VM.cool(address(book));
        MORE_VM.cool(address(_system.treasury));
        answer = _sendOps(plan, actor, book, whole, LOW_GAS);
        if (answer.success || bytes4(answer.data) != IBetBook.GasTooLow.selector) return answer;
        uint256 needed = _argument(answer.data);
        for (uint256 gasLimit = needed + 2_000; ; gasLimit += 1_000) {
            answer = _sendOps(plan, actor, book, whole, gasLimit);
            if (answer.success || bytes4(answer.data) != IBetBook.GasTooLow.selector) break;
            if (_argument(answer.data) != needed || gasLimit > needed + 300_000) {
                revert Violated(15, "GasTooLow although there is enough");
            }
        }
        if (answer.success) _happen("tight gas");
    }

    function _repeat(Plan memory plan, uint256 actor, bytes memory whole) private {
        Answer memory answer = _send(actor, address(_system.book), whole, PLENTY_GAS);
        if (!answer.success || answer.logs.length != 0 || _argumentOf(answer) != _nexts[plan.lane]) {
            revert Violated(6, "a repeated batch did something");
        }
        _happen("repeated");
    }

    function _foldBatch(Plan memory plan, Answer memory answer) private {
        delete _outcomes;
        uint48 from = _nexts[plan.lane];
        _fold(answer.logs);
        if (!answer.success) return;
        uint48 next = _nexts[plan.lane];
        if (_argumentOf(answer) != next) revert Violated(6, "returned another number");
        if (next == from) return;
        for (uint256 i = 0; i < plan.groups.length; i += 2) {
            uint48 to = plan.groups[i + 1];
            if (to <= from || plan.groups[i] >= next) continue;
            if (plan.groups[i] < from || to > next) revert Violated(13, "part of a group");
            _checkGroup(plan.groups[i] - from, to - from);
        }
        if (plan.mutated && next > from) {
            _happen("mutated bytes landed");
            _forgetMutatedPages();
        }
    }

    /// @dev Pages that mutated bytes opened: what their bytes are is not known here.
    function _forgetMutatedPages() private {
        for (uint256 i = 0; i < _pending.length; i++) {
            uint80 pageId = _pending[i].page;
            PageModel storage p = _pages[pageId];
            uint256 word = _system.book.page(uint48(pageId >> 32), uint32(pageId));
            if (p.mask != 0 && uint256(keccak256(p.preimage)) >> 64 != word >> 64) p.known = false;
        }
    }

    function _checkGroup(uint256 from, uint256 to) private {
        Outcome first = _outcomes[from];
        if (first == Outcome.Refused) revert Violated(13, "refused alone in a group");
        for (uint256 i = from; i < to; i++) {
            if (_outcomes[i] != first) revert Violated(13, "a group landed in part");
        }
        _happen(first == Outcome.Landed ? bytes32("group landed") : bytes32("group refused"));
        if (first == Outcome.Landed && to - from > 1) _happen("group of several landed");
    }

    function _batchData(
        Plan memory plan,
        uint256 length,
        bytes32 evidence
    ) private pure returns (bytes memory) {
        bytes memory ops = length == plan.ops.length ? plan.ops : _prefix(plan.ops, length);
        return abi.encodeCall(IBetBook.applyBatch, (plan.lane, plan.first, evidence, ops));
    }

    function _pickLane() private returns (uint48) {
        uint256 kind = _below(5);
        return kind < 2 ? (1 << 16) : kind < 4 ? (1 << 16) | 1 : (2 << 16);
    }

    function _pickExecutor(uint48 lane_) private returns (uint256 actor) {
        actor = lane_ >> 16 == 2 ? HOSTILE_EXECUTOR : _between(EXECUTOR, SECOND_EXECUTOR);
        for (uint256 i = 0; i < ACTORS && !_isExecutor(lane_, actor); i++) {
            actor = (actor + 1) % ACTORS;
        }
    }

    function _isExecutor(uint48 lane_, uint256 actor) private view returns (bool) {
        uint40 readyAt = _readyAt[uint32(lane_ >> 16)][_actors[actor]];
        return readyAt != 0 && block.timestamp >= readyAt;
    }

    function _comparePages(uint48 lane_) private view {
        for (uint32 slot = 0; slot < SLOTS; slot++) _comparePage((uint80(lane_) << 32) | slot);
    }

    // ---------------------------------------------------------------------------------- time

    function _warp() private {
        uint256 kind = _below(16);
        uint256 now_ = block.timestamp;
        if (kind < 10) VM.warp(now_ + _between(1, 600));
        else if (kind < 13) VM.warp(now_ + _between(NOTICE_S - 1, NOTICE_S + 1));
        else if (kind < 15) VM.warp((now_ / 1 days + 1) * 1 days + _below(3) - 1);
        else VM.warp(now_ + _between(1 hours, 30 hours));
    }

    // --------------------------------------------------------------------------------- expire

    function _buildExpire(System memory system) private returns (Call memory) {
        uint48 lane_ = _pickLane();
        uint32 slot = uint32(_below(SLOTS));
        for (uint32 i = 0; i < SLOTS && !_once(12); i++) {
            slot = (slot + 1) % SLOTS;
            PageModel storage p = _pages[(uint80(lane_) << 32) | slot];
            if (p.mask != 0 && p.known && block.timestamp >= p.due) break;
        }
        bytes memory preimage = _pages[(uint80(lane_) << 32) | slot].preimage;
        if (_once(20) && preimage.length != 0) preimage[_below(preimage.length)] ^= 0x01;
        return
            Call(
                _below(ACTORS),
                address(system.book),
                abi.encodeCall(IDesk.expire, (lane_, slot, preimage))
            );
    }

    // -------------------------------------------------------------------------------- players

    function _buildPlayer(System memory system) private returns (Call memory) {
        uint256 actor = _between(PLAYER, ACTORS - 1);
        address player = _actors[actor];
        uint32 no = uint32(_between(1, 2));
        // Ended seats first: bets need live ones.
        for (uint256 i = 0; i < PLAYERS && !_once(8); i++) {
            if (block.timestamp >= _seats[no][player].expiry) break;
            actor = actor + 1 < ACTORS ? actor + 1 : PLAYER;
            player = _actors[actor];
        }
        SeatModel storage s = _seats[no][player];
        address operator = _operators[no].account;
        bool ended = block.timestamp >= s.expiry;
        uint256 kind = _below(16);
        if (ended && kind < 9) return _buildSit(system, actor, no);
        if (ended && kind < 12) {
            return
                Call(
                    _below(ACTORS),
                    address(system.book),
                    abi.encodeCall(IDesk.sweep, (player, operator))
                );
        }
        if (kind < 2 || kind == 15) {
            return Call(actor, address(system.book), abi.encodeCall(IDesk.leave, (operator)));
        }
        if (kind == 2) return _buildLeaveBySig(system, actor, operator, s.grantNo);
        if (kind == 3) return _buildSit(system, actor, no);
        return _buildTreasury(system, actor);
    }

    function _buildSit(
        System memory system,
        uint256 actor,
        uint32 no
    ) private returns (Call memory) {
        address player = _actors[actor];
        IDesk.Grant memory grant = IDesk.Grant(
            _operators[no].account,
            uint96(_between(0, 6_000)),
            uint96(_between(0, 5_000)),
            uint96(_between(50, 1_500)),
            uint32(block.timestamp + _pickTermS()),
            _seats[no][player].grantNo + (_once(16) ? 2 : 1)
        );
        if (_once(40)) grant.topUp = type(uint96).max - uint96(_below(2));
        if (_once(2)) {
            return
                Call(
                    actor,
                    address(system.book),
                    abi.encodeWithSignature(SIT, grant)
                );
        }
        IDesk.Allowing memory allowing = IDesk.Allowing(
            uint40(block.timestamp + _between(1 days, 30 days)),
            _allowances[player][address(_system.book)].nonce,
            uint40(block.timestamp + _below(100))
        );
        bytes memory signature = _signTreasury(
            _once(20) ? OUTSIDER : actor,
            address(system.treasury),
            _sitHash(address(system.book), grant, allowing)
        );
        return
            Call(
                _below(ACTORS),
                address(system.book),
                abi.encodeWithSignature(SIT_BY_SIG, player, grant, allowing, signature)
            );
    }

    function _pickTermS() private returns (uint256) {
        uint256 kind = _below(16);
        if (kind == 0) return _once(2) ? 0 : 30 days + 1;
        return kind < 3 ? _between(1, 2 hours) : _between(1 days, 30 days);
    }

    function _buildLeaveBySig(
        System memory system,
        uint256 actor,
        address operator,
        uint32 grantNo
    ) private returns (Call memory) {
        uint40 deadline = uint40(block.timestamp + _below(100));
        if (_once(8)) deadline -= 100;
        if (_once(16)) deadline = 1e11 + 1;
        bytes memory signature = _signBook(
            actor,
            address(system.book),
            _leaveHash(_actors[actor], operator, grantNo, deadline)
        );
        return
            Call(
                _below(ACTORS),
                address(system.book),
                abi.encodeCall(
                    IDesk.leaveBySig,
                    (_actors[actor], operator, grantNo, deadline, signature)
                )
            );
    }

    function _buildTreasury(System memory system, uint256 actor) private returns (Call memory) {
        address player = _actors[actor];
        address to = _once(4) ? _actors[_below(ACTORS)] : player;
        uint256 kind = _below(8);
        if (kind < 2) {
            uint96 amount = uint96(_between(0, 20_000));
            return
                Call(
                    actor,
                    address(system.treasury),
                    abi.encodeCall(ITreasury.deposit, (to, amount))
                );
        }
        uint96 free = _available[player];
        if (kind < 4) {
            uint96 amount = uint96(_once(8) ? free + 1 : _between(0, free > 1_000 ? 1_000 : free));
            return
                Call(
                    actor,
                    address(system.treasury),
                    abi.encodeCall(ITreasury.withdraw, (to, amount))
                );
        }
        uint40 deadline = uint40(block.timestamp + _below(100));
        if (kind == 4) {
            uint96 amount = uint96(_between(1, 500));
            uint64 nonce = _withdrawals[player];
            bytes memory signature = _signTreasury(
                actor,
                address(system.treasury),
                _withdrawHash(player, to, amount, nonce, deadline)
            );
            return
                Call(
                    _below(ACTORS),
                    address(system.treasury),
                    abi.encodeCall(
                        ITreasury.withdrawBySig,
                        (player, to, amount, nonce, deadline, signature)
                    )
                );
        }
        uint96 allowed = uint96(_once(8) ? _below(2_000) : 500_000);
        uint40 expiry = uint40(block.timestamp + (_once(8) ? _below(2 hours) : 3650 days));
        if (kind < 7) {
            return
                Call(
                    actor,
                    address(system.treasury),
                    abi.encodeCall(ITreasury.allow, (address(system.book), allowed, expiry))
                );
        }
        ITreasury.Allow memory signed = ITreasury.Allow(
            allowed,
            expiry,
            _allowances[player][address(_system.book)].nonce,
            deadline
        );
        bytes memory allowSignature = _signTreasury(
            actor,
            address(system.treasury),
            _allowHash(address(system.book), signed)
        );
        return
            Call(
                _below(ACTORS),
                address(system.treasury),
                abi.encodeCall(
                    ITreasury.allowBySig,
                    (player, address(system.book), signed, allowSignature)
                )
            );
    }

    // ---------------------------------------------------------------------------------- banks

    function _buildBank(System memory system) private returns (Call memory) {
        _bank = uint32(_between(1, _banks.length - 1));
        // A halted bank takes no bets: it should not stand idle for a day each time.
        for (uint32 i = 1; i < _banks.length && !_once(8); i++) {
            if (_banks[i].haltedDay == block.timestamp / 1 days + 1) _bank = i;
        }
        BankModel storage b = _banks[_bank];
        uint256 kind = _below(16);
        if (b.haltedDay == block.timestamp / 1 days + 1 && !_once(4)) kind = 10;
        bool accepts = kind == 15 && b.pendingAdmin != address(0);
        uint256 actor = _indexes[accepts ? b.pendingAdmin : b.admin];
        return Call(actor, address(system.book), _bankData(kind, _bank));
    }

    function _bankData(uint256 kind, uint32 bankNo) private returns (bytes memory) {
        if (kind < 3) return abi.encodeCall(IDesk.fund, (bankNo, uint96(_between(0, 20_000))));
        if (kind < 7) return abi.encodeCall(IDesk.setLimits, (bankNo, _pickLimits()));
        if (kind < 9) {
            uint96 amount = uint96(_once(8) ? _random() : _between(0, 30_000));
            return abi.encodeCall(IDesk.requestExit, (bankNo, amount));
        }
        if (kind == 9) return abi.encodeCall(IDesk.cancelExit, (bankNo));
        if (kind == 10) return abi.encodeCall(IDesk.resume, (bankNo));
        if (kind < 13) return abi.encodeCall(IDesk.completeExit, (bankNo));
        if (kind == 13) {
            address to = _once(8) ? address(0) : _actors[_below(ACTORS)];
            return abi.encodeCall(IDesk.setPayout, (bankNo, to));
        }
        if (kind == 14) {
            return abi.encodeCall(IDesk.transferBankAdmin, (bankNo, _pickSuccessor()));
        }
        return abi.encodeCall(IDesk.acceptBankAdmin, (bankNo));
    }

    function _pickLimits() private returns (IDesk.Limits memory limits) {
        limits = IDesk.Limits(
            uint96(_between(2_000, 5_000)),
            uint96(_between(8_000, 20_000)),
            uint96(_between(15_000, 50_000)),
            uint96(_between(500, 3_000)),
            uint32(_between(1 days, 3 days))
        );
        uint256 kind = _below(24);
        if (kind == 0) limits.maxPayout = 0;
        else if (kind == 1) limits.stopLoss = uint96(_below(1_000));
        else if (kind == 2) limits.dayWon = uint96(_below(1_000));
        else if (kind == 3) limits.dayCredit = type(uint96).max;
        else if (kind == 4) limits.maxHorizon = 0;
        else if (kind == 5) limits.stopLoss = limits.dayWon = limits.maxPayout = type(uint96).max;
    }

    // ------------------------------------------------------------------------------ operators

    function _buildOperator(System memory system) private returns (Call memory) {
        uint32 no = uint32(_once(5) ? _between(1, _operators.length - 1) : _between(1, 2));
        OperatorModel storage o = _operators[no];
        uint256 kind = _below(16);
        if (kind == 15 && _operators.length < 5) {
            address[] memory executors = new address[](_once(8) ? 65 : _below(3));
            for (uint256 i = 0; i < executors.length; i++) executors[i] = _actors[_below(ACTORS)];
            uint16 shards = uint16(_once(4) ? _below(70_000) : 1 << _below(4));
            return
                Call(
                    _between(SUCCESSOR, OUTSIDER),
                    address(system.book),
                    abi.encodeCall(
                        IDesk.registerOperator,
                        (shards, executors, _actors[_below(ACTORS)])
                    )
                );
        }
        if (kind < 5) return _buildExecutor(system, o, no);
        address by = o.admin;
        if (kind == 9 && o.pendingAdmin != address(0)) by = o.pendingAdmin;
        if (kind == 10 && o.pendingGuardian != address(0)) by = o.pendingGuardian;
        if (kind > 10 && kind < 14) by = o.guardian;
        return Call(_indexes[by], address(system.book), _operatorData(kind, o.account));
    }

    /// @dev Enables again what is disabled, so that most lanes go on.
    function _buildExecutor(
        System memory system,
        OperatorModel storage o,
        uint32 no
    ) private returns (Call memory) {
        address executor = _actors[no == 2 ? HOSTILE_EXECUTOR : _between(EXECUTOR, SECOND_EXECUTOR)];
        if (_once(4)) executor = _actors[SUCCESSOR];
        bool enabled = _readyAt[no][executor] == 0 || _once(2);
        if (_once(12)) enabled = !enabled;
        bool byGuardian = !enabled && _once(2);
        return
            Call(
                _indexes[byGuardian ? o.guardian : o.admin],
                address(system.book),
                byGuardian
                    ? abi.encodeCall(IDesk.disableExecutor, (o.account, executor))
                    : abi.encodeCall(IDesk.setExecutor, (o.account, executor, enabled))
            );
    }

    function _operatorData(uint256 kind, address operator) private returns (bytes memory) {
        if (kind < 7) return abi.encodeCall(IDesk.setGuardian, (operator, _pickSuccessor()));
        if (kind < 9) return abi.encodeCall(IDesk.transferAdmin, (operator, _pickSuccessor()));
        if (kind == 9) return abi.encodeCall(IDesk.acceptAdmin, (operator));
        if (kind == 10) return abi.encodeCall(IDesk.acceptGuardian, (operator));
        if (kind < 14) {
            uint32 bankNo = uint32(_between(1, _banks.length));
            uint256 pauseS = _once(4) ? _below(2) * 80 hours : _below(2 hours);
            uint32 until = uint32(block.timestamp + pauseS);
            return abi.encodeCall(IDesk.pause, (bankNo, until));
        }
        address admin = _actors[_between(BANK_ADMIN, HOSTILE_BANK_ADMIN)];
        if (_banks.length > 6) admin = address(0);
        return abi.encodeCall(IDesk.openBank, (operator, admin, _pickLimits()));
    }

    function _pickSuccessor() private returns (address) {
        return _once(8) ? address(0) : _actors[_below(PLAYER)];
    }

    // --------------------------------------------------------------------------------- thieves

    /// @dev Every key tries what is not its right.
    function _steal() private {
        uint256 actor = _below(ACTORS);
        uint32 no = uint32(_between(1, 2));
        uint32 bankNo = uint32(_between(1, _banks.length - 1));
        OperatorModel storage o = _operators[no];
        uint256 kind = _below(24);
        address book = address(_system.book);
        bytes memory data;
        address holder;
        if (kind < 4) {
            holder = o.admin;
            if (kind == 0) {
                data = abi.encodeCall(
                    IDesk.setExecutor,
                    (o.account, _actors[_below(ACTORS)], _once(2))
                );
            } else {
                data = _operatorData(kind == 1 ? 5 : kind == 2 ? 7 : 14, o.account);
            }
        } else if (kind == 4) {
            (holder, data) = (o.pendingAdmin, _operatorData(9, o.account));
        } else if (kind == 5) {
            (holder, data) = (o.pendingGuardian, _operatorData(10, o.account));
        } else if (kind == 6) {
            holder = o.guardian;
            data = abi.encodeCall(IDesk.disableExecutor, (o.account, _actors[EXECUTOR]));
        } else if (kind == 7) {
            holder = _operators[_banks[bankNo].operatorNo].guardian;
            data = abi.encodeCall(IDesk.pause, (bankNo, uint32(block.timestamp + 1 hours)));
        } else if (kind < 15) {
            holder = _banks[bankNo].admin;
            data = _bankData(kind < 9 ? kind - 7 : kind, bankNo);
        } else if (kind == 15) {
            (holder, data) = (_banks[bankNo].pendingAdmin, _bankData(15, bankNo));
        } else if (kind < 19) {
            uint48 lane_ = _pickLane();
            if (_isExecutor(lane_, actor)) return;
            Plan memory plan = _buildBatch(lane_, _nexts[lane_]);
            data = _batchData(plan, plan.ops.length, 0);
        } else {
            return _stealBySignature(actor);
        }
        if (_actors[actor] == holder) return;
        Answer memory answer = _send(actor, book, data, PLENTY_GAS);
        if (answer.success || bytes4(answer.data) != IDesk.NotAllowed.selector) {
            revert Violated(14, "a caller without the role was let in");
        }
        _happen("thief refused");
    }

    /// @dev A key signs for another's money, or takes it as if it were a client.
    function _stealBySignature(uint256 actor) private {
        uint256 victim = PLAYER + _below(PLAYERS);
        if (victim == actor) return;
        address player = _actors[victim];
        address to = address(_system.treasury);
        uint40 deadline = uint40(block.timestamp + 100);
        uint256 kind = _below(5);
        bytes memory data;
        if (kind == 0) {
            data = abi.encodeCall(ITreasury.pull, (player, uint96(_between(1, 100))));
        } else if (kind == 1) {
            data = abi.encodeCall(ITreasury.push, (_actors[actor], uint96(_between(1, 100))));
        } else if (kind == 2) {
            uint64 nonce = _withdrawals[player];
            bytes32 hash = _withdrawHash(player, _actors[actor], 1, nonce, deadline);
            data = abi.encodeCall(
                ITreasury.withdrawBySig,
                (player, _actors[actor], 1, nonce, deadline, _signTreasury(actor, to, hash))
            );
        } else if (kind == 3) {
            ITreasury.Allow memory allowed = ITreasury.Allow(1, deadline, 0, deadline);
            bytes32 hash = _allowHash(_actors[actor], allowed);
            data = abi.encodeCall(
                ITreasury.allowBySig,
                (player, _actors[actor], allowed, _signTreasury(actor, to, hash))
            );
        } else {
            to = address(_system.book);
            uint32 no = uint32(_between(1, 2));
            uint32 grantNo = _seats[no][player].grantNo;
            bytes32 hash = _leaveHash(player, _operators[no].account, grantNo, deadline);
            data = abi.encodeCall(
                IDesk.leaveBySig,
                (player, _operators[no].account, grantNo, deadline, _signBook(actor, to, hash))
            );
        }
        if (_send(actor, to, data, PLENTY_GAS).success) revert Violated(14, "theft");
        _happen("theft by signature refused");
    }

    // ---------------------------------------------------------------------------------- exits

    /// @dev Invariant 11: with everything paused and disabled, the player gets out what is theirs.
    /// Tried on a copy of the state.
    function _exitDrill() private {
        uint256 state = VM.snapshotState();
        uint32 no = uint32(_between(1, 2));
        address operator = _operators[no].account;
        address player = _actors[_between(PLAYER, ACTORS - 1)];
        _harden(no);
        uint256 before = _system.token.balanceOf(player);
        uint256 theirs = uint256(_available[player]) + _seats[no][player].balance;
        if (block.timestamp < _seats[no][player].expiry) {
            VM.prank(player);
            _system.book.leave(operator);
            VM.warp(block.timestamp + NOTICE_S);
        }
        if (_seats[no][player].balance != 0) _system.book.sweep(player, operator);
        if (theirs != 0) {
            VM.prank(player);
            _system.treasury.withdraw(player, uint96(theirs));
        }
        if (_system.token.balanceOf(player) != before + theirs) revert Violated(11, "exit");
        VM.revertToState(state);
        VM.getRecordedLogs();
        _happen("exit drill");
    }

    /// @dev What all who are against the player can do.
    function _harden(uint32 no) private {
        OperatorModel storage o = _operators[no];
        for (uint32 i = 1; i < _banks.length; i++) {
            if (_banks[i].operatorNo != no) continue;
            VM.prank(o.guardian);
            try _system.book.pause(i, uint32(block.timestamp + 72 hours)) {} catch {}
        }
        for (uint256 i = EXECUTOR; i <= HOSTILE_EXECUTOR; i++) {
            VM.prank(o.guardian);
            try _system.book.disableExecutor(o.account, _actors[i]) {} catch {}
        }
    }

    // -------------------------------------------------------------------------------- compare

    function _compareAnswers(Answer memory a, Answer memory b, bool inPieces) private view {
        if (a.success != b.success) revert Violated(17, "one reverts");
        if (!a.success && _errorOf(a) != _errorOf(b)) revert Differ(a.data, b.data);
        if (a.success && keccak256(a.data) != keccak256(b.data)) revert Violated(17, "results differ");
        uint256 i = 0;
        uint256 k = 0;
        while (true) {
            i = _nextOf(a.logs, i, _systems[0], inPieces);
            k = _nextOf(b.logs, k, _systems[1], inPieces);
            if (i == a.logs.length || k == b.logs.length) break;
            _compareLogs(a.logs[i++], b.logs[k++]);
        }
        if (i < a.logs.length) revert Differ(abi.encode(a.logs[i].topics, a.logs[i].data), "");
        if (k < b.logs.length) revert Differ("", abi.encode(b.logs[k].topics, b.logs[k].data));
    }

    /// @dev Bytes that are cut off inside a player are the wrong shard's or malformed: both are
    /// true.
    function _errorOf(Answer memory answer) private pure returns (bytes4 selector) {
        selector = bytes4(answer.data);
        if (selector == IBetBook.WrongShard.selector) return IBetBook.MalformedOps.selector;
    }

    /// @dev The next log of our contracts; in pieces, BatchApplied differs.
    function _nextOf(
        Vm.Log[] memory logs,
        uint256 i,
        System storage system,
        bool inPieces
    ) private view returns (uint256) {
        address book = address(system.book);
        address treasury = address(system.treasury);
        for (; i < logs.length; i++) {
            if (logs[i].emitter == treasury) return i;
            if (logs[i].emitter != book) continue;
            if (!inPieces || logs[i].topics[0] != IBetBook.BatchApplied.selector) return i;
        }
        return i;
    }

    function _compareLogs(Vm.Log memory a, Vm.Log memory b) private view {
        System storage x = _systems[0];
        System storage y = _systems[1];
        bool same = a.topics.length == b.topics.length && keccak256(a.data) == keccak256(b.data);
        same = same && (a.emitter == address(x.book)) == (b.emitter == address(y.book));
        for (uint256 i = 0; same && i < a.topics.length; i++) {
            bytes32 topic = a.topics[i];
            if (topic == bytes32(uint256(uint160(address(x.book))))) {
                topic = bytes32(uint256(uint160(address(y.book))));
            }
            same = topic == b.topics[i];
        }
        if (!same) revert Differ(abi.encode(a.topics, a.data), abi.encode(b.topics, b.data));
    }

    /// @dev The first deployment was compared with the logs, which are equal; this asks the second
    /// the same.
    function _compareSystems() private view {
        IBetBook a = _systems[0].book;
        IBetBook b = _systems[1].book;
        for (uint32 i = 0; i <= _banks.length; i++) {
            _mustEqual(abi.encode(a.bank(i)), abi.encode(b.bank(i)), "bank");
            _mustEqual(abi.encode(a.limits(i)), abi.encode(b.limits(i)), "limits");
        }
        for (uint32 no = 1; no < _operators.length; no++) {
            address account = _operators[no].account;
            _mustEqual(abi.encode(a.operator(account)), abi.encode(b.operator(account)), "operator");
            for (uint256 i = PLAYER; i < ACTORS; i++) {
                _mustEqual(
                    abi.encode(a.seat(_actors[i], account), a.topUpLeft(_actors[i], account)),
                    abi.encode(b.seat(_actors[i], account), b.topUpLeft(_actors[i], account)),
                    "seat"
                );
            }
            for (uint16 shard = 0; shard < 2; shard++) {
                uint48 lane_ = (uint48(no) << 16) | shard;
                if (a.lane(lane_) != b.lane(lane_)) revert Violated(17, "lane");
                for (uint32 slot = 0; slot < SLOTS; slot++) {
                    if (a.page(lane_, slot) != b.page(lane_, slot)) revert Violated(17, "page");
                    if (a.isOpen(lane_, slot, 0) != b.isOpen(lane_, slot, 0)) {
                        revert Violated(17, "isOpen");
                    }
                }
            }
        }
        (uint256 held, uint256 owed) = a.solvency();
        (uint256 otherHeld, uint256 otherOwed) = b.solvency();
        if (held != otherHeld || owed != otherOwed || a.eventCount() != b.eventCount()) {
            revert Violated(17, "sums");
        }
    }

    function _mustEqual(bytes memory a, bytes memory b, string memory what) private pure {
        if (keccak256(a) != keccak256(b)) revert Violated(17, what);
    }

    function _joined(
        Vm.Log[] memory a,
        Vm.Log[] memory b
    ) private pure returns (Vm.Log[] memory all) {
        all = new Vm.Log[](a.length + b.length);
        for (uint256 i = 0; i < a.length; i++) all[i] = a[i];
        for (uint256 i = 0; i < b.length; i++) all[a.length + i] = b[i];
    }

    /// @dev The first argument of an error.
    function _argument(bytes memory data) private pure returns (uint256 argument) {
        assembly ("memory-safe") {
            argument := mload(add(data, 36))
        }
    }

    /// @dev What a deployment says to a batch, without the logs that were rolled back.
    function _sendOps(
        Plan memory plan,
        uint256 actor,
        IBetBook book,
        bytes memory data,
        uint256 gasLimit
    ) private returns (Answer memory answer) {
        answer = _send(actor, address(book), data, gasLimit);
        answer.logs = _withoutReverted(answer.logs, _nexts[plan.lane]);
    }

    function _argumentOf(Answer memory answer) private pure returns (uint256) {
        return abi.decode(answer.data, (uint256));
    }
}
