import { mutationsOf } from '../mutation.ts';

export const treasuryMutations = mutationsOf('Treasury.sol', 'treasury', [
  {
    name: 'a token without code is taken',
    breaks: ['token', 'errors'],
    find: 'if (token_.code.length == 0) revert TokenWithoutCode(token_);',
    replace: '',
    kills: 'errors',
  },
  {
    name: 'a token calls back into a deposit',
    breaks: ['I1', 'token'],
    find: 'function deposit(address player, uint96 amount) external nonReentrant {',
    replace: 'function deposit(address player, uint96 amount) external {',
  },
  {
    name: 'a token calls back into a withdrawal',
    breaks: ['I1', 'token'],
    find: 'function withdraw(address to, uint96 amount) external nonReentrant {',
    replace: 'function withdraw(address to, uint96 amount) external {',
  },
  {
    name: 'a permit that somebody else sent first blocks the deposit',
    breaks: ['token'],
    find: '{} catch {}',
    replace: '{} catch { revert SignatureInvalid(player); }',
  },
  {
    name: 'a deposit by permit takes the money of whoever sends it',
    breaks: ['role: anyone'],
    find: '_deposit(player, player, amount);',
    replace: '_deposit(player, msg.sender, amount);',
  },
  {
    name: 'a withdrawal by signature has no nonce',
    breaks: ['I16'],
    find: 'if (nonce != expected) revert NonceMismatch(nonce, expected);',
    replace: 'expected;',
  },
  {
    name: 'anyone signs a withdrawal',
    breaks: ['I14', 'I16', 'role: player'],
    find: `if (!_signedByKey(player, structHash, signature)) revert SignatureInvalid(player);
        _withdraw(player, to, amount);`,
    replace: '(structHash, signature); _withdraw(player, to, amount);',
  },
  {
    name: 'a contract approves a withdrawal by ERC-1271',
    breaks: ['R2'],
    find: `if (!_signedByKey(player, structHash, signature)) revert SignatureInvalid(player);
        _withdraw(player, to, amount);`,
    replace: `if (!_signedBy(player, structHash, signature)) revert SignatureInvalid(player);
        _withdraw(player, to, amount);`,
    kills: 'seats',
  },
  {
    name: 'anyone signs an allowance',
    breaks: ['I14', 'I16', 'role: player'],
    find: `if (!_signedByKey(player, structHash, signature)) revert SignatureInvalid(player);
        _allow(player, client`,
    replace: '(structHash, signature); _allow(player, client',
  },
  {
    name: 'anyone signs a grant',
    breaks: ['R2', 'I16', 'role: player'],
    find: 'if (!_signedBy(player, structHash, signature)) revert SignatureInvalid(player);',
    replace: '(structHash, signature);',
    kills: 'seats',
  },
  {
    name: 'a grant by signature has neither nonce nor deadline',
    breaks: ['R2', 'I16'],
    find: '_checkAllow(player, msg.sender, allowed);',
    replace: '',
    kills: 'seats',
  },
  {
    name: 'signatures have no deadline',
    breaks: ['I16'],
    find: 'if (block.timestamp > deadline) revert DeadlinePassed(deadline);',
    replace: '',
  },
  {
    name: 'a signature is late in the second of its deadline',
    breaks: ['I16'],
    find: 'if (block.timestamp > deadline) revert DeadlinePassed(deadline);',
    replace: 'if (block.timestamp >= deadline) revert DeadlinePassed(deadline);',
  },
  {
    name: 'a deadline in milliseconds is taken',
    breaks: ['R10', 'errors'],
    find: 'if (deadline > LATEST_TIME) revert TimeNotInSeconds(deadline);',
    replace: '',
  },
  {
    name: 'a signed allowance has no nonce',
    breaks: ['I16'],
    find: 'if (allowed.nonce != expected) revert NonceMismatch(allowed.nonce, expected);',
    replace: 'expected;',
  },
  {
    name: 'an allowance uses up no nonce',
    breaks: ['I16'],
    find: 'granted.nonce++;',
    replace: '',
  },
  {
    name: 'an allowance that expires in milliseconds is taken',
    breaks: ['R10', 'errors'],
    find: 'if (expiry > LATEST_TIME) revert TimeNotInSeconds(expiry);',
    replace: '',
  },
  {
    name: 'a new allowance adds to the old one',
    breaks: ['I9'],
    find: 'granted.amount = amount;',
    replace: 'granted.amount += amount;',
  },
  {
    name: 'lists of different lengths are pushed',
    breaks: ['errors'],
    find: 'if (players.length != amounts.length) {',
    replace: 'if (false) {',
  },
  {
    name: 'a deposit of zero is taken',
    breaks: ['errors'],
    find: `if (amount == 0) revert AmountZero();
        if (amount > type(uint96).max`,
    replace: 'if (amount > type(uint96).max',
  },
  {
    name: 'more than 96 bits are deposited in all',
    breaks: ['I1'],
    find: `if (amount > type(uint96).max - total) revert TotalExceeded(total, amount);`,
    replace: '',
  },
  {
    name: 'a deposit counts in full where the token took a fee',
    breaks: ['I1', 'token'],
    find: 'if (afterwards < before || afterwards - before != amount) {',
    replace: 'if (afterwards < before) {',
  },
  {
    name: 'a token that answers false to a deposit is believed',
    breaks: ['token'],
    find: 'IERC20(token).safeTransferFrom(payer, address(this), amount);',
    replace: 'IERC20(token).transferFrom(payer, address(this), amount);',
  },
  {
    name: 'a deposit is the payer’s',
    breaks: ['I1', 'I7'],
    find: `_accounts[player].available += amount;
        total += amount;`,
    replace: `_accounts[payer].available += amount;
        total += amount;`,
    kills: 'campaign/Invariants',
  },
  {
    name: 'a deposit is not in the total',
    breaks: ['I1'],
    find: 'total += amount;',
    replace: '',
    kills: 'campaign/Invariants',
  },
  {
    name: 'a withdrawal of zero is made',
    breaks: ['errors'],
    find: `if (amount == 0) revert AmountZero();
        Account storage account`,
    replace: 'Account storage account',
    kills: 'errors',
  },
  {
    name: 'a player withdraws more than there is',
    breaks: ['I1', 'I9', 'errors'],
    find: `if (account.available < amount) revert BalanceShort(player, account.available, amount);
        account.available -= amount;
        account.withdrawals++;`,
    replace: 'unchecked { account.available -= amount; } account.withdrawals++;',
    kills: 'errors',
  },
  {
    name: 'a withdrawal uses up no nonce',
    breaks: ['I16'],
    find: 'account.withdrawals++;',
    replace: '',
  },
  {
    name: 'a withdrawal stays in the total',
    breaks: ['I1'],
    find: 'total -= amount;',
    replace: '',
  },
  {
    name: 'a withdrawal that cost more or less than asked for goes through',
    breaks: ['I1', 'token'],
    find: 'if (afterwards > before || before - afterwards != amount) {',
    replace: 'if (afterwards > before) {',
  },
  {
    name: 'a token that answers false to a withdrawal is believed',
    breaks: ['token'],
    find: 'IERC20(token).safeTransfer(to, amount);',
    replace: 'IERC20(token).transfer(to, amount);',
  },
  {
    name: 'an allowance never expires',
    breaks: ['R2', 'role: client'],
    find: 'if (block.timestamp >= granted.expiry) {',
    replace: 'if (granted.expiry == 0) {',
  },
  {
    name: 'an allowance counts in the second of its expiry',
    breaks: ['R2'],
    find: 'if (block.timestamp >= granted.expiry) {',
    replace: 'if (block.timestamp > granted.expiry) {',
  },
  {
    name: 'a client pulls more than allowed to it',
    breaks: ['I9', 'role: client'],
    find: `if (granted.amount < amount) {
            revert AllowanceShort(player, client, granted.amount, amount);
        }`,
    replace: 'if (granted.amount < amount) granted.amount = amount;',
  },
  {
    name: 'an allowance is never used up',
    breaks: ['I9', 'role: client'],
    find: 'granted.amount -= amount;',
    replace: '',
  },
  {
    name: 'what is pulled stays available',
    breaks: ['I1'],
    find: `account.available -= amount;
        clientBalance[client] += amount;`,
    replace: 'clientBalance[client] += amount;',
  },
  {
    name: 'what is pulled is nobody’s',
    breaks: ['I1', 'I2'],
    find: 'clientBalance[client] += amount;',
    replace: '',
  },
  {
    name: 'a client pushes what it does not have',
    breaks: ['I1', 'I14', 'role: client'],
    find: `if (clientBalance[client] < amount) {
            revert ClientShort(client, clientBalance[client], amount);
        }
        clientBalance[client] -= amount;`,
    replace: 'unchecked { clientBalance[client] -= amount; }',
  },
  {
    name: 'solvency hides what is missing',
    breaks: ['I1', 'getters'],
    find: 'return (IERC20(token).balanceOf(address(this)), total);',
    replace: 'return (total, total);',
  },
]);
