// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BookStorage} from "./BookStorage.sol";
import {IDesk} from "./IDesk.sol";
import {ITreasury} from "./ITreasury.sol";
import {Signatures} from "./Signatures.sol";

/// @notice The players' money at risk: seats taken by grant, left by notice, swept by anyone.
abstract contract Seats is BookStorage, Signatures {
    bytes32 private constant GRANT_TYPEHASH =
        keccak256(
            "Grant(address operator,uint96 buyIn,uint96 topUp,uint96 maxStake,uint32 expiry,uint32 grantNo)"
        );
    string private constant GRANT_WITNESS =
        "Grant grant)Grant(address operator,uint96 buyIn,uint96 topUp,uint96 maxStake,uint32 expiry,uint32 grantNo)";
    bytes32 private constant LEAVE_TYPEHASH =
        keccak256("Leave(address player,address operator,uint32 grantNo,uint40 deadline)");
    uint256 private constant MAX_GRANT_S = 30 days;
    /// @dev Later than the year 5000 in seconds, in 1973 in milliseconds.
    uint256 private constant LATEST_TIME = 1e11;

    constructor() Signatures("Croupier BetBook") {}

    /// @inheritdoc IDesk
    function sit(Grant calldata grant) external {
        _sit(msg.sender, grant, _grantHash(grant));
        treasury.pull(msg.sender, grant.buyIn);
    }

    /// @inheritdoc IDesk
    function sit(
        address player,
        Grant calldata grant,
        Allowing calldata allowing,
        bytes calldata signature
    ) external {
        uint256 amount = uint256(grant.buyIn) + grant.topUp;
        if (amount > type(uint96).max) revert GrantTooLarge(amount);
        bytes32 grantHash = _grantHash(grant);
        _sit(player, grant, grantHash);
        treasury.pullBySig(
            player,
            grant.buyIn,
            ITreasury.Allow(uint96(amount), allowing.expiry, allowing.nonce, allowing.deadline),
            grantHash,
            GRANT_WITNESS,
            signature
        );
    }

    /// @inheritdoc IDesk
    function leave(address operator_) external {
        _leave(msg.sender, operator_);
    }

    /// @inheritdoc IDesk
    function leaveBySig(
        address player,
        address operator_,
        uint32 grantNo,
        uint40 deadline,
        bytes calldata signature
    ) external {
        if (block.timestamp > deadline) revert DeadlinePassed(deadline);
        if (deadline > LATEST_TIME) revert TimeNotInSeconds(deadline);
        uint32 expected = _seats[_knownOperator(operator_).operatorNo][player].grantNo;
        if (grantNo != expected) revert GrantNoMismatch(grantNo, expected);
        bytes32 structHash = keccak256(
            abi.encode(LEAVE_TYPEHASH, player, operator_, grantNo, deadline)
        );
        if (!_signedByKey(player, structHash, signature)) revert SignatureInvalid(player);
        _leave(player, operator_);
    }

    /// @inheritdoc IDesk
    function sweep(address player, address operator_) external {
        Seat storage seat_ = _seats[_knownOperator(operator_).operatorNo][player];
        if (!_hasEnded(seat_.expiry)) revert SeatLive(seat_.expiry);
        uint96 amount = seat_.balance;
        if (amount == 0) revert SeatEmpty();
        seat_.balance = 0;
        _owed -= amount;
        emit SeatSwept(player, operator_, amount, _nextEvent());
        treasury.push(player, amount);
    }

    function _hasEnded(uint32 expiry) internal view returns (bool) {
        return block.timestamp >= expiry;
    }

    /// @dev Older bets' payouts still land in the seat, so a new grant adds to what is there.
    function _sit(address player, Grant calldata grant, bytes32 grantHash) private {
        uint32 operatorNo = _knownOperator(grant.operator).operatorNo;
        Seat storage seat_ = _seats[operatorNo][player];
        if (!_hasEnded(seat_.expiry)) revert SeatLive(seat_.expiry);
        if (grant.grantNo != seat_.grantNo + 1) {
            revert GrantNoMismatch(grant.grantNo, seat_.grantNo + 1);
        }
        if (_hasEnded(grant.expiry) || grant.expiry > block.timestamp + MAX_GRANT_S) {
            revert ExpiryOutOfRange(grant.expiry);
        }
        seat_.balance += grant.buyIn;
        seat_.maxStake = grant.maxStake;
        seat_.expiry = grant.expiry;
        seat_.grantNo = grant.grantNo;
        if (grant.topUp != 0) _topUps[operatorNo][player] = TopUp(grant.topUp, grant.grantNo);
        _owed += grant.buyIn;
        emit SeatFunded(
            player,
            grant.operator,
            grant.buyIn,
            grant.topUp,
            grant.maxStake,
            grant.expiry,
            grant.grantNo,
            grantHash,
            _nextEvent()
        );
    }

    /// @dev Leaving again never delays the end: it only ever moves closer.
    function _leave(address player, address operator_) private {
        Seat storage seat_ = _seats[_knownOperator(operator_).operatorNo][player];
        if (_hasEnded(seat_.expiry)) revert SeatNotLive(seat_.expiry);
        uint256 endsAt = block.timestamp + noticeS;
        if (endsAt < seat_.expiry) seat_.expiry = uint32(endsAt);
        emit SeatEnding(player, operator_, seat_.expiry, _nextEvent());
    }

    function _grantHash(Grant calldata grant) private pure returns (bytes32) {
        return
            keccak256(
                abi.encode(
                    GRANT_TYPEHASH,
                    grant.operator,
                    grant.buyIn,
                    grant.topUp,
                    grant.maxStake,
                    grant.expiry,
                    grant.grantNo
                )
            );
    }
}
