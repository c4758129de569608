// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IBetBook} from "../IBetBook.sol";
import {PlainReader, Reader} from "./PlainReader.sol";

/// @dev What stands before the items of a run.
struct Run {
    address player;
    uint32 bankNo;
    uint8 items;
}

/// @dev One item of a PLAY.
struct Play {
    address player;
    uint32 bankNo;
    uint96 stake;
    uint96 payout;
    bytes16 refBet;
    bytes16 refWin;
}

/// @dev A page to open: the bets of its `runs` runs, one after the other.
struct Open {
    uint32 slot;
    uint40 due;
    bytes8 round;
    bool bonded;
    uint8 runs;
    OpenBet[] bets;
}

struct OpenBet {
    address player;
    uint32 bankNo;
    uint96 stake;
    uint96 profit;
    bytes16 ref;
}

/// @dev A page that was opened, as its preimage tells it.
struct Page {
    uint48 firstSeq;
    uint40 due;
    bytes8 round;
    bool bonded;
    PageBet[] bets;
}

struct PageBet {
    address player;
    uint32 bankNo;
    uint96 stake;
    uint96 profit;
}

struct Settle {
    uint32 slot;
    bytes32 pageHash;
    Page page;
    Outcome[] outcomes;
}

/// @dev How the bet at `offset` of its page ended. `payout` only counts where `code` is EXPLICIT.
struct Outcome {
    uint8 offset;
    uint8 code;
    uint96 payout;
    bytes16 ref;
}

struct Credit {
    address player;
    uint32 bankNo;
    uint96 amount;
    bytes16 ref;
}

struct Finish {
    uint32 bankNo;
    bytes8 round;
}

struct TopUp {
    address player;
    uint96 amount;
    bytes16 ref;
}

struct Release {
    address player;
    bytes16 ref;
}

/// @notice The bytes of each op, and what of them is malformed whatever the state.
library PlainOps {
    using PlainReader for Reader;

    uint8 internal constant PLAY = 1;
    uint8 internal constant OPEN = 2;
    uint8 internal constant SETTLE = 3;
    uint8 internal constant CREDIT = 4;
    uint8 internal constant FINISH = 5;
    uint8 internal constant TOPUP = 6;
    uint8 internal constant RELEASE = 7;
    uint8 internal constant GROUP = 8;

    /// @dev Codes of an outcome; 0 is a lost bet.
    uint8 internal constant FULL = 1;
    uint8 internal constant VOID = 2;
    uint8 internal constant EXPLICIT = 3;

    uint8 internal constant MAX_PAGE_BETS = 64;
    uint8 internal constant MAX_OUTCOMES = 64;
    uint256 private constant OPEN_BET_BYTES = 40;

    function readRun(
        Reader memory reader,
        bytes calldata data
    ) internal pure returns (Run memory run) {
        run.player = reader.readAddress(data);
        run.bankNo = reader.readU32(data);
        run.items = reader.readCount(data, type(uint8).max);
    }

    /// @dev An item of a PLAY's run.
    function readPlay(
        Reader memory reader,
        bytes calldata data,
        Run memory run
    ) internal pure returns (Play memory play) {
        play.player = run.player;
        play.bankNo = run.bankNo;
        play.stake = reader.readU96(data);
        play.payout = reader.readU96(data);
        play.refBet = reader.readBytes16(data);
        play.refWin = reader.readBytes16(data);
    }

    /// @param mostBets The most bets that the page may have.
    function readOpen(
        Reader memory reader,
        bytes calldata data,
        uint8 mostBets
    ) internal pure returns (Open memory open) {
        open.slot = reader.readU32(data);
        open.due = reader.readU40(data);
        open.round = reader.readBytes8(data);
        open.bonded = reader.readBool(data);
        open.runs = reader.readCount(data, MAX_PAGE_BETS);
        open.bets = new OpenBet[](_countBets(Reader(reader.position), data, open.runs, mostBets));
        uint256 next = 0;
        for (uint256 i = 0; i < open.runs; i++) {
            Run memory run = readRun(reader, data);
            for (uint256 k = 0; k < run.items; k++) {
                OpenBet memory bet = open.bets[next];
                bet.player = run.player;
                bet.bankNo = run.bankNo;
                bet.stake = reader.readU96(data);
                bet.profit = reader.readU96(data);
                bet.ref = reader.readBytes16(data);
                next++;
            }
        }
    }

    /// @dev How many bets the runs from the reader's place on have together.
    function _countBets(
        Reader memory reader,
        bytes calldata data,
        uint8 runs,
        uint8 most
    ) private pure returns (uint256 bets) {
        for (uint256 i = 0; i < runs; i++) {
            uint8 items = readRun(reader, data).items;
            bets += items;
            if (bets > most) revert IBetBook.MalformedOps(reader.position);
            reader.skip(data, uint256(items) * OPEN_BET_BYTES);
        }
    }

    /// @dev Reverts where stake and profit of a bet together do not fit in 96 bits: no event could
    /// tell it.
    function checkAmounts(Open memory open, uint256 position) internal pure {
        for (uint256 i = 0; i < open.bets.length; i++) {
            uint256 maxPayout = uint256(open.bets[i].stake) + open.bets[i].profit;
            if (maxPayout > type(uint96).max) revert IBetBook.MalformedOps(position);
        }
    }

    function readSettle(
        Reader memory reader,
        bytes calldata data
    ) internal pure returns (Settle memory settle) {
        settle.slot = reader.readU32(data);
        uint256 start = reader.position;
        settle.page = readPage(reader, data);
        settle.pageHash = keccak256(data[start:reader.position]);
        settle.outcomes = new Outcome[](reader.readCount(data, MAX_OUTCOMES));
        for (uint256 i = 0; i < settle.outcomes.length; i++) {
            Outcome memory outcome = settle.outcomes[i];
            outcome.offset = reader.readUpTo(data, settle.page.bets.length - 1);
            outcome.code = reader.readUpTo(data, EXPLICIT);
            if (outcome.code == EXPLICIT) outcome.payout = reader.readU96(data);
            outcome.ref = reader.readBytes16(data);
        }
    }

    /// @dev A page's preimage.
    function readPage(
        Reader memory reader,
        bytes calldata data
    ) internal pure returns (Page memory page) {
        page.firstSeq = reader.readU48(data);
        page.due = reader.readU40(data);
        page.round = reader.readBytes8(data);
        page.bonded = reader.readBool(data);
        page.bets = new PageBet[](reader.readCount(data, MAX_PAGE_BETS));
        for (uint256 i = 0; i < page.bets.length; i++) {
            PageBet memory bet = page.bets[i];
            bet.player = reader.readAddress(data);
            bet.bankNo = reader.readU32(data);
            bet.stake = reader.readU96(data);
            bet.profit = reader.readU96(data);
        }
    }

    /// @dev The preimage of the page that `open` opens when its first bet has the number
    /// `firstSeq`.
    function writePage(Open memory open, uint48 firstSeq) internal pure returns (bytes memory out) {
        out = abi.encodePacked(
            firstSeq,
            open.due,
            open.round,
            open.bonded ? uint8(1) : uint8(0),
            uint8(open.bets.length)
        );
        for (uint256 i = 0; i < open.bets.length; i++) {
            OpenBet memory bet = open.bets[i];
            out = abi.encodePacked(out, bet.player, bet.bankNo, bet.stake, bet.profit);
        }
    }

    function readCredit(
        Reader memory reader,
        bytes calldata data
    ) internal pure returns (Credit memory credit) {
        credit.player = reader.readAddress(data);
        credit.bankNo = reader.readU32(data);
        credit.amount = reader.readU96(data);
        credit.ref = reader.readBytes16(data);
    }

    function readFinish(
        Reader memory reader,
        bytes calldata data
    ) internal pure returns (Finish memory finish) {
        finish.bankNo = reader.readU32(data);
        finish.round = reader.readBytes8(data);
    }

    function readTopUp(
        Reader memory reader,
        bytes calldata data
    ) internal pure returns (TopUp memory topUp) {
        topUp.player = reader.readAddress(data);
        topUp.amount = reader.readU96(data);
        topUp.ref = reader.readBytes16(data);
    }

    function readRelease(
        Reader memory reader,
        bytes calldata data
    ) internal pure returns (Release memory release) {
        release.player = reader.readAddress(data);
        release.ref = reader.readBytes16(data);
    }
}
