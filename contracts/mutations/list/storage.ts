import { mutationsOf } from '../mutation.ts';

/** Of what the book and its desk share, and of the getters. */
export const storageMutations = [
  ...mutationsOf('EventCounter.sol', 'replay', [
    {
      name: 'the first event has the number 0',
      breaks: ['I7'],
      find: 'return ++eventCount;',
      replace: 'return eventCount++;',
    },
  ]),
  ...mutationsOf('BookStorage.sol', 'errors', [
    {
      name: 'a book has no notice period',
      breaks: ['R3', 'R10', 'errors'],
      find: 'if (noticeS_ == 0 || noticeS_ > MAX_NOTICE_S)',
      replace: 'if (noticeS_ > MAX_NOTICE_S)',
    },
    {
      name: 'a book has a notice period of any length',
      breaks: ['R3', 'I11', 'errors'],
      find: 'if (noticeS_ == 0 || noticeS_ > MAX_NOTICE_S)',
      replace: 'if (noticeS_ == 0)',
    },
    {
      name: 'an operator that never registered is known',
      breaks: ['errors'],
      find: 'if (known.operatorNo == 0) revert OperatorUnknown(operator_);',
      replace: '',
    },
    {
      name: 'what may be topped up stays for the next grant',
      breaks: ['R1', 'R2', 'I9'],
      find: 'return topUp.grantNo == grantNo ? topUp.left : 0;',
      replace: 'grantNo; return topUp.left;',
      kills: 'otherOps',
    },
  ]),
  ...mutationsOf('Pages.sol', 'page', [
    {
      name: 'any bytes are the page’s',
      breaks: ['I5'],
      find: '(word ^ uint256(pageHash)) <= MASK_MAX',
      replace: 'pageHash != 0',
    },
  ]),
];
