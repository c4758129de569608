import { mutationsOf } from '../mutation.ts';

export const bankMutations = mutationsOf('Banks.sol', 'bank', [
  {
    name: 'anyone opens a bank of an operator',
    breaks: ['I14', 'role: operator admin'],
    find: '_administered(operator_).operatorNo;',
    replace: '_knownOperator(operator_).operatorNo;',
    kills: 'operator',
  },
  {
    name: 'a bank opens without an admin',
    breaks: ['errors'],
    find: 'if (admin == address(0)) revert ZeroValue();',
    replace: '',
  },
  {
    name: 'anyone names a bank’s admin',
    breaks: ['I14', 'role: bank admin'],
    find: '_administeredBank(bankNo).pendingAdmin = successor;',
    replace: '_knownBank(bankNo).pendingAdmin = successor;',
  },
  {
    name: 'a bank’s admin changes in one step',
    breaks: ['R10'],
    find: '_administeredBank(bankNo).pendingAdmin = successor;',
    replace: '_administeredBank(bankNo).admin = successor;',
  },
  {
    name: 'anyone accepts to be a bank’s admin',
    breaks: ['R10', 'I14', 'role: successor'],
    find: 'if (msg.sender != slots.pendingAdmin) revert NotAllowed(msg.sender);',
    replace: '',
  },
  {
    name: 'a bank’s admin can be accepted again',
    breaks: ['R10'],
    find: '(slots.admin, slots.pendingAdmin) = (msg.sender, address(0));',
    replace: 'slots.admin = msg.sender;',
  },
  {
    name: 'anyone funds a bank',
    breaks: ['I14', 'role: bank admin'],
    find: `_administeredBank(bankNo);
        if (amount == 0) revert ZeroValue();
        slots.chips`,
    replace: `_knownBank(bankNo);
        if (amount == 0) revert ZeroValue();
        slots.chips`,
  },
  {
    name: 'a bank is funded with nothing',
    breaks: ['errors'],
    find: `if (amount == 0) revert ZeroValue();
        slots.chips`,
    replace: 'slots.chips',
  },
  {
    name: 'what funds a bank is not owed',
    breaks: ['I2'],
    find: '_owed += amount;',
    replace: '',
  },
  {
    name: 'a bank is funded with money that never came',
    breaks: ['I2'],
    find: 'treasury.pull(msg.sender, amount);',
    replace: '',
    kills: 'campaign/Invariants',
  },
  {
    name: 'anyone says where exits go',
    breaks: ['I14', 'role: bank admin'],
    find: `_administeredBank(bankNo);
        if (to == address(0))`,
    replace: `_knownBank(bankNo);
        if (to == address(0))`,
  },
  {
    name: 'exits go to nobody',
    breaks: ['errors'],
    find: 'if (to == address(0)) revert ZeroValue();',
    replace: '',
  },
  {
    name: 'an exit goes elsewhere without a new notice',
    breaks: ['R4', 'R10'],
    find: 'if (slots.vault.exitAt != 0) slots.vault.exitAt = _afterNotice();',
    replace: '',
  },
  {
    name: 'anyone asks for an exit',
    breaks: ['I14', 'role: bank admin'],
    find: `_administeredBank(bankNo);
        if (amount == 0) revert ZeroValue();
        (slots.vault`,
    replace: `_knownBank(bankNo);
        if (amount == 0) revert ZeroValue();
        (slots.vault`,
  },
  {
    name: 'an exit of nothing is asked for',
    breaks: ['errors'],
    find: `if (amount == 0) revert ZeroValue();
        (slots.vault`,
    replace: '(slots.vault',
  },
  {
    name: 'an exit takes no notice',
    breaks: ['R4'],
    find: '(slots.vault.exiting, slots.vault.exitAt) = (amount, _afterNotice());',
    replace: '(slots.vault.exiting, slots.vault.exitAt) = (amount, uint40(block.timestamp));',
  },
  {
    name: 'a second request keeps the first one’s time',
    breaks: ['R4'],
    find: '(slots.vault.exiting, slots.vault.exitAt) = (amount, _afterNotice());',
    replace: `slots.vault.exiting = amount;
        if (slots.vault.exitAt == 0) slots.vault.exitAt = _afterNotice();`,
  },
  {
    name: 'anyone cancels an exit',
    breaks: ['I14', 'role: bank admin'],
    find: '_administeredBank(bankNo).vault;',
    replace: '_knownBank(bankNo).vault;',
  },
  {
    name: 'an exit that was not asked for is cancelled',
    breaks: ['errors'],
    find: 'if (vault.exitAt == 0) revert NotExiting(bankNo);',
    replace: '',
  },
  {
    name: 'a cancelled exit still backs no bet',
    breaks: ['R4', 'I7'],
    find: '(vault.exiting, vault.exitAt) = (0, 0);',
    replace: 'vault.exitAt = 0;',
  },
  {
    name: 'anyone completes an exit',
    breaks: ['I14', 'role: bank admin'],
    find: `_administeredBank(bankNo);
        Vault storage vault`,
    replace: `_knownBank(bankNo);
        Vault storage vault`,
  },
  {
    name: 'an exit completes that was not asked for',
    breaks: ['errors'],
    find: 'if (exitAt == 0) revert NotExiting(bankNo);',
    replace: '',
  },
  {
    name: 'an exit completes before its time',
    breaks: ['R4'],
    find: 'if (block.timestamp < exitAt) revert ExitTooEarly(exitAt);',
    replace: '',
  },
  {
    name: 'an exit is too early in its second',
    breaks: ['R4'],
    find: 'if (block.timestamp < exitAt) revert ExitTooEarly(exitAt);',
    replace: 'if (block.timestamp <= exitAt) revert ExitTooEarly(exitAt);',
  },
  {
    name: 'reserved money leaves',
    breaks: ['R4', 'R6', 'I3'],
    find: 'uint96 free = slots.chips.bankroll - slots.chips.reserved;',
    replace: 'uint96 free = slots.chips.bankroll;',
  },
  {
    name: 'an exit of nothing completes',
    breaks: ['errors'],
    find: 'if (free == 0) revert AllReserved(bankNo);',
    replace: '',
  },
  {
    name: 'an exit takes more than was asked for',
    breaks: ['R4'],
    find: `amount = exiting < free ? exiting : free;
        vault.exiting = exiting - amount;`,
    replace: `amount = free;
        vault.exiting = exiting < amount ? 0 : exiting - amount;`,
  },
  {
    name: 'an exit can be completed again',
    breaks: ['R4'],
    find: 'vault.exiting = exiting - amount;',
    replace: '',
  },
  {
    name: 'a completed exit stays under way',
    breaks: ['R4', 'I7'],
    find: 'if (exiting == amount) vault.exitAt = 0;',
    replace: '',
  },
  {
    name: 'what exits stays in the bankroll',
    breaks: ['I2'],
    find: 'slots.chips.bankroll -= amount;',
    replace: '',
  },
  {
    name: 'what exits is still owed',
    breaks: ['I2'],
    find: '_owed -= amount;',
    replace: '',
    kills: 'campaign/Invariants',
  },
  {
    name: 'an exit goes to the admin',
    breaks: ['I14'],
    find: 'address to = slots.payout;',
    replace: 'address to = slots.admin;',
  },
  {
    name: 'anyone sets limits',
    breaks: ['I14', 'role: bank admin'],
    find: `_administeredBank(bankNo);
        Limits memory old`,
    replace: `_knownBank(bankNo);
        Limits memory old`,
  },
  {
    name: 'a raised maxPayout counts at once',
    breaks: ['R10', 'I10'],
    find: '_least(old.maxPayout, limits_.maxPayout),',
    replace: 'limits_.maxPayout,',
  },
  {
    name: 'a raised stopLoss counts at once',
    breaks: ['R10', 'I10'],
    find: '_least(old.stopLoss, limits_.stopLoss),',
    replace: 'limits_.stopLoss,',
  },
  {
    name: 'a raised dayWon counts at once',
    breaks: ['R10', 'I10'],
    find: '_least(old.dayWon, limits_.dayWon),',
    replace: 'limits_.dayWon,',
  },
  {
    name: 'a raised dayCredit counts at once',
    breaks: ['R10', 'I10'],
    find: '_least(old.dayCredit, limits_.dayCredit),',
    replace: 'limits_.dayCredit,',
  },
  {
    name: 'a raised horizon counts at once',
    breaks: ['R10', 'I10'],
    find: 'uint32(_least(old.maxHorizon, limits_.maxHorizon))',
    replace: 'limits_.maxHorizon',
  },
  {
    name: 'a lowered limit does not count',
    breaks: ['R10'],
    find: '_writeLimits(slots.active, lower);',
    replace: 'lower;',
  },
  {
    name: 'a raised limit has no notice',
    breaks: ['R10', 'I10'],
    find: 'slots.active.readyAt = uint32(_afterNotice());',
    replace: 'slots.active.readyAt = uint32(block.timestamp);',
  },
  {
    name: 'a raised horizon alone never comes',
    breaks: ['R10'],
    find: ` ||
            limits_.maxHorizon > old.maxHorizon;`,
    replace: ';',
  },
  {
    name: 'limits that were announced come although they were taken back',
    breaks: ['R10', 'I10'],
    find: 'slots.active.readyAt = 0;',
    replace: '',
  },
  {
    name: 'limits that became ready are forgotten by the next ones',
    breaks: ['R10'],
    find: 'Limits memory old = _limitsOf(slots);',
    replace: 'Limits memory old = _readLimits(slots.active);',
  },
  {
    name: 'anyone resumes a bank',
    breaks: ['R7', 'I14', 'role: bank admin'],
    find: '_administeredBank(bankNo).day;',
    replace: '_knownBank(bankNo).day;',
  },
  {
    name: 'a bank that is not halted is resumed',
    breaks: ['errors'],
    find: 'if (day.day != _today() || !day.halted) revert NotHalted(bankNo);',
    replace: '',
    kills: 'errors',
  },
  {
    name: 'a halt of yesterday is resumed',
    breaks: ['R7'],
    find: 'day.day != _today() || !day.halted',
    replace: '!day.halted',
    kills: 'day',
  },
  {
    name: 'a resumed bank stays halted',
    breaks: ['R7'],
    find: 'day.halted = false;',
    replace: '',
    kills: 'day',
  },
  {
    name: 'anyone pauses a bank',
    breaks: ['I14', 'role: guardian'],
    find: 'if (msg.sender != guardian) revert NotAllowed(msg.sender);',
    replace: 'guardian;',
    kills: 'operator',
  },
  {
    name: 'a pause ends before it began',
    breaks: ['errors'],
    find: 'until <= block.timestamp || until >',
    replace: 'until >',
    kills: 'operator',
  },
  {
    name: 'a pause lasts for ever',
    breaks: ['R10', 'I11'],
    find: 'until <= block.timestamp || until > block.timestamp + MAX_PAUSE_S',
    replace: 'until <= block.timestamp',
    kills: 'operator',
  },
  {
    name: 'a pause follows a pause',
    breaks: ['R10'],
    find: 'chips.pausedUntil != 0 && block.timestamp < coolUntil',
    replace: 'chips.pausedUntil != 0 && block.timestamp < chips.pausedUntil',
    kills: 'operator',
  },
  {
    name: 'a bank that nobody opened is known',
    breaks: ['errors'],
    find: 'if (slots.chips.operatorNo == 0) revert BankUnknown(bankNo);',
    replace: '',
  },
]);
