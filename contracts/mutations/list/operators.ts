import { mutationsOf } from '../mutation.ts';

export const operatorMutations = mutationsOf('Operators.sol', 'operator', [
  {
    name: 'an operator registers again',
    breaks: ['errors'],
    find: 'if (own.operatorNo != 0) revert OperatorExists(msg.sender);',
    replace: '',
  },
  {
    name: 'shards need not be a power of two',
    breaks: ['errors'],
    find: ' || shards & (shards - 1) != 0',
    replace: '',
  },
  {
    name: 'an operator has no shards',
    breaks: ['errors'],
    find: 'shards == 0 || shards > MAX_SHARDS || shards & (shards - 1) != 0',
    replace: 'shards > MAX_SHARDS || (shards != 0 && shards & (shards - 1) != 0)',
  },
  {
    name: 'an operator registers with any number of executors',
    breaks: ['errors'],
    find: 'if (executors.length > MAX_EXECUTORS) revert TooManyExecutors(executors.length);',
    replace: '',
  },
  {
    name: 'an executor of the registration waits for the notice',
    breaks: ['R10'],
    find: '_setExecutor(msg.sender, operatorNo, executors[i], uint40(block.timestamp));',
    replace:
      '_setExecutor(msg.sender, operatorNo, executors[i], uint40(block.timestamp + noticeS));',
  },
  {
    name: 'anyone sets executors',
    breaks: ['I14', 'role: operator admin'],
    find: `_administered(operator_);
        _switchExecutor`,
    replace: `_knownOperator(operator_);
        _switchExecutor`,
  },
  {
    name: 'anyone disables executors',
    breaks: ['I14', 'role: guardian'],
    find: 'if (msg.sender != known.guardian) revert NotAllowed(msg.sender);',
    replace: '',
  },
  {
    name: 'the guardian enables executors',
    breaks: ['R10', 'role: guardian'],
    find: '_switchExecutor(operator_, known.operatorNo, executor, false);',
    replace: '_switchExecutor(operator_, known.operatorNo, executor, true);',
  },
  {
    name: 'anyone names a guardian',
    breaks: ['I14', 'role: operator admin'],
    find: `_administered(operator_);
        if (successor == address(0)) revert ZeroValue();`,
    replace: `_knownOperator(operator_);
        if (successor == address(0)) revert ZeroValue();`,
  },
  {
    name: 'nobody is named guardian',
    breaks: ['errors'],
    find: 'if (successor == address(0)) revert ZeroValue();',
    replace: '',
  },
  {
    name: 'a guardian changes in one step',
    breaks: ['R10'],
    find: 'known.pendingGuardian = successor;',
    replace: 'known.guardian = successor;',
  },
  {
    name: 'anyone accepts to be guardian',
    breaks: ['R10', 'I14', 'role: successor'],
    find: 'if (msg.sender != known.pendingGuardian) revert NotAllowed(msg.sender);',
    replace: '',
  },
  {
    name: 'a guardian can be accepted again',
    breaks: ['R10'],
    find: '(known.guardian, known.pendingGuardian) = (msg.sender, address(0));',
    replace: 'known.guardian = msg.sender;',
  },
  {
    name: 'anyone names the operator’s admin',
    breaks: ['I14', 'role: operator admin'],
    find: '_administered(operator_).pendingAdmin = successor;',
    replace: '_knownOperator(operator_).pendingAdmin = successor;',
  },
  {
    name: 'an operator’s admin changes in one step',
    breaks: ['R10'],
    find: '_administered(operator_).pendingAdmin = successor;',
    replace: '_administered(operator_).admin = successor;',
  },
  {
    name: 'anyone accepts to be the operator’s admin',
    breaks: ['R10', 'I14', 'role: successor'],
    find: 'if (msg.sender != known.pendingAdmin) revert NotAllowed(msg.sender);',
    replace: '',
  },
  {
    name: 'an operator’s admin can be accepted again',
    breaks: ['R10'],
    find: '(known.admin, known.pendingAdmin) = (msg.sender, address(0));',
    replace: 'known.admin = msg.sender;',
  },
  {
    name: 'an executor is set to what it is, and its notice begins anew',
    breaks: ['R10', 'errors'],
    find: 'if ((executorReadyAt[operatorNo][executor] != 0) == enabled) {',
    replace: 'if (false) {',
  },
  {
    name: 'a new executor counts at once',
    breaks: ['R10'],
    find: 'enabled ? block.timestamp + noticeS : 0',
    replace: 'enabled ? block.timestamp : 0',
  },
  {
    name: 'a disabled executor goes on',
    breaks: ['R10'],
    find: 'enabled ? block.timestamp + noticeS : 0',
    replace: 'enabled ? block.timestamp + noticeS : block.timestamp',
  },
]);
