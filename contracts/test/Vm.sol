// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Vm
/// @notice The cheatcodes of Hardhat's Solidity test runner (those of Foundry) that our tests use.
///         They exist only under `npx hardhat test`.
interface Vm {
    struct Log {
        bytes32[] topics;
        bytes data;
        address emitter;
    }

    // ---------------------------------------------------------------------- chain and caller

    /// @notice Sets `block.timestamp`, seconds.
    function warp(uint256 timestampS) external;
    /// @notice Sets `block.number`.
    function roll(uint256 number) external;
    /// @notice Sets `block.chainid`.
    function chainId(uint256 id) external;
    /// @notice The next call comes from `caller`.
    function prank(address caller) external;
    /// @notice Every call comes from `caller` until `stopPrank`.
    function startPrank(address caller) external;
    function stopPrank() external;
    /// @notice Keeps the state under an id.
    function snapshotState() external returns (uint256 id);
    /// @notice Goes back to it; the id can be used again.
    function revertToState(uint256 id) external returns (bool done);

    // ------------------------------------------------------------------------------ accounts

    /// @notice Gives `account` a balance of the chain's own coin, wei.
    function deal(address account, uint256 amountWei) external;
    /// @notice Puts runtime code at `account`.
    function etch(address account, bytes calldata code) external;
    function load(address account, bytes32 slot) external view returns (bytes32 word);
    function store(address account, bytes32 slot, bytes32 word) external;
    /// @notice The address of a private key.
    function addr(uint256 privateKey) external pure returns (address account);
    function sign(
        uint256 privateKey,
        bytes32 digest
    ) external pure returns (uint8 v, bytes32 r, bytes32 s);
    /// @notice A name for `account` in traces.
    function label(address account, string calldata name) external;

    // -------------------------------------------------------------------------- expectations

    /// @notice The next call reverts.
    function expectRevert() external;
    /// @notice The next call reverts with this selector and no argument.
    function expectRevert(bytes4 selector) external;
    /// @notice The next call reverts with exactly this data.
    function expectRevert(bytes calldata data) external;
    /// @notice The next call reverts with this selector, whatever the arguments.
    function expectPartialRevert(bytes4 selector) external;
    /// @notice The next call emits the log emitted after this one, all of it equal.
    function expectEmit() external;
    /// @notice The same, and `emitter` must be the one that emits.
    function expectEmit(address emitter) external;
    /// @notice Starts to record logs.
    function recordLogs() external;
    /// @notice The logs since, which are then forgotten.
    function getRecordedLogs() external returns (Log[] memory logs);

    // ---------------------------------------------------------------------------------- fuzz

    /// @notice Gives up this fuzz input, without failing, unless `condition` holds.
    function assume(bool condition) external pure;
    /// @notice A number between `least` and `most`, both included.
    function randomUint(uint256 least, uint256 most) external returns (uint256 number);
    function toString(uint256 number) external pure returns (string memory text);
}

/// @dev The address that the runner answers at: the last 20 bytes of keccak256("hevm cheat code").
Vm constant VM = Vm(0x7109709ECfa91a80626fF3989D68f67F5b1DD12D);

/// @notice What an invariant test returns from `targetSelectors()`: the functions of a contract that
///         the runner calls at random.
struct FuzzSelector {
    address addr;
    bytes4[] selectors;
}
