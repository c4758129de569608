// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import {IBetBook} from "../../IBetBook.sol";
import {IDesk} from "../../IDesk.sol";
import {ITreasury} from "../../ITreasury.sol";
import {TestWallet} from "../TestWallet.sol";
import {Random} from "./Random.t.sol";
import {VM} from "../Vm.sol";

/// @notice One deployment.
struct System {
    IERC20 token;
    ITreasury treasury;
    IBetBook book;
}

/// @notice The actors of the tests, one for each role, and their signatures. Operator 1 is honest,
/// operator 2 is hostile; both meet the same players.
abstract contract World is Random {
    uint256 internal constant OPERATOR = 0;
    uint256 internal constant HOSTILE_OPERATOR = 1;
    uint256 internal constant EXECUTOR = 2;
    uint256 internal constant SECOND_EXECUTOR = 3;
    uint256 internal constant HOSTILE_EXECUTOR = 4;
    uint256 internal constant GUARDIAN = 5;
    uint256 internal constant HOSTILE_GUARDIAN = 6;
    uint256 internal constant BANK_ADMIN = 7;
    uint256 internal constant SECOND_BANK_ADMIN = 8;
    uint256 internal constant HOSTILE_BANK_ADMIN = 9;
    uint256 internal constant SUCCESSOR = 10;
    uint256 internal constant OUTSIDER = 11;
    uint256 internal constant PLAYER = 12;
    uint256 internal constant PLAYERS = 5;
    /// @dev The last player is a contract.
    uint256 internal constant WALLET = PLAYER + PLAYERS - 1;
    uint256 internal constant ACTORS = PLAYER + PLAYERS;

    uint96 internal constant START = 1_000_000;
    uint32 internal constant NOTICE_S = 1 hours;
    /// @dev Of secp256k1: (r, n - s) is the other form of a signature (r, s).
    uint256 internal constant CURVE_ORDER =
        0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;

    bytes32 private constant DOMAIN_TYPEHASH =
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
    string private constant GRANT_TYPE =
        "Grant(address operator,uint96 buyIn,uint96 topUp,uint96 maxStake,uint32 expiry,uint32 grantNo)";

    address[] internal _actors;
    uint256[] internal _keys;

    constructor() {
        for (uint256 i = 0; i < ACTORS; i++) {
            uint256 key = uint256(keccak256(abi.encode("actor", i)));
            _keys.push(key);
            _actors.push(i == WALLET ? address(new TestWallet(VM.addr(key))) : VM.addr(key));
        }
    }

    // ---------------------------------------------------------------------------- signatures

    /// @dev The hash that a wallet signs, EIP-712.
    function _digest(
        string memory name,
        uint256 chainId,
        address verifier,
        bytes32 structHash
    ) internal pure returns (bytes32) {
        bytes32 domain = keccak256(
            abi.encode(DOMAIN_TYPEHASH, keccak256(bytes(name)), keccak256("1"), chainId, verifier)
        );
        return keccak256(abi.encodePacked(hex"1901", domain, structHash));
    }

    function _signTreasury(
        uint256 actor,
        address treasury,
        bytes32 structHash
    ) internal view returns (bytes memory) {
        return _sign(actor, _digest("Croupier Treasury", block.chainid, treasury, structHash));
    }

    function _signBook(
        uint256 actor,
        address book,
        bytes32 structHash
    ) internal view returns (bytes memory) {
        return _sign(actor, _digest("Croupier BetBook", block.chainid, book, structHash));
    }

    function _sign(uint256 actor, bytes32 digest) internal view returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = VM.sign(_keys[actor], digest);
        return abi.encodePacked(r, s, v);
    }

    function _grantHash(IDesk.Grant memory grant) internal pure returns (bytes32) {
        return
            keccak256(
                abi.encode(
                    keccak256(bytes(GRANT_TYPE)),
                    grant.operator,
                    grant.buyIn,
                    grant.topUp,
                    grant.maxStake,
                    grant.expiry,
                    grant.grantNo
                )
            );
    }

    /// @dev What the player signs to sit: the Treasury's Allow with the grant as witness.
    function _sitHash(
        address book,
        IDesk.Grant memory grant,
        IDesk.Allowing memory allowing
    ) internal pure returns (bytes32) {
        bytes32 typeHash = keccak256(
            abi.encodePacked(
                "Allow(address client,uint96 amount,uint40 expiry,uint48 nonce,uint40 deadline,Grant grant)",
                GRANT_TYPE
            )
        );
        return
            keccak256(
                abi.encode(
                    typeHash,
                    book,
                    uint256(grant.buyIn) + grant.topUp,
                    allowing.expiry,
                    allowing.nonce,
                    allowing.deadline,
                    _grantHash(grant)
                )
            );
    }

    function _allowHash(
        address client,
        ITreasury.Allow memory allowed
    ) internal pure returns (bytes32) {
        return
            keccak256(
                abi.encode(
                    keccak256(
                        "Allow(address client,uint96 amount,uint40 expiry,uint48 nonce,uint40 deadline)"
                    ),
                    client,
                    allowed.amount,
                    allowed.expiry,
                    allowed.nonce,
                    allowed.deadline
                )
            );
    }

    function _withdrawHash(
        address player,
        address to,
        uint96 amount,
        uint64 nonce,
        uint40 deadline
    ) internal pure returns (bytes32) {
        return
            keccak256(
                abi.encode(
                    keccak256(
                        "Withdraw(address player,address to,uint96 amount,uint64 nonce,uint40 deadline)"
                    ),
                    player,
                    to,
                    amount,
                    nonce,
                    deadline
                )
            );
    }

    function _leaveHash(
        address player,
        address operator,
        uint32 grantNo,
        uint40 deadline
    ) internal pure returns (bytes32) {
        return
            keccak256(
                abi.encode(
                    keccak256(
                        "Leave(address player,address operator,uint32 grantNo,uint40 deadline)"
                    ),
                    player,
                    operator,
                    grantNo,
                    deadline
                )
            );
    }
}
